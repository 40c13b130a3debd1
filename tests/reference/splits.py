"""Slow twin of the splits: patients placed and chosen one at a time, every alternative tried and measured in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ictal.windows.index import IndexedRecording

Profile = dict[str, float]
EQUAL = 1e-9


def profiles(recordings: Sequence[IndexedRecording]) -> dict[str, Profile]:
    """What each patient holds of everything counted, as shares of what all hold together."""
    found: dict[str, Profile] = {recording.patient: {} for recording in recordings}
    for recording in recordings:
        counted = {"seizures": len(recording.seizures), "hours": recording.samples}
        counted["ictal"] = sum(int(stop) - int(start) for start, stop in recording.seizures)
        for kind in recording.types:
            counted[f"type {kind}"] = counted.get(f"type {kind}", 0) + 1
        for name, amount in counted.items():
            found[recording.patient][name] = found[recording.patient].get(name, 0) + amount
    for profile in found.values():
        profile["patients"] = 1
    names = {name for profile in found.values() for name in profile}
    totals = {name: sum(profile.get(name, 0) for profile in found.values()) for name in names}
    return {
        patient: {name: profile.get(name, 0) / totals[name] if totals[name] else 0.0 for name in names}
        for patient, profile in found.items()
    }


def miss(held: Profile, share: float) -> float:
    """Squared distance of what is held from a share of everything; the seizure types weigh as one."""
    kinds = sum(name.startswith("type ") for name in held)
    return sum((amount - share) ** 2 / (kinds if name.startswith("type ") else 1) for name, amount in held.items())


def together(profiles_of: Sequence[Profile], names: Sequence[str]) -> Profile:
    """What several patients hold together."""
    return {name: sum(profile[name] for profile in profiles_of) for name in names}


def placing_faults(
    recordings: Sequence[IndexedRecording], placed: Mapping[str, int], shares: Sequence[float], minimum_patients: int
) -> list[str]:
    """Patients who would have come closer to the shares elsewhere when it was their turn.

    Patients take turns by ictal time, then by number of seizures, the heaviest first. Patients of the same burden may
    have come in any order: they are tried only where no other has it.
    """
    all_profiles = profiles(recordings)
    names = sorted(next(iter(all_profiles.values())))
    turns = sorted(placed, key=lambda patient: (-all_profiles[patient]["ictal"], -all_profiles[patient]["seizures"]))
    members: list[list[Profile]] = [[] for _ in shares]
    faults = []
    for turn, patient in enumerate(turns):
        mine = all_profiles[patient]
        left = sum(all_profiles[other]["seizures"] > 0 for other in turns[turn:])
        lacks = [max(0, minimum_patients - sum(p["seizures"] > 0 for p in group)) for group in members]
        open_to = list(range(len(shares)))
        if mine["seizures"] > 0 and any(lacks) and left <= sum(lacks):
            open_to = [place for place in open_to if lacks[place]]
        costs = {}
        for place in open_to:
            groups = [[*group, mine] if n == place else group for n, group in enumerate(members)]
            costs[place] = sum(miss(together(g, names), share) for g, share in zip(groups, shares, strict=True))
        if placed[patient] not in costs or costs[placed[patient]] > min(costs.values()) + EQUAL:
            faults.append(patient)
        members[placed[patient]].append(mine)
    return faults


def choosing_faults(
    recordings: Sequence[IndexedRecording], order: Sequence[str], minimum_seizures: int, minimum_patients: int
) -> list[str]:
    """Patients of a subset's order in whose place another would have made a truer picture of the whole."""
    all_profiles = profiles(recordings)
    names = sorted(next(iter(all_profiles.values())))
    seizures = {p: sum(len(r.seizures) for r in recordings if r.patient == p) for p in all_profiles}
    faults = []
    for turn, patient in enumerate(order):
        before = list(order[:turn])
        candidates = [p for p in all_profiles if p not in before]
        with_seizures = [p for p in candidates if seizures[p]]
        few = sum(seizures[p] for p in before) < minimum_seizures
        few = few or sum(seizures[p] > 0 for p in before) < minimum_patients
        if few and with_seizures:
            candidates = with_seizures
        share = (turn + 1) / len(order)
        costs = {p: miss(together([all_profiles[q] for q in [*before, p]], names), share) for p in candidates}
        drawn = turn == 0 and patient in candidates
        if not drawn and (patient not in costs or costs[patient] > min(costs.values()) + EQUAL):
            faults.append(patient)
    return faults
