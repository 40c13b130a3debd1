"""EDF+ annotations, read and written: one test per clause."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.annotations import beside, edfplus
from ictal.recordings.events import Event, seizures

START = dt.datetime(2021, 3, 4, 5, 6, 7)  # noqa: DTZ001 - the recorder's clock has no zone


def written(folder: Path, *annotations: edfio.EdfAnnotation, name: str = "x.edf") -> Path:
    signal = edfio.EdfSignal(np.sin(np.arange(2560) / 9), 256, label="EEG Fp1", physical_dimension="uV")
    path = folder / name
    edfio.Edf([signal], annotations=annotations).write(path)
    return path


def code_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        edfplus.read(path)
    return caught.value.code


def read_or_refused(path: Path) -> tuple[tuple[Event, ...] | None, str]:
    """The events, or None and what the error names."""
    try:
        return edfplus.read(path).events, str(path)
    except InputError as error:
        return None, error.where


times = st.integers(0, 10**8).map(lambda ticks: ticks / 10_000)
labels = st.sampled_from(["sz", "sz_foc_ia", "bckg", "fnsz"])


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.tuples(times, times.filter(bool), labels),
        st.lists(st.sampled_from(["Fp1", "T3-C3", "EEG O2-REF"]), unique=True, max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, drawn: dict[tuple[float, float, str], list[str]]
) -> None:
    """Onset, duration and label to the last decimal; channels in the order of their names."""
    events = [
        Event(onset_s=onset_s, stop_s=round(onset_s + length_s, 9), label=label, channels=tuple(sorted(channels)))
        for (onset_s, length_s, label), channels in drawn.items()
    ]
    path = tmp_path_factory.getbasetemp() / "round.edf"
    edfplus.write(path, events=events, duration_s=20_000.0, start=START)
    assert sorted(edfplus.read(path).events) == sorted(events)


def test_annotations_lie_beside_signals_or_alone(tmp_path: Path) -> None:
    """A file with signals states the recording's length; one of annotations alone states none."""
    assert edfplus.read(written(tmp_path, edfio.EdfAnnotation(1, 2, "sz"))).duration_s == 10.0
    edfplus.write(tmp_path / "alone.edf", events=[], duration_s=33.0, start=None)
    alone = edfplus.read(tmp_path / "alone.edf")
    assert alone.duration_s is None
    assert alone.events == (Event(onset_s=0.0, stop_s=33.0, label="bckg"),)


def test_the_start_is_kept(tmp_path: Path) -> None:
    """Date and clock time, as any EDF+ reader finds them."""
    edfplus.write(tmp_path / "x.edf", events=[], duration_s=3.0, start=START)
    edf = edfio.read_edf(tmp_path / "x.edf")
    assert (edf.startdate, edf.starttime) == (START.date(), START.time())


def test_a_channel_follows_two_at_signs(tmp_path: Path) -> None:
    """Annotations that differ in it alone are one event."""
    path = written(tmp_path, edfio.EdfAnnotation(1, 2, "sz@@Fp1"), edfio.EdfAnnotation(1, 2, "sz@@F7"))
    assert edfplus.read(path).events == (Event(onset_s=1.0, stop_s=3.0, label="sz", channels=("F7", "Fp1")),)


def test_a_seizure_without_a_duration_is_refused_where_it_would_be_lost(tmp_path: Path) -> None:
    """The duration is optional in EDF+; a seizure of no length cannot be meant."""
    annotation = edfplus.read(written(tmp_path, edfio.EdfAnnotation(1, None, "sz")))
    with pytest.raises(InputError, match="no length"):
        seizures(annotation)


def test_what_is_no_edf_plus_or_says_nothing_is_refused(tmp_path: Path) -> None:
    """Noise, a cut header, a cut end, no annotation at all, one before the recording."""
    for name, content in {"noise.edf": b"noise", "cut.edf": written(tmp_path).read_bytes()[:300]}.items():
        (tmp_path / name).write_bytes(content)
        assert code_of(tmp_path / name) == "annotation-unreadable"
    (tmp_path / "x.edf").write_bytes(written(tmp_path, edfio.EdfAnnotation(1, 2, "sz")).read_bytes()[:-700])
    assert code_of(tmp_path / "x.edf") == "annotation-unreadable"
    assert code_of(written(tmp_path)) == "annotation-empty"
    assert code_of(written(tmp_path, edfio.EdfAnnotation(-1, 2, "sz"))) == "annotation-times"


def test_an_edf_stands_for_its_own_annotation_only_if_it_speaks_of_seizures(tmp_path: Path) -> None:
    """And only if no file lies beside it: notes of a technician are no reading of the recording."""
    path = written(tmp_path, edfio.EdfAnnotation(1, 2, "sz"), edfio.EdfAnnotation(4, 1, "eyes closed"))
    assert beside.find(path) == path
    with pytest.raises(InputError, match="eyes closed"):
        seizures(beside.read(path, path))
    assert seizures(beside.read(path, path), {"eyes closed": "bckg"}) == ((1.0, 3.0),)
    notes = written(tmp_path, edfio.EdfAnnotation(4, 1, "eyes closed"), name="notes.edf")
    assert beside.find_all(notes) == ()
    path.with_suffix(".tse").write_text("version = tse_v1.0.0\n\n0.0 10.0 bckg 1.0\n")
    assert beside.find(path).suffix == ".tse"


@settings(max_examples=150)
@given(st.data())
def test_whatever_the_bytes_they_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """A few bytes of a sound file changed: it is read, or it is refused by name."""
    folder = tmp_path_factory.getbasetemp()
    sound = bytearray(written(folder, edfio.EdfAnnotation(1, 2, "sz@@Fp1")).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    path = folder / "changed.edf"
    path.write_bytes(bytes(sound))
    events, where = read_or_refused(path)
    assert where == str(path)
    assert events != ()


def test_artefacts_are_annotations_of_the_time_of_their_event(tmp_path: Path) -> None:
    """One for each channel; read again they belong to the event, in the order of their names; none are none."""
    events = [
        Event(onset_s=1.5, stop_s=9.0, label="sz", artefacts=("clipped O1", "flat F7", "flat T3-C3")),
        Event(onset_s=20.0, stop_s=31.0, label="sz_foc_ia", artefacts=()),
        Event(onset_s=40.0, stop_s=41.0, label="sz"),
    ]
    edfplus.write(tmp_path / "x.edf", events=events, duration_s=100.0, start=START)
    texts = {(one.onset, one.duration, one.text) for one in edfio.read_edf(tmp_path / "x.edf").annotations}
    assert {(1.5, 7.5, "artefact flat@@F7"), (1.5, 7.5, "artefact clipped@@O1"), (1.5, 7.5, "sz")} <= texts
    read = edfplus.read(tmp_path / "x.edf")
    assert [one.artefacts for one in read.events] == [events[0].artefacts, None, None]
    assert seizures(read) == ((1.5, 9.0), (20.0, 31.0), (40.0, 41.0))


def test_an_artefact_of_no_event_is_a_label_that_nobody_knows(tmp_path: Path) -> None:
    """Somebody else's word, at another time or of no channel, stops like any other."""
    for strange in (edfio.EdfAnnotation(1, 3, "artefact flat@@F7"), edfio.EdfAnnotation(1, 2, "artefact flat")):
        read = edfplus.read(written(tmp_path, edfio.EdfAnnotation(1, 2, "sz"), strange))
        assert [one.artefacts for one in read.events] == [None, None]
        with pytest.raises(InputError, match="artefact flat"):
            seizures(read)
