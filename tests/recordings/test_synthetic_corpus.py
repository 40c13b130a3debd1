"""The synthetic corpus on disk: the same from the same seed, in TUSZ's layout, with annotations that say the truth."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from dataclasses import asdict
from pathlib import Path

import edfio
import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings.annotations import tusz
from ictal.recordings.events import seizures
from ictal.recordings.synthetic import head
from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus
from ictal.recordings.synthetic.truth import Truth
from ictal.timeline.spans import spans_from_seconds

SMALL = SynthConfig(patients=4, hours=0.3, seed=3, seizure_share=0.1)
PLACE = re.compile(
    r"edf/(train|dev|eval)/(?P<patient>[a-z]{8})/(?P<session>s\d{3})_\d{4}/(01_tcp_ar|02_tcp_le)"
    r"/(?P=patient)_(?P=session)_t\d{3}"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("synthetic") / "corpus"


@pytest.fixture(scope="module")
def truth(root: Path) -> Truth:
    return write_corpus(root, SMALL)


def test_same_seed_gives_the_same_bytes_with_one_worker_and_with_two(root: Path, truth: Truth, tmp_path: Path) -> None:
    """Neither the number of processes nor the time of day leaves a trace."""
    assert write_corpus(tmp_path / "two", SMALL, workers=2) == truth
    assert _digests(tmp_path / "two") == _digests(root)


def test_another_seed_gives_another_corpus(truth: Truth, tmp_path: Path) -> None:
    """The seed decides names, times and signals."""
    other = write_corpus(tmp_path / "other", SynthConfig(patients=3, hours=0.06, seed=4, seizure_share=0))
    assert {one.name for one in other.patients}.isdisjoint(one.name for one in truth.patients)


def test_every_recording_lies_where_tusz_would_have_it(root: Path, truth: Truth) -> None:
    """Split, patient, session with year, montage, and three files of one stem; nothing else but the truth."""
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    stems = [recording.id for recording in truth.recordings]
    assert all(PLACE.fullmatch(stem) for stem in stems)
    assert found == sorted([*(stem + end for stem in stems for end in (".edf", ".csv", ".csv_bi")), "truth.json"])


def test_files_hold_the_hours_and_the_ictal_share_that_were_asked_for(truth: Truth) -> None:
    """Recorded seconds exactly, ictal seconds to within the rounding of each seizure to samples."""
    assert truth.recorded_s == 1080
    assert truth.ictal_s == pytest.approx(108, abs=0.05)


def test_every_split_has_a_patient_with_seizures_and_no_patient_is_in_two(truth: Truth) -> None:
    """So that training, tuning and testing all have something to count."""
    assert {recording.split for recording in truth.recordings if recording.seizures} == {"train", "dev", "eval"}
    places = {(recording.patient, recording.split) for recording in truth.recordings}
    assert len(places) == len({patient for patient, _ in places}) == SMALL.patients


def test_edf_has_the_stated_duration_rate_labels_and_calibration(root: Path, truth: Truth) -> None:
    """Any EDF reader sees TUSZ's labels and microvolts."""
    for recording in truth.recordings:
        edf = edfio.read_edf(root / f"{recording.id}.edf")
        reference = "LE" if "02_tcp_le" in recording.id else "REF"
        assert edf.duration == recording.duration_s
        assert {signal.sampling_frequency for signal in edf.signals} == {recording.rate_hz}
        assert set(edf.labels) >= {f"EEG {name}-{reference}" for name in head.ELECTRODES} | {"IBI", "BURSTS", "SUPPR"}
        assert 28 <= edf.num_signals <= 32
        assert edf.signals[0].physical_dimension == "uV"
        assert 5 < np.std(edf.signals[0].data) < 100


def test_no_date_comes_from_the_clock(root: Path, truth: Truth) -> None:
    """The start in the header is the year of the session's folder."""
    for recording in truth.recordings:
        start = edfio.read_edf(root / f"{recording.id}.edf").startdate
        assert f"_{start.year}/" in recording.id


def test_both_annotations_say_exactly_the_true_seizures(root: Path, truth: Truth) -> None:
    """The union over channels of the .csv is the .csv_bi, and both are the truth to four decimals."""
    for recording in truth.recordings:
        whole = seizures(tusz.read(root / f"{recording.id}.csv_bi"))
        by_channel = seizures(tusz.read(root / f"{recording.id}.csv"))
        assert by_channel == whole
        expected = [(seizure.onset_s, seizure.stop_s) for seizure in recording.seizures]
        assert np.reshape(whole, (-1, 2)) == pytest.approx(np.reshape(expected, (-1, 2)), abs=0.501e-4)
        samples = [(seizure.onset_sample, seizure.stop_sample) for seizure in recording.seizures]
        assert spans_from_seconds(whole, recording.rate_hz).tolist() == [list(span) for span in samples]


def test_channel_rows_carry_the_type_and_start_no_earlier_than_the_seizure(root: Path, truth: Truth) -> None:
    """Channels join as the seizure spreads; a pair with the focus is there from the start."""
    for recording in truth.recordings:
        labels = {event.label for event in tusz.read(root / f"{recording.id}.csv").events}
        assert labels == {"bckg"} | {seizure.kind for seizure in recording.seizures}
        for seizure in recording.seizures:
            focal = [onset_s for pair, onset_s in seizure.channels.items() if seizure.focus in pair.split("-")]
            assert min(seizure.channels.values()) == seizure.onset_s
            assert all(onset_s == seizure.onset_s for onset_s in focal)
            assert bool(focal) == (seizure.focus is not None)


def test_mimics_are_in_the_truth_and_not_in_the_annotations(tmp_path: Path) -> None:
    """A recording full of mimics and free of seizures is annotated as background from end to end."""
    made = write_corpus(tmp_path / "calm", SynthConfig(patients=3, hours=0.5, seed=1, seizure_share=0))
    assert sum(len(recording.mimics) for recording in made.recordings) >= 2
    for recording in made.recordings:
        assert seizures(tusz.read(tmp_path / "calm" / f"{recording.id}.csv")) == ()


def test_mimics_keep_away_from_seizures_and_from_each_other(truth: Truth) -> None:
    """What is no seizure never overlaps one, so every second has one truth."""
    for recording in truth.recordings:
        events = sorted((event.onset_sample, event.stop_sample) for event in (*recording.seizures, *recording.mimics))
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(events))


def test_truth_file_holds_the_returned_truth(root: Path, truth: Truth) -> None:
    """What `write_corpus` returns can be read again by anything that reads JSON."""
    assert json.loads((root / "truth.json").read_text()) == json.loads(json.dumps(asdict(truth)))


def test_progress_counts_up_to_all_recordings(tmp_path: Path) -> None:
    """The callback hears of every recording once."""
    heard: list[tuple[int, int]] = []
    config = SynthConfig(patients=3, hours=0.06, seizure_share=0)
    made = write_corpus(tmp_path / "heard", config, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(done, len(made.recordings)) for done in range(1, len(made.recordings) + 1)]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten; the error names the folder."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError) as caught:
        write_corpus(tmp_path, SMALL)
    assert (caught.value.code, caught.value.where) == ("output-exists", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_an_interrupted_run_left_is_made_anew(tmp_path: Path) -> None:
    """The folder appears whole under its name; remains of an earlier try disappear."""
    (tmp_path / "corpus.partial" / "edf").mkdir(parents=True)
    (tmp_path / "corpus.partial" / "edf" / "old.edf").write_bytes(b"half")
    write_corpus(tmp_path / "corpus", SynthConfig(patients=3, hours=0.06, seizure_share=0))
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]
    assert not list(tmp_path.rglob("old.edf"))


def test_no_workers_is_an_error_of_the_user(tmp_path: Path) -> None:
    """Zero processes would write nothing."""
    with pytest.raises(InputError, match="nobody"):
        write_corpus(tmp_path / "corpus", SMALL, workers=0)


def _digests(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
