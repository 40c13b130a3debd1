"""A synthetic corpus in TUSZ's layout: real EDF+ files, real annotations, and the truth beside them.

Invariant: every byte follows from `SynthConfig`; neither the number of workers nor the clock leaves a trace. The folder
appears whole or not at all: it is made under the name `<out>.partial` and renamed at the end.
"""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import edfio
import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings.annotations import tusz
from ictal.recordings.events import Event
from ictal.recordings.interrupts import withheld
from ictal.recordings.synthetic import extras, head
from ictal.recordings.synthetic.mimics import Mimic
from ictal.recordings.synthetic.patients import PatientTraits
from ictal.recordings.synthetic.plan import PlannedPatient, PlannedRecording, generator, plan_corpus
from ictal.recordings.synthetic.recording import MadeRecording, make_recording
from ictal.recordings.synthetic.seizures import Involvement
from ictal.recordings.synthetic.truth import (
    TrueEpisode,
    TrueMimic,
    TruePatient,
    TrueRecording,
    TrueSeizure,
    Truth,
    write_truth,
)

Progress = Callable[[int, int], None]

_DIGITAL_RANGE = (-32767, 32767)
_PHYSICAL_RANGE_UV = (-5000, 5000)
_MONTAGE_FILE = "nedc_eas_default_montage.txt"
_RECORDINGS_PER_SESSION = 2


@dataclass(frozen=True, kw_only=True)
class SynthConfig:
    """What the corpus is like.

    Args:
        patients: Number of patients; at least 3, one for each split.
        hours: Recorded time in all, not each.
        seed: Everything random follows from it.
        seizure_share: Share of the recorded time that is ictal; 0 makes a corpus without seizures.
    """

    patients: int = 24
    hours: float = 6.0
    seed: int = 0
    seizure_share: float = 0.01


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One recording to make, complete in itself, so that any process can make it."""

    root: Path
    seed: int
    number: int
    patient: PlannedPatient
    recording: PlannedRecording


def write_corpus(out: Path, config: SynthConfig, *, workers: int = 1, progress: Progress | None = None) -> Truth:
    """Write a corpus into a new folder.

    Args:
        out: Folder to make; it may exist if it is empty.
        config: What the corpus is like.
        workers: Processes that make recordings; 1 works in this process.
        progress: Called with (recordings done, recordings in all).

    Raises:
        InputError: when the folder holds something (`output-exists`), when the configuration cannot be met
            (`synth-infeasible`), or when there are no workers (`workers`).
    """
    plan = plan_corpus(
        patients=config.patients, hours=config.hours, seizure_share=config.seizure_share, seed=config.seed
    )
    _check_place(out, workers)
    partial = out.with_name(out.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    jobs = [
        _Job(root=partial, seed=config.seed, number=number, patient=patient, recording=recording)
        for number, patient in enumerate(plan)
        for recording in patient.recordings
    ]
    made = sorted(_watched(_run(jobs, workers), len(jobs), progress), key=lambda recording: recording.id)
    truth = Truth(
        made_with=asdict(config),
        patients=tuple(TruePatient(name=one.name, split=one.split, traits=one.traits) for one in plan),
        recordings=tuple(made),
    )
    write_truth(partial / "truth.json", truth)
    partial.rename(out)
    return truth


def _check_place(out: Path, workers: int) -> None:
    if workers < 1:
        raise InputError(
            "There is nobody to write the corpus",
            where="workers",
            got=workers,
            expected="1 or more",
            remedy="leave it out, or give the number of processor cores",
            code="workers",
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            "The place for the corpus is taken",
            where=out,
            got="a folder that holds something, or a file",
            expected="a new or an empty folder",
            remedy="name another folder or remove this one",
            code="output-exists",
        )


def _run(jobs: list[_Job], workers: int) -> Iterator[TrueRecording]:
    """Make all recordings, longest first, in whatever order they are ready."""
    ordered = sorted(jobs, key=lambda job: -job.recording.duration_s * job.patient.traits.rate_hz)
    if workers == 1:
        yield from map(_write_recording, ordered)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        try:
            with withheld():
                submitted = [pool.submit(_write_recording, job) for job in ordered]
            for future in concurrent.futures.as_completed(submitted):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _watched(made: Iterable[TrueRecording], total: int, progress: Progress | None) -> Iterator[TrueRecording]:
    for done, recording in enumerate(made, 1):
        yield recording
        if progress is not None:
            progress(done, total)


def _write_recording(job: _Job) -> TrueRecording:
    """Make one recording and write its three files."""
    made = make_recording(generator(job.seed, 2, job.number, job.recording.number), job.patient.traits, job.recording)
    edf = job.root / _relative(job)
    edf.parent.mkdir(parents=True, exist_ok=True)
    _edf(job, made).write(edf)
    truth = _truth(job, made)
    _write_annotations(edf, truth)
    return truth


def _relative(job: _Job) -> Path:
    """TUSZ's place for a recording: split, patient, session, montage, file."""
    traits, name = job.patient.traits, job.patient.name
    session, token = divmod(job.recording.number, _RECORDINGS_PER_SESSION)
    session_folder = f"s{session + 1:03d}_{_year(traits, session)}"
    stem = f"{name}_s{session + 1:03d}_t{token:03d}"
    return Path("edf", job.patient.split, name, session_folder, extras.MONTAGES[traits.reference], f"{stem}.edf")


def _year(traits: PatientTraits, session: int) -> int:
    """A session a year for ten years; further ones stay in the tenth."""
    return traits.start_year + min(session, 9)


def _edf(job: _Job, made: MadeRecording) -> edfio.Edf:
    session = job.recording.number // _RECORDINGS_PER_SESSION
    date = dt.date(_year(job.patient.traits, session), 1, 1)
    start_minute = 8 * 60 + 30 * (job.recording.number % _RECORDINGS_PER_SESSION)
    return edfio.Edf(
        [_signal(label, signal_uv, made.rate_hz) for label, signal_uv in made.channels_uv.items()],
        patient=edfio.Patient(code=job.patient.name),
        recording=edfio.Recording(startdate=date, equipment_code="ictal_synth"),
        starttime=dt.time(*divmod(start_minute, 60)),
        data_record_duration=1,
        annotations=(),
    )


def _signal(label: str, signal_uv: npt.NDArray[np.float32], rate_hz: int) -> edfio.EdfSignal:
    """One signal in digital units; what leaves the amplifier's range is cut off, as an amplifier does."""
    scaled = signal_uv * np.float32(_DIGITAL_RANGE[1] / _PHYSICAL_RANGE_UV[1])
    digital = np.rint(scaled, out=scaled).clip(*_DIGITAL_RANGE).astype(np.int16)
    return edfio.EdfSignal.from_digital(
        digital,
        rate_hz,
        label=label,
        transducer_type="simulated",
        physical_dimension="uV",
        physical_range=_PHYSICAL_RANGE_UV,
        digital_range=_DIGITAL_RANGE,
        prefiltering="HP:0.000 Hz LP:0.0 Hz N:0.0",
    )


def _truth(job: _Job, made: MadeRecording) -> TrueRecording:
    involved = zip(job.recording.seizures, made.involvements, strict=True)
    return TrueRecording(
        id=_relative(job).with_suffix("").as_posix(),
        patient=job.patient.name,
        split=job.patient.split,
        rate_hz=made.rate_hz,
        duration_s=job.recording.duration_s,
        seizures=tuple(_true_seizure(job.patient.traits, *seizure) for seizure in involved),
        mimics=tuple(_true_mimic(mimic, made.rate_hz) for mimic in made.mimics),
        vigilance=tuple(
            TrueEpisode(state=episode.state.value, onset_s=episode.onset_s, stop_s=episode.stop_s)
            for episode in made.episodes
        ),
    )


def _true_seizure(traits: PatientTraits, span: tuple[int, int], involvement: tuple[Involvement, ...]) -> TrueSeizure:
    assert traits.seizure is not None
    return TrueSeizure(
        kind=traits.seizure.label,
        onset_sample=span[0],
        stop_sample=span[1],
        onset_s=span[0] / traits.rate_hz,
        stop_s=span[1] / traits.rate_hz,
        focus=traits.seizure.focus,
        channels={one.channel: one.onset_sample / traits.rate_hz for one in involvement},
    )


def _true_mimic(mimic: Mimic, rate_hz: int) -> TrueMimic:
    return TrueMimic(
        kind=mimic.kind,
        onset_sample=mimic.onset_sample,
        stop_sample=mimic.stop_sample,
        onset_s=mimic.onset_sample / rate_hz,
        stop_s=mimic.stop_sample / rate_hz,
        electrodes=mimic.electrodes,
    )


def _write_annotations(edf: Path, truth: TrueRecording) -> None:
    """The seizures as `.csv` with a type on each channel that takes part, and as `.csv_bi`."""
    events = [
        Event(onset_s=onset_s, stop_s=seizure.stop_s, label=seizure.kind, channels=(channel,), confidence=1.0)
        for seizure in truth.seizures
        for channel, onset_s in seizure.channels.items()
    ]
    duration_s = float(truth.duration_s)
    pairs = ["-".join(pair) for pair in head.TCP_PAIRS]
    tusz.write_bi(edf.with_suffix(".csv_bi"), bname=edf.stem, duration_s=duration_s, events=events)
    tusz.write_channels(
        edf.with_suffix(".csv"),
        bname=edf.stem,
        duration_s=duration_s,
        montage_file=_MONTAGE_FILE,
        events=events,
        channels=pairs,
    )
