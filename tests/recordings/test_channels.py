"""One canonical name for each electrode and pair, whatever the recorder called it."""

from __future__ import annotations

import pytest

from ictal.recordings.channels import SCALP_19, canonical, is_scalp


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("EEG FP1-REF", "Fp1"),
        ("EEG FZ-LE", "Fz"),
        ("EEG Fp1", "Fp1"),
        ("Fp1-Avg", "Fp1"),
        ("eeg cz-ref", "Cz"),
        ("  EEG  O2 - REF ", "O2"),
        ("T7", "T3"),
        ("T8", "T4"),
        ("EEG P7-REF", "T5"),
        ("P8", "T6"),
        ("EEG Fc5", "FC5"),
        ("EEG T1-REF", "T1"),
        ("A1", "A1"),
        ("FP1-F7", "Fp1-F7"),
        ("T8-P8", "T4-T6"),
        ("P7-T7", "T5-T3"),
        ("FT9-FT10", "FT9-FT10"),
        ("C3-A2", "C3-A2"),
        ("EKG1", "EKG1"),
        ("EEG EKG1-REF", "EKG1"),
        ("EKG EKG", "EKG EKG"),
        ("PHOTIC-REF", "PHOTIC"),
        ("IBI", "IBI"),
        ("DC1-DC", "DC1-DC"),
        ("1", "1"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_names_of_the_table(label, name):
    """Kinds, references, case, spaces and the newer names of the temporal chain."""
    assert canonical(label) == name
    assert canonical(name) == name


def test_canonical_names_of_the_scalp_are_themselves():
    """The 19 electrodes, each once."""
    assert [canonical(name) for name in SCALP_19] == list(SCALP_19)
    assert len(set(SCALP_19)) == 19


def test_only_the_19_and_their_pairs_are_scalp():
    """Ear, nasion, heart and dummy channels are not."""
    assert all(map(is_scalp, ["EEG T7-REF", "FP1-F7", "Cz"]))
    assert not any(map(is_scalp, ["A1", "C3-A2", "EKG1", "-", "", "FT9-FT10", "1"]))
