"""Builders that are killed at any point, that work at once, and that find the disk full: the store stays true."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import psutil
import pytest

from ictal.errors import InputError
from ictal.recordings.corpus import Labelled
from ictal.signals import manifest, upkeep
from ictal.signals.fingerprint import CACHE_NAME
from ictal.signals.prepare import Workers, prepare
from ictal.signals.preprocess import PreprocessConfig
from ictal.signals.store import SignalStore
from tests.signals.builders import SMALL, Nursery, Work

WriteRecording: TypeAlias = Callable[..., Labelled]
OTHER = replace(SMALL, clip_uv=500.0)


@pytest.fixture(scope="module")
def nurseries() -> Iterator[list[Nursery]]:
    """Three, so that three builders can work at once."""
    opened = [Nursery() for _ in range(3)]
    yield opened
    for nursery in opened:
        nursery.close()


@pytest.fixture
def small(write_recording: WriteRecording) -> list[Labelled]:
    """Six recordings of a few seconds."""
    return [write_recording(f"p{n}_1", seconds=2 + n, seed=n) for n in range(6)]


def files_of(root: Path, config: PreprocessConfig, recordings: list[Labelled]) -> dict[str, bytes]:
    """Signal files of a store that one process builds without disturbance."""
    store = SignalStore(root)
    prepare(recordings, store, config)
    return {path.name: path.read_bytes() for path in root.glob("*.npy")}


def require_true(root: Path, recordings: list[Labelled], expected: dict[str, bytes]) -> None:
    """What is there is whole; the rebuild completes it, byte for byte; the ledger tells each once; no rest stays."""
    store = SignalStore(root)
    before = set(store.every_key())
    assert upkeep.damaged(store) == []
    result = prepare(recordings, store, SMALL)
    assert {ready.entry.key for ready in result.ready if not ready.built} == before
    require_complete(root, expected)
    upkeep.delete(upkeep.garbage(store, now_s=time.time() + 2 * upkeep.ABANDONED_S))
    names = {path.name for path in root.iterdir()}
    assert names == {*expected, *(f"{Path(name).stem}.json" for name in expected), CACHE_NAME, "ledger"}
    assert upkeep.damaged(store) == []


def require_complete(root: Path, expected: dict[str, bytes]) -> None:
    """Every signal file as expected, and exactly one line about each in the ledger."""
    assert {path.name: path.read_bytes() for path in root.glob("*.npy")} == expected
    told = Counter(f"{line.key}.npy" for line in SignalStore(root).ledger.lines() if line.built)
    assert told == dict.fromkeys(expected, 1)


def test_a_builder_killed_at_any_line_leaves_a_true_store(
    nurseries: list[Nursery], write_recording: WriteRecording, tmp_path: Path
) -> None:
    """SIGKILL before each line of the store's code in turn, from the first to the last that a build executes."""
    recordings = [write_recording(seconds=2)]
    expected = files_of(tmp_path / "expected", SMALL, recordings)
    line, code = 0, -signal.SIGKILL
    seen = set()
    while code != 0:
        line += 1
        root = tmp_path / f"store{line}"
        nurseries[0].begin(Work(recordings=recordings, root=root, killed_at_line=line))
        code = nurseries[0].end()
        assert code in {0, -signal.SIGKILL}
        seen.add(frozenset(_kinds(root)))
        require_true(root, recordings, expected)
    assert line > 100
    assert frozenset({"fingerprints.sqlite", "draft", "lock"}) in seen
    assert frozenset({"fingerprints.sqlite", "npy", "draft", "lock"}) in seen
    assert frozenset({"fingerprints.sqlite", "npy", "json", "lock"}) in seen


def _kinds(root: Path) -> Iterator[str]:
    for path in root.iterdir() if root.exists() else ():
        if path.name.startswith("."):
            yield "lock" if path.suffix == ".lock" else "draft"
        else:
            yield path.name if path.suffix not in {".npy", ".json"} else path.suffix[1:]


def test_builders_killed_at_random_moments_come_to_the_end(
    nurseries: list[Nursery], small: list[Labelled], tmp_path: Path
) -> None:
    """One after the other on one store, until one comes to the end."""
    expected = files_of(tmp_path / "expected", SMALL, small)
    generator = np.random.default_rng(0)
    root, code, killed = tmp_path / "store", -signal.SIGKILL, 0
    while code != 0:
        child = nurseries[0].begin(Work(recordings=small, root=root))
        time.sleep(generator.uniform(0, 0.01 + 0.01 * killed))
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        code = nurseries[0].end()
        killed += code != 0
        assert upkeep.damaged(SignalStore(root)) == []
    assert killed > 3
    require_true(root, small, expected)


def test_workers_end_with_a_parent_that_is_killed(
    nurseries: list[Nursery], small: list[Labelled], tmp_path: Path
) -> None:
    """No process is left that waits for work for ever."""
    root = tmp_path / "store"
    expected = files_of(tmp_path / "expected", SMALL, small)
    child = nurseries[0].begin(Work(recordings=small * 20, root=root, processes=2))
    while not list(root.glob("*.json")):
        time.sleep(0.01)
    family = psutil.Process(child).children(recursive=True)
    os.kill(child, signal.SIGKILL)
    assert nurseries[0].end() == -signal.SIGKILL
    assert len(family) >= 3
    assert psutil.wait_procs(family, timeout=30)[1] == []
    require_true(root, small, expected)


def test_a_worker_that_is_killed_is_one_clear_error(small: list[Labelled], tmp_path: Path) -> None:
    """Memory ran out, for instance: it says so, and the same call goes on."""
    store = SignalStore(tmp_path / "store")
    expected = files_of(tmp_path / "expected", SMALL, small)

    def kill_one(_done: int, _total: int) -> None:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # the one killed before
                if any("forkserver" in word for word in process.cmdline()) and process.children() == []:
                    process.kill()

    with pytest.raises(InputError, match="fewer of them") as caught:
        prepare(small * 30, store, SMALL, workers=Workers(processes=2), progress=kill_one)
    assert caught.value.code == "worker-died"
    require_true(store.place.own, small, expected)


def test_several_builders_at_once_make_each_recording_once(
    nurseries: list[Nursery], small: list[Labelled], tmp_path: Path
) -> None:
    """Three processes, the same recordings, one store."""
    expected = files_of(tmp_path / "expected", SMALL, small)
    for nursery in nurseries:
        nursery.begin(Work(recordings=small, root=tmp_path / "store"))
    assert [nursery.end() for nursery in nurseries] == [0, 0, 0]
    require_complete(tmp_path / "store", expected)


def test_two_configurations_are_written_at_once(
    nurseries: list[Nursery], small: list[Labelled], tmp_path: Path
) -> None:
    """Neither disturbs the other, and the manifest has both."""
    expected = files_of(tmp_path / "one", SMALL, small) | files_of(tmp_path / "two", OTHER, small)
    assert len(expected) == 2 * len(small)
    for nursery, config in zip(nurseries, (SMALL, OTHER, SMALL), strict=True):
        nursery.begin(Work(recordings=small, root=tmp_path / "store", config=config))
    assert [nursery.end() for nursery in nurseries] == [0, 0, 0]
    require_complete(tmp_path / "store", expected)
    rows = manifest.table(SignalStore(tmp_path / "store")).to_pylist()
    assert Counter(row["config"] for row in rows) == {SMALL.canonical(): 6, OTHER.canonical(): 6}


def test_never_are_two_alone_with_one_recording(tmp_path: Path) -> None:
    """Those who wait for a lock whose file goes away with its holder do not hold one by that."""
    store, inside, most = SignalStore(tmp_path), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(100):
            with store.alone("key"):
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_grow_so_large_is_a_full_store(small: list[Labelled], tmp_path: Path) -> None:
    """A quota on the size of a file stands for a full disk: the error says what is needed, and nothing half is left."""
    expected = files_of(tmp_path / "expected", SMALL, small)
    store, largest = SignalStore(tmp_path / "store"), max(map(len, expected.values()))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, hard))
    try:
        with pytest.raises(InputError) as caught:
            prepare(small[::-1], store, SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "store-full"
    assert f"room for this file, {largest / 1e6:.1f} MB" in str(caught.value.expected)
    assert "at most 0.1 MB for the 0.01 h still to prepare" in str(caught.value.expected)
    assert not list(store.place.own.glob("*.npy")) + list(store.place.own.glob(".*"))
    require_true(store.place.own, small, expected)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def _may_mount() -> bool:
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if _may_mount():  # elsewhere the quota above stands for it

    def test_a_disk_with_any_room_left_is_full_or_not_and_nothing_between(
        tiny_disk: Path, write_recording: WriteRecording, tmp_path: Path
    ) -> None:
        """A page more with every try: whichever file does not fit, it is one error, and then the build goes on."""
        recordings = [write_recording(seconds=20)]
        expected = files_of(tmp_path / "expected", SMALL, recordings)
        page, codes = 4096, []
        for pages in range(40):
            root, filler = tiny_disk / f"store{pages}", tiny_disk / "filler"
            with filler.open("wb") as file:
                status = os.statvfs(tiny_disk)
                file.write(bytes((status.f_bavail - pages) * page))
            codes.append(_outcome(recordings, root))
            filler.unlink()
            require_true(root, recordings, expected)
            for path in sorted(root.rglob("*"), reverse=True):
                path.unlink() if path.is_file() else path.rmdir()
        assert codes == ["store-full"] * codes.index("whole") + ["whole"] * (40 - codes.index("whole"))
        assert codes.count("store-full") > 10

    def test_room_is_made_and_the_same_call_goes_on(
        tiny_disk: Path, write_recording: WriteRecording, tmp_path: Path
    ) -> None:
        """1.4 MB on a disk of 1 MB: what fits is in the store, and stays when there is more room."""
        recordings = [write_recording(f"p{n}_1", seconds=60, seed=n) for n in range(10)]
        expected = files_of(tmp_path / "expected", SMALL, recordings)
        root = tiny_disk / "store"
        assert _outcome(recordings, root) == "store-full"
        assert 3 < len(SignalStore(root).every_key()) < 8
        subprocess.run(["mount", "-o", "remount,size=4m", tiny_disk], check=True)
        require_true(root, recordings, expected)


def _outcome(recordings: list[Labelled], root: Path) -> str:
    try:
        prepare(recordings, SignalStore(root), SMALL)
    except InputError as error:
        return error.code
    return "whole"
