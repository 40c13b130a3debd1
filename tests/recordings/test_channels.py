"""One canonical name for each electrode and pair, whatever the recorder called it."""

from __future__ import annotations

import itertools

import pytest

from ictal.recordings.channels import SCALP_19, canonical, is_scalp, reference


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


OF_THE_19 = {
    "Fp1": ["FP1", "Fp1", "fp1"],
    "F3": ["F3", "f3"],
    "C3": ["C3", "c3"],
    "P3": ["P3", "p3"],
    "F7": ["F7", "f7"],
    "T3": ["T3", "t3", "T7", "t7"],
    "T5": ["T5", "t5", "P7", "p7"],
    "O1": ["O1", "o1"],
    "Fz": ["FZ", "Fz", "fz"],
    "Cz": ["CZ", "Cz", "cz"],
    "Pz": ["PZ", "Pz", "pz"],
    "Fp2": ["FP2", "Fp2", "fp2"],
    "F4": ["F4", "f4"],
    "C4": ["C4", "c4"],
    "P4": ["P4", "p4"],
    "F8": ["F8", "f8"],
    "T4": ["T4", "t4", "T8", "t8"],
    "T6": ["T6", "t6", "P8", "p8"],
    "O2": ["O2", "o2"],
}
"""Every electrode with every name that recorders give it, in every case."""
PREFIXES = ("", "EEG ", "eeg ", "EEG  ", " ")
SUFFIXES = ("", ".", "..", " ", "-REF", "-Ref", "-LE", "-AR", "-Avg", "-AVG", " - REF", "- LE")


@pytest.mark.parametrize("electrode", SCALP_19)
def test_every_spelling_of_an_electrode_is_that_electrode(electrode):
    """Case, kind, common reference, padding, the names before and after 1991: all of them together."""
    spellings = {f"{p}{name}{s}" for name in OF_THE_19[electrode] for p in PREFIXES for s in SUFFIXES}
    assert {canonical(spelling) for spelling in spellings} == {electrode}
    assert all(map(is_scalp, spellings))


def test_every_spelling_of_a_pair_is_that_pair():
    """All ordered pairs of the 19, as CHB-MIT, TUSZ and Siena write them."""
    for one, other in itertools.permutations(SCALP_19, 2):
        for first, second in itertools.product(OF_THE_19[one][:1], OF_THE_19[other]):
            for label in (f"{first}-{second}", f"EEG {first} - {second}", f"{first.lower()}-{second.lower()}"):
                assert canonical(label) == f"{one}-{other}", label


def test_the_reference_is_what_the_label_names():
    """Kept for each recording: ar and le recordings differ."""
    assert {
        label: reference(label) for label in ("EEG FP1-REF", "EEG Fp1-LE", "C3 - Ar", "Cz-avg", "C3", "FP1-F7")
    } == {
        "EEG FP1-REF": "REF",
        "EEG Fp1-LE": "LE",
        "C3 - Ar": "AR",
        "Cz-avg": "AVG",
        "C3": "",
        "FP1-F7": "",
    }


NO_ELECTRODE = (
    *("EKG1", "EEG EKG1-REF", "ECG", "EMG", "PHOTIC-REF", "IBI", "BURSTS", "SUPPR", "LOC", "ROC", "RESP1", "DC1"),
    *("SP1", "SP2", "EEG 31-REF", "1", "-", "--0", "-0", "", "SPO2", "HR", "EEG CZ PZ", "C3-P3-O1", "STI 014"),
    *("C33", "FP", "F", "C3C4", "EEG", "REF", "EEG -REF", "EDF Annotations"),
)


@pytest.mark.parametrize("label", NO_ELECTRODE)
def test_what_is_no_electrode_is_never_taken_for_one(label):
    """Nor do the tables reach beyond the whole name."""
    assert not is_scalp(label)
    assert canonical(label) not in SCALP_19
