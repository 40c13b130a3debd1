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
_COLUMNS = 4


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """How patients are divided."""

    method: Literal["official", "stratified", "kfold", "leave-one-patient-out", "all-train"] = "official"
    """`official` takes the corpus's own parts; `stratified` balances patients, seizures, ictal time, seizure types and
    hours; `kfold` balances `folds` parts likewise and evaluates on one; `leave-one-patient-out` evaluates on one
    patient with seizures; `all-train` puts everything into training, to see whether a model can learn a small corpus at
    all."""
    folds: int = 5
    """Number of folds, with `kfold`."""
    fold: int = 0
    """Which fold, or which of the patients with seizures in order of their names, is for evaluation; from 0."""
    dev_share: float = 0.2
    """Share for development: of the corpus with `stratified`, of what is not evaluated on with `kfold` and
    `leave-one-patient-out`."""
    eval_share: float = 0.2
    """Share of the corpus for evaluation, with `stratified`."""
    minimum_seizures: int = 1
    """Every part must hold at least so many seizures."""
    minimum_seizure_patients: int = 1
    """Every part must hold at least so many patients with seizures."""
    subset_patients: int = 0
    """Use at most so many patients, for a trial run: each part with the seizures that it must hold, and with its
    proportions of seizures, ictal time, types and hours; 0 uses all."""
    seed: int = 0
    """Seed of the order in which patients of equal burden are placed, and of the choice of a subset."""

    def __post_init__(self) -> None:
        for name, share in (("dev_share", self.dev_share), ("eval_share", self.eval_share)):
            check_setting(0 < share < 1, f"split.{name}", share, "above 0 and below 1")
        check_setting(self.minimum_seizures >= 1, "split.minimum_seizures", self.minimum_seizures, "at least 1")
        least = self.minimum_seizure_patients
        check_setting(least >= 1, "split.minimum_seizure_patients", least, "at least 1")
        check_setting(self.folds >= 2, "split.folds", self.folds, "at least 2")
        check_setting(self.fold >= 0, "split.fold", self.fold, "0 or more")
        check_setting(self.subset_patients >= 0, "split.subset_patients", self.subset_patients, "0 or more")
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
        parts = _by_patient(recordings, _BALANCED[config.method](_burden(recordings), config))
    require_disjoint_patients(recordings, parts)
    if config.subset_patients:
        parts = _subset(recordings, parts, config)
    for part in PARTS if config.method != "all-train" else PARTS[:1]:
        _require_seizures(recordings, parts[part], part, config)
    return parts


def _subset(recordings: Sequence[IndexedRecording], parts: Split, config: SplitConfig) -> Split:
    """Some of the patients of every part: as many as hold the seizures that it must hold, then others in proportion.

    Raises:
        InputError: if so few patients cannot hold the seizures that the parts must hold.
    """
    rng = np.random.default_rng(config.seed)
    ranked = {
        part: _ranked(_burden([recordings[n] for n in numbers]), config, rng)
        for part, numbers in parts.items()
        if numbers
    }
    needed = sum(count for _, count in ranked.values())
    if needed > config.subset_patients:
        raise InputError(
            "The subset is too small for the seizures that every part must hold",
            where="split.subset_patients",
            got=config.subset_patients,
            expected=f"at least {needed} patients",
            remedy="raise it, or lower split.minimum_seizures and split.minimum_seizure_patients",
            code="split-infeasible",
        )
    everyone = sum(len(patients) for patients, _ in ranked.values())
    spare = config.subset_patients - needed
    chosen = {
        patient
        for patients, count in ranked.values()
        for patient in patients[: count + spare * len(patients) // everyone]
    }
    return {part: tuple(n for n in numbers if recordings[n].patient in chosen) for part, numbers in parts.items()}


def _ranked(burden: _Burden, config: SplitConfig, rng: np.random.Generator) -> tuple[list[str], int]:
    """The patients of a part in the order in which a subset takes them, and how many of them it needs.

    The first k of them are a small picture of the part: each comes next who brings what is taken closest to k shares of
    seizures, ictal time, hours and types. The first is drawn among those with seizures, and only they are taken until
    the seizures that a part must hold are there.
    """
    burden = burden.of(rng.permutation(len(burden.patients)))
    ictal = burden.seizures > 0
    held = np.zeros(burden.shares.shape[1])
    order: list[int] = []
    needed = 0
    while len(order) < len(burden.patients):
        share = (len(order) + 1) / len(burden.patients)
        missed = ((held + burden.shares - share) ** 2 * _weights(burden)).sum(1)
        missed[order] = np.inf
        lacking = (
            burden.seizures[order].sum() < config.minimum_seizures
            or ictal[order].sum() < config.minimum_seizure_patients
        )
        if lacking and ictal[order].sum() < ictal.sum():
            missed[~ictal] = np.inf
            needed += 1
        place = int(missed.argmin()) if order else int(ictal.argmax())
        order.append(place)
        held += burden.shares[place]
    return [burden.patients[place] for place in order], needed


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
                got=part or "none",
                expected=f"a folder {', '.join(PARTS)} above it",
                remedy="add --split.method stratified to split by patient",
                code="split-unknown",
            )
        parts[part].append(number)
    return {part: tuple(numbers) for part, numbers in parts.items()}


@dataclass(frozen=True, kw_only=True)
class _Burden:
    """What each patient holds, as shares of the corpus."""

    patients: tuple[str, ...]
    seizures: npt.NDArray[np.int64]
    """Seizures of each patient: shape (patients,)."""
    shares: npt.NDArray[np.float64]
    """Share of all seizures, ictal time, recorded time and patients, then of each seizure type: (patients, columns)."""

    def of(self, places: npt.NDArray[np.int64]) -> _Burden:
        """Some of the patients, in the order of their places, as shares of what they hold together."""
        shares = self.shares[places]
        patients = tuple(self.patients[place] for place in places)
        totals = np.maximum(shares.sum(0), np.finfo(np.float64).tiny)
        return _Burden(patients=patients, seizures=self.seizures[places], shares=shares / totals)


def _stratified(burden: _Burden, config: SplitConfig) -> dict[str, Part]:
    places = _place(burden, _shares(config, len(burden.patients)), config)
    return {patient: PARTS[place] for patient, place in zip(burden.patients, places, strict=True)}


def _kfold(burden: _Burden, config: SplitConfig) -> dict[str, Part]:
    patients = len(burden.patients)
    check_setting(config.folds <= patients, "split.folds", config.folds, f"at most {patients}, the number of patients")
    _require_fold(config, config.folds, "folds")
    folds = _place(burden, np.full(config.folds, 1 / config.folds), config)
    return _around(burden, folds == config.fold, config)


def _leave_one_out(burden: _Burden, config: SplitConfig) -> dict[str, Part]:
    with_seizures = np.flatnonzero(burden.seizures)
    _require_fold(config, len(with_seizures), "patients with seizures")
    return _around(burden, np.arange(len(burden.patients)) == with_seizures[config.fold], config)


_BALANCED = {"stratified": _stratified, "kfold": _kfold, "leave-one-patient-out": _leave_one_out}


def _around(burden: _Burden, held_out: npt.NDArray[np.bool_], config: SplitConfig) -> dict[str, Part]:
    """The held out patients are for evaluation; the others are divided into training and development."""
    rest = burden.of(np.flatnonzero(~held_out))
    places = _place(rest, np.array([1 - config.dev_share, config.dev_share]), config)
    parts: dict[str, Part] = dict.fromkeys(burden.patients, "eval")
    return parts | {patient: PARTS[place] for patient, place in zip(rest.patients, places, strict=True)}


def _by_patient(recordings: Sequence[IndexedRecording], part_of: Mapping[str, Part]) -> Split:
    return {part: tuple(n for n, r in enumerate(recordings) if part_of[r.patient] == part) for part in PARTS}


def _place(burden: _Burden, shares: npt.NDArray[np.float64], config: SplitConfig) -> npt.NDArray[np.int64]:
    """Place patients, the heaviest burden first, where the shares come closest to what is wanted.

    As soon as no more patients with seizures are left than are still missing somewhere, only places that miss one are
    open to them.

    Returns:
        The place of each patient among `shares`, shape (patients,).
    """
    jitter = np.random.default_rng(config.seed).random(len(burden.patients))
    order = np.lexsort((jitter, -burden.shares[:, 0], -burden.shares[:, 1]))
    waiting = int((burden.seizures > 0).sum())
    missing = np.full(len(shares), config.minimum_seizure_patients)
    held = np.zeros((len(shares), burden.shares.shape[1]))
    places = np.empty(len(order), dtype=np.int64)
    for patient in order:
        after = held[None] + np.eye(len(shares))[:, :, None] * burden.shares[patient]
        missed = ((after - shares[:, None]) ** 2 * _weights(burden)).sum((1, 2))
        has_seizures = bool(burden.seizures[patient] > 0)
        if has_seizures and waiting <= missing.sum() and missing.any():
            missed[missing == 0] = np.inf
        place = places[patient] = int(missed.argmin())
        held[place] += burden.shares[patient]
        missing[place] = max(0, missing[place] - has_seizures)
        waiting -= has_seizures
    return places


def _weights(burden: _Burden) -> npt.NDArray[np.float64]:
    """All seizure types together weigh as much as any other column."""
    types = burden.shares.shape[1] - _COLUMNS
    return np.array([1.0] * _COLUMNS + [1 / max(types, 1)] * types)


def _require_fold(config: SplitConfig, present: int, what: str) -> None:
    check_setting(config.fold < present, "split.fold", config.fold, f"below {present}, the number of {what}")


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


def _burden(recordings: Sequence[IndexedRecording]) -> _Burden:
    patients = tuple(sorted({r.patient for r in recordings}))
    types = sorted({kind for r in recordings for kind in r.types})
    place = {patient: n for n, patient in enumerate(patients)}
    column = {kind: _COLUMNS + n for n, kind in enumerate(types)}
    table = np.zeros((len(patients), _COLUMNS + len(types)))
    for recording in recordings:
        row = table[place[recording.patient]]
        row[:3] += len(recording.seizures), sp.total(recording.seizures), recording.samples
        for kind in recording.types:
            row[column[kind]] += 1
    table[:, 3] = 1
    return _Burden(patients=patients, seizures=table[:, 0].astype(np.int64), shares=table / np.maximum(table.sum(0), 1))


def _require_seizures(
    recordings: Sequence[IndexedRecording], numbers: Sequence[int], part: Part, config: SplitConfig
) -> None:
    found = sum(len(recordings[n].seizures) for n in numbers)
    owners = len({recordings[n].patient for n in numbers if len(recordings[n].seizures)})
    wanted_owners = (
        1 if config.method == "leave-one-patient-out" and part == "eval" else config.minimum_seizure_patients
    )
    if found < config.minimum_seizures or owners < wanted_owners:
        total = sum(len(r.seizures) for r in recordings)
        patients = len({r.patient for r in recordings if len(r.seizures)})
        raise InputError(
            f"The {part} part holds too few seizures",
            where=f'split.method = "{config.method}"',
            got=f"{found} seizures, {owners} patients with any; the whole corpus: {total} and {patients}",
            expected=f"seizures: {config.minimum_seizures} or more; patients with any: {wanted_owners} or more",
            remedy="add patients with seizures, change the shares, or lower split.minimum_seizures and "
            "split.minimum_seizure_patients",
            code="split-infeasible" if total else "no-seizures",
        )
