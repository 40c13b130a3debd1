"""Genuine CHB-MIT and Siena files, where this machine has them."""

from __future__ import annotations

from collections import Counter

import edfio
import numpy as np
import pytest

from ictal.recordings import edf
from ictal.recordings.annotations import bids, tusz
from ictal.recordings.audit import audit
from ictal.recordings.corpus import discover, read_labels
from ictal.recordings.events import seizures
from ictal.recordings.montages import MONTAGES, derive


def test_the_chbmit_clips_are_a_folder_of_two_patients_with_one_seizure_each(shared_data):
    """Eight clips, each from its tenth second on ictal."""
    corpus = discover(shared_data / "chbmit_clips")
    labelled, quarantined = read_labels(corpus)
    assert (corpus.name, len(labelled), quarantined) == ("folder", 8, [])
    assert {one.recording.patient for one in labelled} == {"chb01", "chb02"}
    assert all(one.seizures_s == ((10.0, one.duration_s),) for one in labelled)


def test_both_annotation_formats_of_a_clip_say_the_same(shared_data):
    """`.csv_bi` and `_events.tsv`."""
    for path in sorted((shared_data / "chbmit_clips").glob("*.csv_bi")):
        events = bids.read(path.with_name(f"{path.stem}_events.tsv"))
        assert seizures(tusz.read(path)) == seizures(events)


def test_the_audit_of_the_clips_is_clean(shared_data):
    """Bipolar: one montage fits all eight."""
    found = audit(shared_data / "chbmit_clips")
    assert found.exit_code == 0, found.findings
    assert found.montages == {**dict.fromkeys(MONTAGES, 0), "double-banana-18": 8}
    assert found.seizure_seconds == 157.0


def test_every_sample_of_a_clip_is_what_edfio_reads(shared_data):
    """The 18 channels of the double banana, sample for sample."""
    path = shared_data / "chbmit_clips" / "chb01_03_clip.edf"
    header = edf.read_header(path)
    derivation = derive(MONTAGES["double-banana-18"], header)
    theirs = edfio.read_edf(path)
    expected = np.stack([theirs.get_signal(label).data for label in derivation.labels if label != "T8-P8"])
    ours = edf.read_uv(header, [label for label in derivation.labels if label != "T8-P8"])
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-3)
    assert derivation.rate_hz == 256


@pytest.mark.parametrize(("corpus", "files", "rate_hz"), [("chbmit", 39, 256), ("siena", 5, 512)])
def test_genuine_headers_are_read_and_give_a_montage(shared_data, corpus, files, rate_hz):
    """Odd dimensions and channels do not cost a recording."""
    headers = [edf.read_header(recording.edf) for recording in discover(shared_data / "fixtures" / corpus).recordings]
    assert len(headers) == files
    for header in headers:
        assert derive(MONTAGES["double-banana-18"], header).rate_hz == rate_hz
        assert header.duration_s == 2
        assert header.start is not None


def test_genuine_lists_are_read_and_contradict_the_noise_that_stands_for_the_signal(shared_data):
    """Every recording has its annotation; lengths disagree on purpose, and PN00's third seizure ends an hour late."""
    chbmit = audit(shared_data / "fixtures" / "chbmit")
    siena = audit(shared_data / "fixtures" / "siena")
    assert (chbmit.corpus, chbmit.recordings, chbmit.labels) == ("chbmit", 39, {"seiz": 5})
    assert (siena.corpus, siena.recordings, siena.labels) == ("siena", 5, {"seiz": 4})
    assert Counter(finding.code for finding in chbmit.findings) == {"duration-mismatch": 39, "corpus-empty": 1}
    faults = Counter(finding.code for finding in siena.findings)
    assert faults == {"duration-mismatch": 4, "annotation-times": 1, "corpus-empty": 1}
    late = next(finding for finding in siena.findings if finding.code == "annotation-times")
    assert "Seizures-list-PN00.txt:58" in late.message
    assert (chbmit.exit_code, siena.exit_code) == (2, 2)
