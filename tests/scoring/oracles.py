"""Cases whose scores follow from the definitions alone, and the page that shows them.

`python -m tests.scoring.oracles` writes `docs/oracles.md` from what the scorers count; `test_oracles.py` holds every
count and ratio against what is derived here by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ictal.scoring import seizures, summary

Events: TypeAlias = Sequence[tuple[float, float]]
Triple: TypeAlias = tuple[float, float, float]
"""Reference, true positives, false positives."""

PAGE = Path(__file__).parents[2] / "docs" / "oracles.md"
HOUR_S = 3_600.0
SEIZURES = [(600.0, 660.0), (1_500.0, 1_530.0), (3_000.0, 3_200.0)]
TEN = [(600.0 + 20 * n, 610.0 + 20 * n) for n in range(10)]
RATIOS = ("sensitivity", "precision", "f1", "false_alarms_per_24h")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Recordings of an hour, and what must come out.

    Args:
        what: In words.
        recordings: Reference and hypothesis of each.
        event: Of `szcore_event`; and so on for every scorer.
        found: Seizures found one by one, and the median of their latency in seconds.
    """

    what: str
    recordings: Sequence[tuple[Events, Events]]
    event: Triple
    sample: Triple
    ovlp: Triple
    taes: Triple
    epoch: Triple
    dpalign: Triple
    atwv: Triple
    found: tuple[int, float | None]

    @property
    def expected(self) -> Mapping[str, Triple]:
        """By the scorers' names."""
        return {
            "szcore_event": self.event,
            "szcore_sample": self.sample,
            "nedc_ovlp": self.ovlp,
            "nedc_taes": self.taes,
            "nedc_epoch": self.epoch,
            "nedc_dpalign": self.dpalign,
            "nedc_atwv": self.atwv,
        }


CASES: Mapping[str, Case] = {
    "perfect": Case(
        what="the hypothesis is the reference: seizures of 60, 30 and 200 s",
        recordings=[(SEIZURES, SEIZURES)],
        event=(3, 3, 0), sample=(290, 290, 0), ovlp=(3, 3, 0), taes=(3, 3, 0), epoch=(290, 290, 0),
        dpalign=(3, 3, 0), atwv=(3, 3, 0), found=(3, 0.0),
    ),
    "silent": Case(
        what="the same seizures, no detection",
        recordings=[(SEIZURES, [])],
        event=(3, 0, 0), sample=(290, 0, 0), ovlp=(3, 0, 0), taes=(3, 0, 0), epoch=(290, 0, 0),
        dpalign=(3, 0, 0), atwv=(3, 0, 0), found=(0, None),
    ),
    # Twelve pieces of 300 s, six of which meet an extended seizure. TAES: one detection, one seizure, one false alarm
    # at most. DPALIGN: one label, one match. ATWV: the middle, at half past, is in no seizure.
    "always on": Case(
        what="the same seizures, one detection from beginning to end",
        recordings=[(SEIZURES, [(0.0, HOUR_S)])],
        event=(3, 3, 6), sample=(290, 290, 3_310), ovlp=(3, 3, 0), taes=(3, 1, 1), epoch=(290, 290, 3_310),
        dpalign=(3, 1, 0), atwv=(3, 0, 1), found=(3, -30.0),
    ),
    # A quarter, a half and 7.5 % of the three are missed, and as much is false.
    "shifted": Case(
        what="every detection 15 s late",
        recordings=[(SEIZURES, [(a + 15, b + 15) for a, b in SEIZURES])],
        event=(3, 3, 0), sample=(290, 245, 45), ovlp=(3, 3, 0), taes=(3, 3 - 0.825, 0.825), epoch=(290, 245, 45),
        dpalign=(3, 3, 0), atwv=(3, 3, 0), found=(3, 15.0),
    ),
    # DPALIGN hears the right labels in the right order.
    "disjoint": Case(
        what="every detection 300 s late, beyond all tolerance",
        recordings=[(SEIZURES, [(a + 300, b + 300) for a, b in SEIZURES])],
        event=(3, 0, 3), sample=(290, 0, 290), ovlp=(3, 0, 3), taes=(3, 0, 3), epoch=(290, 0, 290),
        dpalign=(3, 3, 0), atwv=(3, 0, 3), found=(0, None),
    ),
    # Inside SzCORE's 60 s after; half-open events that touch do not overlap.
    "touching": Case(
        what="a detection of 40 s that begins where the seizure of 60 s ends",
        recordings=[([(600.0, 660.0)], [(660.0, 700.0)])],
        event=(1, 1, 0), sample=(60, 0, 40), ovlp=(1, 0, 1), taes=(1, 0, 1), epoch=(60, 0, 40),
        dpalign=(1, 1, 0), atwv=(1, 0, 1), found=(1, 60.0),
    ),
    # SzCORE merges the pieces; DPALIGN and ATWV call the nine others false.
    "fragmented": Case(
        what="ten detections of 10 s, every other 10 s of one seizure of 200 s",
        recordings=[([(600.0, 800.0)], TEN)],
        event=(1, 1, 0), sample=(200, 100, 0), ovlp=(1, 1, 0), taes=(1, 0.5, 0), epoch=(200, 100, 0),
        dpalign=(1, 1, 9), atwv=(1, 1, 9), found=(1, 0.0),
    ),
    # The other way round: SzCORE merges the seizures; TAES finds the first and calls the rest of the detection false.
    # Latency: 0 s, -20 s, and eight times the -30 s that are the most.
    "merged": Case(
        what="one detection of 200 s over ten seizures of 10 s",
        recordings=[(TEN, [(600.0, 800.0)])],
        event=(1, 1, 0), sample=(100, 100, 100), ovlp=(10, 10, 0), taes=(10, 1, 1), epoch=(100, 100, 100),
        dpalign=(10, 1, 0), atwv=(10, 1, 0), found=(10, -30.0),
    ),
    "cross-recording": Case(
        what="a seizure in the last 10 s of one recording, a detection in the first 10 s of the next",
        recordings=[([(3_590.0, HOUR_S)], []), ([], [(0.0, 10.0)])],
        event=(1, 0, 1), sample=(10, 0, 10), ovlp=(1, 0, 1), taes=(1, 0, 1), epoch=(10, 0, 10),
        dpalign=(1, 0, 1), atwv=(1, 0, 1), found=(0, None),
    ),
    "midnight": Case(
        what="a recording from 23:30 on: seizure from 23:59:50 to 00:00:20, detection 10 s longer at either end",
        recordings=[([(1_790.0, 1_820.0)], [(1_780.0, 1_830.0)])],
        event=(1, 1, 0), sample=(30, 30, 20), ovlp=(1, 1, 0), taes=(1, 1, 2 / 3), epoch=(30, 30, 20),
        dpalign=(1, 1, 0), atwv=(1, 1, 0), found=(1, -10.0),
    ),
    # At least a tick of 0.1 ms, and a second where seconds are counted; no middle of an epoch lies in it.
    "zero-length detection": Case(
        what="a detection without length in the middle of a seizure of 10 s",
        recordings=[([(600.0, 610.0)], [(605.0, 605.0)])],
        event=(1, 1, 0), sample=(10, 1, 0), ovlp=(1, 1, 0), taes=(1, 1e-5, 0), epoch=(10, 0, 0),
        dpalign=(1, 1, 0), atwv=(1, 1, 0), found=(1, 5.0),
    ),
    "zero-length seizure": Case(
        what="a seizure without length in the middle of a detection of 10 s",
        recordings=[([(605.0, 605.0)], [(600.0, 610.0)])],
        event=(1, 1, 0), sample=(1, 1, 9), ovlp=(1, 1, 0), taes=(1, 1, 1), epoch=(0, 0, 10),
        dpalign=(1, 1, 0), atwv=(1, 1, 0), found=(1, -5.0),
    ),
    "neither": Case(
        what="no seizure, no detection",
        recordings=[([], [])],
        event=(0, 0, 0), sample=(0, 0, 0), ovlp=(0, 0, 0), taes=(0, 0, 0), epoch=(0, 0, 0),
        dpalign=(0, 0, 0), atwv=(0, 0, 0), found=(0, None),
    ),
    "no seizure": Case(
        what="no seizure, a detection of 100 s",
        recordings=[([], [(600.0, 700.0)])],
        event=(0, 0, 1), sample=(0, 0, 100), ovlp=(0, 0, 1), taes=(0, 0, 1), epoch=(0, 0, 100),
        dpalign=(0, 0, 1), atwv=(0, 0, 1), found=(0, None),
    ),
}  # fmt: skip


def scores(case: Case) -> dict[str, Any]:
    """What every scorer says of a case."""
    return {**summary.scores(**_corpus(case), generator=np.random.default_rng(0))}


def found(case: Case) -> dict[str, Any]:
    """What is said seizure by seizure."""
    types = [["seiz"] * len(reference) for reference, _ in case.recordings]
    built: Any = seizures.document(**_corpus(case), types=types, generator=np.random.default_rng(0))["all"]
    return dict(built)


def _corpus(case: Case) -> dict[str, Any]:
    return {
        "names": [f"r{n}" for n in range(len(case.recordings))],
        "patients": ["p"] * len(case.recordings),
        "reference_s": [reference for reference, _ in case.recordings],
        "hypothesis_s": [hypothesis for _, hypothesis in case.recordings],
        "durations_s": [HOUR_S] * len(case.recordings),
    }


def page() -> str:
    """The page, from what the scorers count."""
    scored = {name: scores(case) for name, case in CASES.items()}
    lines = [
        "# Oracles: what every scorer says of cases that are clear",
        "",
        "`python -m tests.scoring.oracles` writes this page; tests derive each number by hand and compare.",
        "Recordings last an hour; a dash is undefined.",
        "",
        *_table(["case", ""], [[name, case.what] for name, case in CASES.items()]),
    ]
    for scorer, one in scored["perfect"].items():
        further = list(one["further"])
        columns = ["case", "reference", "true positives", "false positives", *RATIOS, *further]
        rows = [[name, *_values(row[scorer], further)] for name, row in scored.items()]
        lines += ["", f"## {scorer}", "", f"{one['scorer']} {one['scorer_version']}.", "", *_table(columns, rows)]
    keys = ("seizures", "found", "sensitivity", "median_latency_s", "false_alarms_per_24h")
    rows = [[name, *(_number(found(case)[key]) for key in keys)] for name, case in CASES.items()]
    made = f"{seizures.SCORER} {seizures.SCORER_VERSION}: every annotated seizure by itself."
    return "\n".join([*lines, "", "## seizures", "", made, "", *_table(["case", *keys], rows)]) + "\n"


def _values(score: Mapping[str, Any], further: Sequence[str]) -> list[str]:
    counts = [score[key] for key in ("reference", "true_positives", "false_positives", *RATIOS)]
    return [_number(value) for value in (*counts, *(score["further"][name] for name in further))]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 12) + 0.0:.5g}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    ruled = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cells)} |" for cells in ruled]


if __name__ == "__main__":
    PAGE.write_text(page())
