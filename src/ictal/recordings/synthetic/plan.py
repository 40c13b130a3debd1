"""Who is recorded for how long, in which split, and how long which seizures are: all before any signal is made.

Invariant: recorded seconds add up to the hours asked for, ictal seconds to the share asked for, and every split has a
patient with seizures. Everything follows from the seed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from ictal.errors import InputError
from ictal.recordings.synthetic.patients import PatientTraits, draw_traits
from ictal.timeline.spans import samples_from_seconds

Split = Literal["train", "dev", "eval"]
SPLITS: tuple[Split, ...] = ("train", "dev", "eval")

SHORTEST_SEIZURE_S = 10.0
LONGEST_SEIZURE_S = 480.0
_SHORTEST_RECORDING_S = 60
_USUAL_RECORDING_S = 600
_FILLED_SHARE = 0.5
_MARGIN_S = 8.0
_GAP_S = 20.0
_PATIENT_SHARES = (0.6, 0.2, 0.2)
_CARRIER_SHARES = (0.5, 0.25, 0.25)
_SEIZURE_SHARES = (0.55, 0.225, 0.225)
_KINDS: dict[Split, tuple[str, ...]] = {
    "train": ("cpsz", "gnsz", "fnsz", "absz", "cpsz"),
    "dev": ("cpsz", "gnsz", "fnsz", "cpsz", "absz"),
    "eval": ("fnsz", "gnsz", "cpsz", "cpsz", "absz"),
}

# [patient][recording] -> lengths in seconds
Lengths: TypeAlias = list[list[list[float]]]


@dataclass(frozen=True, kw_only=True)
class PlannedRecording:
    """One recording before it is made; seizure times are samples `[onset, stop)` at the patient's rate."""

    number: int
    duration_s: int
    seizures: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class PlannedPatient:
    """One patient with all recordings."""

    name: str
    split: Split
    traits: PatientTraits
    recordings: tuple[PlannedRecording, ...]


def plan_corpus(*, patients: int, hours: float, seizure_share: float, seed: int) -> tuple[PlannedPatient, ...]:
    """Plan a corpus.

    Raises:
        InputError: (`synth-infeasible`) when no corpus can be like that.
    """
    _check(patients, hours, seizure_share, seed)
    rng = generator(seed, 0)
    splits = _assign_splits(patients)
    durations = _draw_durations(rng, patients, round(hours * 3600))
    ictal = _draw_seizures(rng, splits, durations, seizure_share * round(hours * 3600))
    kinds = _assign_kinds(splits, ictal)
    names = _draw_names(rng, patients)
    planned: list[PlannedPatient] = []
    for number, drawn in enumerate(rng.permutation(patients).tolist()):
        traits = draw_traits(generator(seed, 1, number), seizure_kind=kinds[drawn])
        recordings = tuple(
            PlannedRecording(number=own, duration_s=length, seizures=_place(rng, ictal[drawn][own], length, traits))
            for own, length in enumerate(durations[drawn])
        )
        planned.append(PlannedPatient(name=names[number], split=splits[drawn], traits=traits, recordings=recordings))
    return tuple(planned)


def generator(seed: int, *key: int) -> np.random.Generator:
    """The random source of one part of the corpus, independent of every other part's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _check(patients: int, hours: float, seizure_share: float, seed: int) -> None:
    if seed < 0:
        _refuse("The seed is negative", "seed", seed, "0 or more")
    if patients < 3:
        _refuse("There are fewer patients than splits", "patients", patients, "at least 3: train, dev and eval")
    if not 0 <= seizure_share <= 0.3:
        _refuse("The ictal share is out of range", "seizure_share", seizure_share, "0 (no seizures) to 0.3")
    needed_hours = patients * _SHORTEST_RECORDING_S / 3600
    if not needed_hours <= hours <= 1e4:
        _refuse("The hours do not give every patient a minute", "hours", hours, f"{needed_hours:.3f} to 10000")
    ictal_s = seizure_share * hours * 3600
    if 0 < ictal_s < 3 * SHORTEST_SEIZURE_S:
        _refuse(
            "The share does not hold a 10 s seizure in each of the 3 splits",
            "seizure_share",
            f"{seizure_share} of {hours} h = {ictal_s:.1f} s",
            "at least 30 s, or 0 for none",
        )


def _refuse(what: str, field: str, got: object, expected: object) -> NoReturn:
    remedy = "change patients, hours or seizure_share so that they fit together"
    raise InputError(what, where=f"synth.{field}", got=got, expected=expected, remedy=remedy, code="synth-infeasible")


def _apportion(total: int, shares: Iterable[float], least: int) -> list[int]:
    """Split a count by shares, each part at least so many (largest remainder)."""
    weights = np.array(list(shares))
    spare = total - least * len(weights)
    ideal = np.maximum(weights / weights.sum() * total - least, 0)
    ideal *= spare / max(ideal.sum(), 1e-9)
    counts = np.floor(ideal).astype(int)
    counts[np.argsort(-(ideal - counts), kind="stable")[: spare - counts.sum()]] += 1
    return [least + int(count) for count in counts]


def _assign_splits(patients: int) -> list[Split]:
    counts = _apportion(patients, _PATIENT_SHARES, 1)
    return [split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)]


def _draw_durations(rng: np.random.Generator, patients: int, total_s: int) -> list[list[int]]:
    """Whole seconds of each recording of each patient; they add up to `total_s`."""
    count = max(patients, round(total_s / _USUAL_RECORDING_S))
    owners = np.sort(np.concatenate([np.arange(patients), rng.integers(0, patients, count - patients)]))
    weights = rng.uniform(0.5, 1.6, count)
    spare = total_s - count * _SHORTEST_RECORDING_S
    ends = np.round(np.cumsum(weights) / weights.sum() * spare).astype(int)
    lengths = _SHORTEST_RECORDING_S + np.diff(ends, prepend=0)
    return [lengths[owners == patient].tolist() for patient in range(patients)]


def _draw_seizures(
    rng: np.random.Generator, splits: list[Split], durations: list[list[int]], ictal_s: float
) -> Lengths:
    """Lengths of the seizures of each recording of each patient, clustered in few patients and few recordings."""
    placed: Lengths = [[[] for _ in own] for own in durations]
    if ictal_s == 0:
        return placed
    longest_s = min(LONGEST_SEIZURE_S, 0.35 * float(np.median(np.concatenate(durations))))
    count = _seizure_count(ictal_s, len(splits), longest_s)
    lengths = _draw_lengths(rng, count, ictal_s, longest_s)
    ends = np.cumsum(_apportion(count, _SEIZURE_SHARES, 2 if count >= 6 else 1))[:-1]
    wanted = _carrier_count(len(splits))
    carriers = _apportion(wanted, _CARRIER_SHARES, 2 if wanted >= 6 else 1)
    left: list[float] = []
    for split, share, first in zip(SPLITS, np.split(lengths, ends), carriers, strict=True):
        patients = rng.permutation([number for number, own in enumerate(splits) if own == split]).tolist()
        left += _fill(rng, placed, durations, patients, first, share.tolist())
        if not any(placed[patient][own] for patient in patients for own in range(len(durations[patient]))):
            _refuse_crowded(f"no recording of {split} has room for one")
    left = _fill(rng, placed, durations, rng.permutation(len(splits)).tolist(), 0, left)
    if left:
        _refuse_crowded(f"seizures of {', '.join(f'{length_s:.0f}' for length_s in left)} s have no room")
    return placed


def _refuse_crowded(got: str) -> NoReturn:
    _refuse("The seizures do not fit into the recordings", "seizure_share", got, "a smaller share, or more hours")


def _carrier_count(patients: int) -> int:
    """About a third of the patients have seizures, as long as that leaves each split its own."""
    return max(3, min(patients, 6 if patients >= 12 else 3), round(patients / 3))


def _seizure_count(ictal_s: float, patients: int, longest_s: float) -> int:
    """How many seizures share the ictal time: the more there is of it, the longer each of them."""
    mean_s = float(np.clip(20 * (ictal_s / 216) ** 0.35, 12, 90))
    wanted = max(round(ictal_s / mean_s), _carrier_count(patients), int(np.ceil(ictal_s / (0.6 * longest_s))))
    return max(3, min(wanted, int(ictal_s / (1.1 * SHORTEST_SEIZURE_S))))


def _draw_lengths(rng: np.random.Generator, count: int, ictal_s: float, longest_s: float) -> npt.NDArray[np.float64]:
    """Log-normal lengths between the shortest and the longest that add up to the ictal time."""
    room_s = longest_s - SHORTEST_SEIZURE_S
    weights = rng.lognormal(0, 0.8, count)
    spare_s = ictal_s - count * SHORTEST_SEIZURE_S
    assert 0 <= spare_s <= count * room_s, "the count fits the time"
    excess = np.zeros(count)
    for _ in range(count):
        excess = np.minimum(excess + weights / weights.sum() * (spare_s - excess.sum()), room_s)
        weights = np.where(excess < room_s, weights, 0)
        if weights.sum() == 0 or np.isclose(excess.sum(), spare_s, rtol=0, atol=1e-9):
            break
    return SHORTEST_SEIZURE_S + excess


def _fill(
    rng: np.random.Generator,
    placed: Lengths,
    durations: list[list[int]],
    patients: list[int],
    carriers: int,
    lengths_s: list[float],
) -> list[float]:
    """Give seizures, longest first, to the first of some patients; to the others only when those are full.

    Returns:
        The lengths that found no room.
    """
    left: list[float] = []
    chosen = patients[:carriers]
    for number, length_s in enumerate(sorted(lengths_s, reverse=True)):
        options = (
            _with_room(placed, durations, chosen[number : number + 1], length_s)
            or _with_room(placed, durations, chosen, length_s)
            or _with_room(placed, durations, patients, length_s)
        )
        if not options:
            left.append(length_s)
            continue
        weights = np.array([1 + 3 * len(placed[patient][own]) for patient, own in options], dtype=np.float64)
        patient, own = options[int(rng.choice(len(options), p=weights / weights.sum()))]
        placed[patient][own].append(length_s)
    return left


def _with_room(
    placed: Lengths, durations: list[list[int]], patients: list[int], length_s: float
) -> list[tuple[int, int]]:
    """The recordings, as (patient, number), that can take one more seizure of this length."""
    return [
        (patient, number)
        for patient in patients
        for number, duration_s in enumerate(durations[patient])
        if _has_room([*placed[patient][number], length_s], duration_s)
    ]


def _has_room(lengths_s: list[float], duration_s: int) -> bool:
    ictal_s = sum(lengths_s)
    return ictal_s <= _FILLED_SHARE * duration_s and ictal_s + len(lengths_s) * _GAP_S + 2 * _MARGIN_S <= duration_s


def _assign_kinds(splits: list[Split], ictal: Lengths) -> list[str | None]:
    """The label of each patient's seizures; every split goes through the kinds in its order, most of them focal."""
    kinds = {split: itertools.cycle(order) for split, order in _KINDS.items()}
    return [next(kinds[split]) if any(own) else None for split, own in zip(splits, ictal, strict=True)]


def _place(
    rng: np.random.Generator, lengths_s: list[float], duration_s: int, traits: PatientTraits
) -> tuple[tuple[int, int], ...]:
    """Onset and stop in samples, in random order with random pauses of at least `_GAP_S`."""
    shuffled = rng.permutation(lengths_s)
    slack_s = duration_s - shuffled.sum() - 2 * _MARGIN_S - _GAP_S * max(len(shuffled) - 1, 0)
    before_s = np.sort(rng.uniform(0, slack_s, len(shuffled)))
    onsets_s = _MARGIN_S + before_s + np.concatenate([[0.0], np.cumsum(shuffled + _GAP_S)])[: len(shuffled)]
    starts = samples_from_seconds(onsets_s, traits.rate_hz)
    stops = starts + samples_from_seconds(shuffled, traits.rate_hz)
    return tuple(zip(starts.tolist(), stops.tolist(), strict=True))


def _draw_names(rng: np.random.Generator, patients: int) -> list[str]:
    """Different names of eight letters, in alphabetical order, as the corpus uses them."""
    numbers = np.sort(rng.choice(26**4, patients, replace=False)).tolist()
    return ["aaaa" + "".join(chr(ord("a") + number // 26**place % 26) for place in (3, 2, 1, 0)) for number in numbers]
