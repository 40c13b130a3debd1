"""A corpus as Parquet: what was audited, event by event, and fingerprints that tell revisions apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ictal.recordings import tables
from ictal.recordings.audit import audit
from tests.recordings.test_other_corpora import write_helsinki
from tests.reference.small_corpus import tusz_path, write_recording, write_tusz


def rows(corpus: Path, out: Path, *, deep: bool = False) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    recordings, events = tables.write(audit(corpus, deep=deep), out)
    return pq.read_table(recordings).to_pylist(), pq.read_table(events).to_pylist()


def test_a_row_per_recording_and_a_row_per_event(tmp_path: Path) -> None:
    """Events as they stand in each file: background and every channel too."""
    write_tusz(tmp_path / "corpus")
    recordings, events = rows(tmp_path / "corpus", tmp_path / "out")
    assert [(r["patient"], r["split"], r["seizures"], r["seizure_s"]) for r in recordings] == [
        ("aaaaaaab", "dev", 1, 14.75),
        ("aaaaaaac", "eval", 0, 0.0),
        ("aaaaaaaa", "train", 1, 10.0),
        ("aaaaaaaa", "train", 0, 0.0),
    ]
    own = [event for event in events if event["recording"] == recordings[0]["recording"]]
    assert {(e["label"], tuple(e["channels"])) for e in own if e["label"] != "bckg"} == {
        ("seiz", ()),
        ("fnsz", ("FP1-F7",)),
        ("fnsz", ("F7-T3",)),
    }
    assert all(event["file"].startswith("edf/dev/") and event["line"] > 6 for event in own)


def test_raters_are_kept(tmp_path: Path) -> None:
    """The tables hold what each said, not the consensus."""
    write_helsinki(tmp_path / "corpus")
    _, events = rows(tmp_path / "corpus", tmp_path / "out")
    assert [(e["rater"], e["onset_s"], e["stop_s"]) for e in events] == [("A", 10, 20), ("B", 12, 40), ("C", 50, 55)]


def test_fingerprints_tell_revisions_apart(tmp_path: Path) -> None:
    """A changed annotation or header changes the fingerprint of its recording alone; a name changes none."""
    write_tusz(tmp_path / "corpus")
    before = {row["recording"]: row for row in rows(tmp_path / "corpus", tmp_path / "out")[0]}
    changed = tusz_path(tmp_path / "corpus", "train", "aaaaaaaa")
    write_recording(changed, [(10, 21)])
    moved = tusz_path(tmp_path / "corpus", "eval", "aaaaaaac")
    moved.rename(moved.with_name("aaaaaaad_s001_t000.edf"))
    after = {row["recording"]: row for row in rows(tmp_path / "corpus", tmp_path / "out")[0]}
    differing = [key for key in before.keys() & after if before[key] != after[key]]
    assert differing == [changed.relative_to(tmp_path / "corpus").with_suffix("").as_posix()]
    assert before[differing[0]]["fingerprint"] == after[differing[0]]["fingerprint"]
    renamed = next(row for key, row in after.items() if "aaaaaaad" in key)
    assert renamed["fingerprint"] == next(row["fingerprint"] for key, row in before.items() if "aaaaaaac" in key)


def test_a_deep_audit_adds_checksums(tmp_path: Path) -> None:
    """Of all data records; else there is none."""
    write_tusz(tmp_path / "corpus")
    assert {row["checksum"] for row in rows(tmp_path / "corpus", tmp_path / "out")[0]} == {None}
    assert all(row["checksum"] for row in rows(tmp_path / "corpus", tmp_path / "out", deep=True)[0])
