"""Random windows of 60 s from the store and from other layouts, warm and evicted from the page cache.

Twelve recordings of 12 minutes (TUSZ's mean), 19 channels at 256 Hz, windows every 10 s; every candidate gives float32
µV unless its name says int16, from files of the same numbers:

- the incident's: a compressed NPZ of float32 with all windows of a recording, of which a window costs the whole file
- a compressed NPZ, or an `.npy`, of float32 for each window, overlaps written again and again
- one continuous int16 `.npy` through `np.load(mmap_mode="r")`
- HDF5 (without its own cache, which would hold whole recordings) and Zarr 3: int16 in chunks of 10 s, not compressed
- LitData: float32 windows in its own chunks
- WebDataset: float32 windows in tar files, which are streamed, not drawn: its own order, in its favour
- `ictal`: one window by `read_uv`, into new memory, and by `read_uv_into`, into memory in use; a batch of 32 as int16
  into memory in use, as the loader reads it

Whoever gives float32 has eight windows at a time, 9 MB, and drops the oldest for the next: what is written to more
memory than the processor caches measures the memory alone.

Ceilings: warm, the copy of an int16 window in memory to scaled float32, in memory in use and in new memory; evicted, as
many bytes by positioned reads, one after the other, and by eight threads past the page cache. Candidates take turns in
every round, on the same windows, in an order drawn anew: a virtual disk may lend speed to whoever follows a slow one.
Medians, by the clock and of the process's own time, and medians of the paired ratios.
Then the store's layout with blocks of other lengths.

Peers that are not among our dependencies come from an environment of their own; those that it lacks are left out:

    python -m venv /tmp/ictal-peers
    echo $PWD/.venv/lib/python3.11/site-packages > /tmp/ictal-peers/lib/python3.11/site-packages/ictal.pth
    /tmp/ictal-peers/bin/pip install h5py zarr webdataset litdata
    OMP_NUM_THREADS=1 /tmp/ictal-peers/bin/python benchmarks/store_reads.py
"""

from __future__ import annotations

import importlib
import mmap
import os
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from edf_read import resident

from ictal.recordings.montages import Validity
from ictal.signals.folder import LocalFile
from ictal.signals.store import FORMAT_VERSION, Entry, StoredRecording

RECORDINGS, MINUTES, CHANNELS, RATE_HZ = 12, 12, 19, 256
SAMPLES = MINUTES * 60 * RATE_HZ
LENGTH, STRIDE = 60 * RATE_HZ, 10 * RATE_HZ
BLOCK_S = 10
STARTS = range(0, SAMPLES - LENGTH + 1, STRIDE)
ROUNDS, SLOW_ROUNDS, WINDOWS, KEPT = 15, 3, 32, 8
Windows = Sequence[tuple[int, int]]
"""Recording and first sample of each."""
Read = Callable[[Windows], object]


@dataclass(frozen=True)
class Taken:
    """What one window took, and what of the files had stayed in memory."""

    wall: float
    cpu: float
    kept: float


@dataclass(frozen=True)
class Candidate:
    """A way to read; its files; whether it is so slow that few windows must do."""

    read: Read
    files: Sequence[Path] = ()
    slow: bool = False


def main() -> None:
    """Write, compare, time, print."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # /tmp may be memory, which nothing evicts
        folder = Path(name)
        units = signals()
        recordings = [stored(folder / f"{number}.npy", values, BLOCK_S) for number, values in enumerate(units)]
        candidates = {**ours(recordings), **plain(folder, recordings), **peers(folder, recordings)}
        same_numbers(candidates)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {WINDOWS} windows a round, {ROUNDS} rounds")
        warm_ceilings = {
            "ceiling: int16 to float32": Candidate(copies(units, fresh=False)),
            "ceiling in new memory": Candidate(copies(units, fresh=True)),
        }
        show("warm", in_turn({**candidates, **warm_ceilings}, evicted=False), "ictal, read_uv")
        evicted_ceilings = {
            "ceiling: bytes alone": Candidate(bytes_alone(recordings, 1, os.O_RDONLY), files_of(recordings)),
            "ceiling: 8 threads, direct": Candidate(bytes_alone(recordings, 8, os.O_DIRECT), files_of(recordings)),
        }
        show("evicted", in_turn({**candidates, **evicted_ceilings}, evicted=True), "ictal, read_uv")
        lengths = {f"blocks of {s} s": s for s in (2, 5, BLOCK_S, 20, 60)}
        layouts = {name: layout(folder / name.replace(" ", "-"), units, s) for name, s in lengths.items()}
        for state in ("warm", "evicted"):
            show(state, in_turn(layouts, evicted=state == "evicted"), f"blocks of {BLOCK_S} s")


def signals() -> list[npt.NDArray[np.int16]]:
    """Random walks as int16, (channels, samples) each."""
    rng = np.random.default_rng(0)
    walks = (np.cumsum(rng.integers(-40, 41, (CHANNELS, SAMPLES)), axis=1) for _ in range(RECORDINGS))
    return [(walk % 20_000 - 10_000).astype(np.int16) for walk in walks]


def stored(path: Path, values: npt.NDArray[np.int16], block_s: int) -> StoredRecording:
    """A recording in the store's layout, with blocks of this length."""
    width = block_s * RATE_HZ
    blocks = np.zeros((-(-SAMPLES // width), CHANNELS, width), dtype=np.int16)
    for start in range(0, SAMPLES, width):
        piece = values[:, start : start + width]
        blocks[start // width, :, : piece.shape[1]] = piece
    np.save(path, blocks)
    names = tuple(f"C{number}" for number in range(CHANNELS))
    measured: Validity = "measured"
    entry = Entry(
        format=FORMAT_VERSION, key=path.stem, source="", fingerprint="", config="", kernel="scipy", notch_hz=60.0,
        channels=names, validity=(measured,) * CHANNELS, interpolated=(), flat=(), reference="",
        recorded_rate_hz=RATE_HZ, rate_hz=RATE_HZ, samples=SAMPLES, block_samples=width,
        scale_uv=tuple(0.02 + 0.0001 * number for number in range(CHANNELS)), clipped=(0,) * CHANNELS,
        npy_bytes=path.stat().st_size, checksum="",
    )  # fmt: skip
    return StoredRecording(file=LocalFile(path=path), entry=entry)


def files_of(recordings: Sequence[StoredRecording]) -> list[Path]:
    """The signal files."""
    return [Path(recording.file.address) for recording in recordings]


def ours(recordings: Sequence[StoredRecording]) -> dict[str, Candidate]:
    """The store, window by window and as the loader reads a batch."""
    ring = np.empty((WINDOWS, CHANNELS, LENGTH), dtype=np.int16)

    def batch(windows: Windows) -> object:
        wanted = [(recordings[r], s, out) for (r, s), out in zip(windows, ring, strict=False)]
        late = [one for one in wanted if not one[0].read_into(one[1], one[2], wait=False)]
        for recording, start, _ in late:
            recording.announce(start, LENGTH)
        for recording, start, out in late:
            recording.read_into(start, out)
        return ring

    files, floats = files_of(recordings), memory_in_use()

    def in_use(windows: Windows) -> object:
        for number, (recording, start) in enumerate(windows):
            recordings[recording].read_uv_into(start, floats[number % KEPT])
        return floats[: len(windows)]

    return {
        "ictal, read_uv": Candidate(by_turns(lambda r, s: recordings[r].read_uv(s, LENGTH)), files),
        "ictal, read_uv_into": Candidate(in_use, files),
        "ictal, a batch as int16": Candidate(batch, files),
    }


def by_turns(read_one: Callable[[int, int], Any]) -> Read:
    """Windows one after the other, of which the last eight are kept."""

    def read(windows: Windows) -> object:
        kept: deque[Any] = deque(maxlen=KEPT)
        for recording, start in windows:
            kept.append(read_one(recording, start))
        return list(kept)

    return read


def plain(folder: Path, recordings: Sequence[StoredRecording]) -> dict[str, Candidate]:
    """What numpy alone can do."""
    compressed, each, single, whole = (folder / name for name in ("npz", "each", "single", "whole"))
    for place in (compressed, each, single, whole):
        place.mkdir()
    for number, recording in enumerate(recordings):
        np.save(whole / f"{number}.npy", recording.read(0, SAMPLES))
        windows = np.stack([recording.read_uv(start, LENGTH) for start in STARTS])
        for start, window in zip(STARTS, windows, strict=True):
            np.save(single / f"{number}-{start}.npy", window)
        if number < 2:  # compressing takes its time; two recordings are read by turns
            np.savez_compressed(compressed / f"{number}.npz", windows=windows)
            for start, window in zip(STARTS, windows, strict=True):
                np.savez_compressed(each / f"{number}-{start}.npz", window=window)
    scales = [recording.scale_uv[:, None] for recording in recordings]

    def mapped(number: int, start: int) -> object:
        units = np.load(whole / f"{number}.npy", mmap_mode="r")
        return np.multiply(units[:, start : start + LENGTH], scales[number], dtype=np.float32)

    return {
        "compressed NPZ, recording": Candidate(
            by_turns(lambda r, s: np.load(compressed / f"{r % 2}.npz")["windows"][s // STRIDE]),
            list(compressed.iterdir()),
            slow=True,
        ),
        "compressed NPZ, window": Candidate(
            by_turns(lambda r, s: np.load(each / f"{r % 2}-{s}.npz")["window"]), list(each.iterdir()), slow=True
        ),
        "npy, window": Candidate(by_turns(lambda r, s: np.load(single / f"{r}-{s}.npy")), list(single.iterdir())),
        "npy, continuous, mapped": Candidate(by_turns(mapped), list(whole.iterdir())),
    }


def peers(folder: Path, recordings: Sequence[StoredRecording]) -> dict[str, Candidate]:
    """Those that are installed."""
    makers = {"h5py": hdf5, "zarr": zarr3, "litdata": litdata, "webdataset": webdataset}
    found: dict[str, Candidate] = {}
    for name, make in makers.items():
        try:
            module = importlib.import_module(name)
        except ImportError:
            print(f"{name} is not installed here and is left out")
            continue
        (folder / name).mkdir()
        found[f"{name} {module.__version__}"] = make(module, folder / name, recordings)
    return found


def hdf5(h5py: Any, folder: Path, recordings: Sequence[StoredRecording]) -> Candidate:
    """A file for each recording, in chunks of a block."""
    for number, recording in enumerate(recordings):
        with h5py.File(folder / f"{number}.h5", "w") as file:
            chunks = (CHANNELS, BLOCK_S * RATE_HZ)
            file.create_dataset("units", data=recording.read(0, SAMPLES), chunks=chunks)
    files = [h5py.File(folder / f"{number}.h5", "r", rdcc_nbytes=0)["units"] for number in range(len(recordings))]
    return scaled(files, recordings, list(folder.iterdir()))


def zarr3(zarr: Any, folder: Path, recordings: Sequence[StoredRecording]) -> Candidate:
    """An array for each recording, in chunks of a block."""
    arrays = []
    for number, recording in enumerate(recordings):
        shape, chunks = (CHANNELS, SAMPLES), (CHANNELS, BLOCK_S * RATE_HZ)
        made = zarr.create_array(folder / f"{number}.zarr", shape=shape, chunks=chunks, dtype="int16", compressors=None)
        made[:] = recording.read(0, SAMPLES)
        arrays.append(zarr.open_array(folder / f"{number}.zarr", mode="r"))
    return scaled(arrays, recordings, [path for path in folder.rglob("*") if path.is_file()])


def scaled(arrays: Sequence[Any], recordings: Sequence[StoredRecording], files: Sequence[Path]) -> Candidate:
    """Windows cut from arrays of int16."""
    scales = [recording.scale_uv[:, None] for recording in recordings]
    read = by_turns(lambda r, s: np.multiply(arrays[r][:, s : s + LENGTH], scales[r], dtype=np.float32))
    return Candidate(read, files)


def litdata(module: Any, folder: Path, recordings: Sequence[StoredRecording]) -> Candidate:
    """Its chunks of 64 MB of float32 windows, read by index."""
    writer = importlib.import_module("litdata.streaming.cache").Cache(str(folder), chunk_bytes="64MB")
    places = [(number, start) for number in range(len(recordings)) for start in STARTS]
    for place, (number, start) in enumerate(places):
        writer[place] = recordings[number].read_uv(start, LENGTH)
    writer.done()
    writer.merge()
    dataset = module.StreamingDataset(str(folder))
    number_of = {place: index for index, place in enumerate(places)}
    return Candidate(by_turns(lambda r, s: np.asarray(dataset[number_of[r, s]])), list(folder.iterdir()))


def webdataset(module: Any, folder: Path, recordings: Sequence[StoredRecording]) -> Candidate:
    """A tar file for each recording, streamed without end."""
    for number, recording in enumerate(recordings):
        with module.TarWriter(str(folder / f"{number}.tar")) as tar:
            for start in STARTS:
                tar.write({"__key__": f"{number}-{start}", "npy": recording.read_uv(start, LENGTH)})
    urls = sorted(str(path) for path in folder.iterdir())
    stream: Iterator[Any] = iter(module.WebDataset(urls, shardshuffle=False).decode().repeat())
    return Candidate(by_turns(lambda _r, _s: next(stream)["npy"]), list(folder.iterdir()))


def same_numbers(candidates: dict[str, Candidate]) -> None:
    """Every candidate that gives float32 gives what `read_uv` gives; WebDataset gives its own first window."""
    windows = [(1, STARTS[5]), (0, STARTS[-1])]
    expected = candidates["ictal, read_uv"].read(windows)
    for name, candidate in candidates.items():
        if "int16" not in name and not name.startswith("webdataset"):
            np.testing.assert_array_equal(np.asarray(candidate.read(windows)), np.asarray(expected), err_msg=name)


def memory_in_use() -> npt.NDArray[np.float32]:
    """Memory for eight windows of float32, by turns."""
    return np.zeros((KEPT, CHANNELS, LENGTH), dtype=np.float32)


def copies(units: Sequence[npt.NDArray[np.int16]], *, fresh: bool) -> Read:
    """The copy of windows in memory, channels in rows as in the recording, into new memory or memory in use."""
    ring = memory_in_use()
    scale = np.full((CHANNELS, 1), 0.02, dtype=np.float32)

    def read(windows: Windows) -> object:
        kept: deque[Any] = deque(maxlen=KEPT)
        for number, (recording, start) in enumerate(windows):
            out = np.empty_like(ring[0]) if fresh else ring[number % KEPT]
            out[...] = units[recording][:, start : start + LENGTH]
            out *= scale
            kept.append(out)
        return kept

    return read


def bytes_alone(recordings: Sequence[StoredRecording], threads: int, flags: int) -> Read:
    """Whole pages around the windows' blocks, into memory in use, by files that are opened for each."""
    pool, block_bytes = ThreadPoolExecutor(threads), CHANNELS * BLOCK_S * RATE_HZ * 2
    rooms = [mmap.mmap(-1, 9 * block_bytes // mmap.PAGESIZE * mmap.PAGESIZE) for _ in range(WINDOWS)]

    def one(window: tuple[int, int], room: mmap.mmap) -> int:
        first, stop = window[1] // (BLOCK_S * RATE_HZ), -(-(window[1] + LENGTH) // (BLOCK_S * RATE_HZ))
        begin = (128 + first * block_bytes) // mmap.PAGESIZE * mmap.PAGESIZE
        length = -(-(128 + stop * block_bytes - begin) // mmap.PAGESIZE) * mmap.PAGESIZE
        descriptor = os.open(recordings[window[0]].file.address, os.O_RDONLY | flags)
        try:
            return os.preadv(descriptor, [memoryview(room)[:length]], begin)
        finally:
            os.close(descriptor)

    return lambda windows: list(pool.map(one, windows, rooms))


def layout(folder: Path, units: Sequence[npt.NDArray[np.int16]], block_s: int) -> Candidate:
    """The store with blocks of another length."""
    folder.mkdir()
    recordings = [stored(folder / f"{number}.npy", values, block_s) for number, values in enumerate(units)]
    out = np.empty((CHANNELS, LENGTH), dtype=np.int16)
    return Candidate(lambda w: [recordings[r].read_into(s, out) for r, s in w], files_of(recordings))


def in_turn(candidates: dict[str, Candidate], *, evicted: bool) -> dict[str, list[Taken]]:
    """Seconds for a window, round by round, after one round that is not timed."""
    rng = np.random.default_rng(1)
    times: dict[str, list[Taken]] = {name: [] for name in candidates}
    for number in range(ROUNDS + 1):
        numbers, starts = rng.integers(RECORDINGS, size=WINDOWS).tolist(), rng.choice(STARTS, WINDOWS).tolist()
        drawn = list(zip(numbers, starts, strict=True))
        for name in rng.permutation(list(candidates)).tolist():
            candidate = candidates[name]
            if candidate.slow and number > SLOW_ROUNDS:
                continue
            windows = drawn[:2] if candidate.slow else drawn
            kept = sum(map(still_in_memory, candidate.files)) if evicted else 0.0
            wall, cpu = time.perf_counter(), time.process_time()
            candidate.read(windows)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number:
                kept_share = kept / max(len(candidate.files), 1)
                times[name].append(Taken(wall=wall / len(windows), cpu=cpu / len(windows), kept=kept_share))
    return times


def still_in_memory(file: Path) -> float:
    """Give a file's pages back; the share that stays, which is what somebody has mapped."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return resident(opened.fileno())


def show(title: str, times: dict[str, list[Taken]], reference: str) -> None:
    """Medians by the clock and of the processor, windows per second, and how many times the reference's."""
    print(f"\n{title:<28} {'clock ms':>10} {'windows/s':>10} {'x':>8} {'CPU ms':>10} {'per CPU s':>10} {'x':>8}")
    for name, own in times.items():
        line = f"  {name:<26}"
        for clock in ("wall", "cpu"):
            seconds = statistics.median(getattr(taken, clock) for taken in own)
            pairs = zip(own, times[reference], strict=False)
            ratio = statistics.median(getattr(a, clock) / getattr(b, clock) for a, b in pairs)
            line += f" {1e3 * seconds:10.3f} {1 / seconds:10,.0f} {ratio:8.2f}"
        kept = statistics.median(taken.kept for taken in own)
        print(line + (f"  {kept:.0%} stayed in memory" if kept > 0.005 else ""))


if __name__ == "__main__":
    main()
