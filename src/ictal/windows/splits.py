"""Which patient serves for what: training, development (tuning) and evaluation. No patient serves twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError, check_setting
from ictal.timeline import spans as sp
from ictal.windows.index import IndexedRecording

Part: TypeAlias = Literal["train", "dev", "eval"]
PARTS: tuple[Part, ...] = ("train", "dev", "eval")
Split: TypeAlias = dict[Part, tuple[int, ...]]
"""Recording numbers of every part, ascending."""


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """How patients are divided."""

    method: Literal["official", "stratified", "all-train"] = "official"
    """`official` takes the corpus's own parts; `stratified` balances patients, seizures, ictal time and hours;
    `all-train` puts everything into training, to see whether a model can learn a small corpus at all."""
    dev_share: float = 0.2
    """Share of the corpus for development, with `stratified`."""
    eval_share: float = 0.2
    """Share of the corpus for evaluation, with `stratified`."""
    minimum_seizures: int = 1
    """Every part must hold at least so many seizures."""
    seed: int = 0
    """Seed of the order in which patients of equal burden are placed, with `stratified`."""

    def __post_init__(self) -> None:
        for name, share in (("dev_share", self.dev_share), ("eval_share", self.eval_share)):
            check_setting(0 < share < 1, f"split.{name}", share, "above 0 and below 1")
        check_setting(self.minimum_seizures >= 1, "split.minimum_seizures", self.minimum_seizures, "at least 1")
        check_setting(self.seed >= 0, "split.seed", self.seed, "0 or more")


def split(recordings: Sequence[IndexedRecording], official: Sequence[str | None], config: SplitConfig) -> Split:
    """Divide the recordings by patient.

    Args:
        recordings: The corpus.
        official: The part that the corpus's own layout gives each recording, or None.
        config: The method and its numbers.

    Raises:
        InputError: if a patient would serve in two parts, a recording has no official part, or a part holds fewer
            seizures than asked for.
    """
    if config.method == "all-train":
        parts: Split = {"train": tuple(range(len(recordings))), "dev": (), "eval": ()}
    elif config.method == "official":
        parts = _official(recordings, official)
    else:
        parts = _stratified(recordings, config)
    require_disjoint_patients(recordings, parts)
    for part in PARTS if config.method != "all-train" else PARTS[:1]:
        _require_seizures(recordings, parts[part], part, config)
    return parts


def require_disjoint_patients(recordings: Sequence[IndexedRecording], parts: Mapping[Part, Sequence[int]]) -> None:
    """Stop if a patient has recordings in two parts."""
    seen: dict[str, Part] = {}
    for part, numbers in parts.items():
        for number in numbers:
            patient = recordings[number].patient
            if seen.setdefault(patient, part) != part:
                raise InputError(
                    "A patient has recordings in two parts",
                    where=recordings[number].id,
                    got=f"patient {patient} in {seen[patient]} and in {part}",
                    expected="all recordings of a patient in one part",
                    remedy='use split.method = "stratified", or move the patient\'s recordings together',
                    code="patient-in-two-parts",
                )


def _official(recordings: Sequence[IndexedRecording], official: Sequence[str | None]) -> Split:
    parts: dict[Part, list[int]] = {part: [] for part in PARTS}
    for number, part in enumerate(official):
        if part not in PARTS:
            raise InputError(
                "A recording has no official part",
                where=recordings[number].id,
                got=part,
                expected=f"a folder {', '.join(PARTS)} above it",
                remedy='use split.method = "stratified"',
                code="split-unknown",
            )
        parts[part].append(number)
    return {part: tuple(numbers) for part, numbers in parts.items()}


def _stratified(recordings: Sequence[IndexedRecording], config: SplitConfig) -> Split:
    """Place patients, the heaviest burden first, where the parts' shares come closest to what is wanted.

    As soon as no more patients with seizures are left than there are parts without, only those parts are open to them.
    """
    patients = sorted({r.patient for r in recordings})
    shares = _shares(config, len(patients))
    burden = _burden(recordings, patients)
    jitter = np.random.default_rng(config.seed).random(len(patients))
    order = np.lexsort((jitter, -burden[:, 0], -burden[:, 1]))
    waiting = int((burden[:, 0] > 0).sum())
    held = np.zeros((len(PARTS), burden.shape[1]))
    part_of: dict[str, Part] = {}
    for patient in order:
        after = held[None] + np.eye(len(PARTS))[:, :, None] * burden[patient]
        missed = ((after - shares[:, None]) ** 2).sum((1, 2))
        without = held[:, 0] == 0
        if 0 < waiting <= without.sum():
            missed[~without] = np.inf
        place = int(missed.argmin())
        held[place] += burden[patient]
        part_of[patients[patient]] = PARTS[place]
        waiting -= int(burden[patient, 0] > 0)
    return {part: tuple(n for n, r in enumerate(recordings) if part_of[r.patient] == part) for part in PARTS}


def _shares(config: SplitConfig, patients: int) -> npt.NDArray[np.float64]:
    train = 1 - config.dev_share - config.eval_share
    if min(train, config.dev_share, config.eval_share) <= 0:
        raise InputError(
            "The parts' shares leave one of them empty",
            where="split.dev_share, split.eval_share",
            got=f"train {train:g}, dev {config.dev_share:g}, eval {config.eval_share:g}",
            expected="three shares above 0",
            remedy='choose smaller shares, or split.method = "all-train"',
            code="split-infeasible",
        )
    if patients < len(PARTS):
        raise InputError(
            "There are fewer patients than parts",
            where="split.method",
            got=f"{patients} patients",
            expected=f"at least {len(PARTS)}",
            remedy='add patients, or split.method = "all-train" to see whether a model learns at all',
            code="split-infeasible",
        )
    return np.array([train, config.dev_share, config.eval_share])


def _burden(recordings: Sequence[IndexedRecording], patients: Sequence[str]) -> npt.NDArray[np.float64]:
    """Share of all seizures, ictal time, recorded time and patients that each patient holds: shape (patients, 4)."""
    place = {patient: n for n, patient in enumerate(patients)}
    table = np.zeros((len(patients), 4))
    for recording in recordings:
        table[place[recording.patient], :3] += len(recording.seizures), sp.total(recording.seizures), recording.samples
    table[:, 3] = 1
    burden: npt.NDArray[np.float64] = table / np.maximum(table.sum(0), 1)
    return burden


def _require_seizures(
    recordings: Sequence[IndexedRecording], numbers: Sequence[int], part: Part, config: SplitConfig
) -> None:
    found = sum(len(recordings[n].seizures) for n in numbers)
    if found < config.minimum_seizures:
        total = sum(len(r.seizures) for r in recordings)
        patients = len({r.patient for r in recordings if len(r.seizures)})
        raise InputError(
            f"The {part} part holds too few seizures",
            where=f'split.method = "{config.method}"',
            got=f"{found} of the corpus's {total} seizures, which belong to {patients} patients",
            expected=f"at least {config.minimum_seizures}",
            remedy="add patients with seizures, change the shares, or lower split.minimum_seizures",
            code="split-infeasible" if total else "no-seizures",
        )
