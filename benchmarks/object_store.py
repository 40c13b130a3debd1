"""Random windows of 60 s out of a bucket: by ranged requests, through the local cache, and as compressed NPZ objects.

Eight recordings of 12 minutes (TUSZ's mean), 19 channels at 256 Hz, in a bucket of moto's S3 server, a process of its
own on this machine; then the same with a delay before every request, as a network has it. All give float32 µV:

- `ictal` without a cache: a ranged request for each window, one after the other, and announced in batches of 32
- `ictal` with an empty cache: whole recordings at their first window, then the local disk; every round begins anew
- `ictal` with a cache that has them all
- the usual way: a compressed NPZ of float32 for each window, one after the other, and by 16 threads
- the incident's: a compressed NPZ with all windows of a recording, windows every 10 s, of which one costs the object

Candidates take turns in every round, on the same windows, and their numbers are compared first. Medians of windows per
second and of the paired ratios to the NPZ of each window by 16 threads. What a server of another kind or a real network
does is not shown: moto's answers a request in milliseconds and one at a time.

    OMP_NUM_THREADS=1 python benchmarks/object_store.py
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from store_reads import LENGTH, RECORDINGS, SAMPLES, STARTS, signals, stored

from ictal.signals.bucket import Bucket
from ictal.signals.store import BLOCK_S, StoredRecording

OBJECTS = RECORDINGS * 2 // 3
WINDOWS, SLOW_WINDOWS, ROUNDS, THREADS = 32, 2, 5, 16
DELAYS_MS = (0, 20)
URL = "s3://windows/store"
Windows = Sequence[tuple[int, int]]
"""Recording and first sample of each."""
Read = Callable[[Windows], list[npt.NDArray[np.float32]]]


def main() -> None:
    """Fill a bucket, compare, time, print."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, server(Path(name)) as port:
        folder = Path(name)
        reach(port)
        recordings = filled(folder)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {WINDOWS} windows a round, {ROUNDS} rounds")
        for delay_ms in DELAYS_MS:
            with delayed(port, delay_ms) as reached:
                reach(reached)
                show(f"{delay_ms} ms before each request", in_turn(candidates(folder / str(delay_ms), recordings)))


def reach(port: int) -> None:
    """Let what follows use the server at this port."""
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_REGION": "us-east-1",
    }
    from ictal.signals import bucket  # noqa: PLC0415 - what it keeps of the port before

    bucket._client.cache_clear()  # noqa: SLF001


def filled(folder: Path) -> list[StoredRecording]:
    """Recordings, windows and recordings of windows as objects; the recordings as the store describes them."""
    place = Bucket(url=URL, own=folder / "none", cache_bytes=0)
    found = []
    for number, units in enumerate(signals()[:OBJECTS]):
        local = stored(folder / f"{number}.npy", units, BLOCK_S)
        place.replace(f"{number}.npy", (folder / f"{number}.npy").read_bytes())
        windows = np.stack([local.read_uv(start, LENGTH) for start in STARTS])
        place.replace(f"{number}.npz", packed(windows))
        for start, window in zip(STARTS, windows, strict=True):
            place.replace(f"{number}-{start}.npz", packed(window))
        found.append(replace(local, entry=replace(local.entry, checksum=local.file.checksum())))
    return found


def packed(values: npt.NDArray[np.float32]) -> bytes:
    """A compressed NPZ."""
    sink = io.BytesIO()
    np.savez_compressed(sink, values=values)
    return sink.getvalue()


def candidates(folder: Path, recordings: Sequence[StoredRecording]) -> dict[str, tuple[Read, int]]:
    """Ways to read, each with how many windows it gets in a round."""
    far, cold, warm = (
        [inside(recording, folder / kind, room) for recording in recordings]
        for kind, room in (("far", 0), ("cold", 10**10), ("warm", 10**10))
    )

    def emptied(windows: Windows) -> list[npt.NDArray[np.float32]]:
        shutil.rmtree(folder / "cold", ignore_errors=True)
        # Files that the process has open would be read although they are gone.
        from ictal.signals import reading  # noqa: PLC0415

        reading._opened.cache_clear()  # noqa: SLF001
        return batch(cold, windows)

    place = Bucket(url=URL, own=folder / "none", cache_bytes=0)
    pool = ThreadPoolExecutor(THREADS)
    batch(warm, [(number, 0) for number in range(OBJECTS)])
    return {
        "NPZ of each window, 16 threads": (
            lambda windows: list(pool.map(lambda one: npz(place, *one), windows)),
            WINDOWS,
        ),
        "NPZ of each window": (lambda windows: [npz(place, *one) for one in windows], WINDOWS),
        "NPZ of a recording": (lambda windows: [npz_of_all(place, *one) for one in windows], SLOW_WINDOWS),
        "ictal, ranged, one by one": (lambda windows: [far[n].read_uv(start, LENGTH) for n, start in windows], WINDOWS),
        "ictal, ranged, batch": (lambda windows: batch(far, windows), WINDOWS),
        "ictal, empty cache": (emptied, WINDOWS),
        "ictal, full cache": (lambda windows: batch(warm, windows), WINDOWS),
    }


def inside(recording: StoredRecording, own: Path, cache_bytes: int) -> StoredRecording:
    """A recording in the bucket, as a machine with so much room for copies has it."""
    place, entry = Bucket(url=URL, own=own, cache_bytes=cache_bytes), recording.entry
    return StoredRecording(file=place.signal(f"{entry.key}.npy", entry.npy_bytes, entry.checksum), entry=entry)


def batch(recordings: Sequence[StoredRecording], windows: Windows) -> list[npt.NDArray[np.float32]]:
    """As the loader reads: all are announced, then waited for."""
    for number, start in windows:
        recordings[number].announce(start, LENGTH)
    return [recordings[number].read_uv(start, LENGTH) for number, start in windows]


def npz(place: Bucket, number: int, start: int) -> npt.NDArray[np.float32]:
    """A window from an object of its own."""
    values: npt.NDArray[np.float32] = np.load(io.BytesIO(place.read(f"{number}-{start}.npz") or b""))["values"]
    return values


def npz_of_all(place: Bucket, number: int, start: int) -> npt.NDArray[np.float32]:
    """A window from the object of its recording."""
    every = np.load(io.BytesIO(place.read(f"{number}.npz") or b""))["values"]
    values: npt.NDArray[np.float32] = every[start // STARTS.step]
    return values


def in_turn(ways: dict[str, tuple[Read, int]]) -> dict[str, list[float]]:
    """Seconds of a window, round by round; in the first, which is not counted, all must give the same numbers."""
    rng = np.random.default_rng(0)
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        windows = [(int(rng.integers(OBJECTS)), int(rng.choice(STARTS))) for _ in range(WINDOWS)]
        expected: list[npt.NDArray[np.float32]] | None = None
        for name, (read, count) in ways.items():
            started = time.perf_counter()
            got = read(windows[:count])
            seconds = (time.perf_counter() - started) / count
            expected = got if expected is None else expected
            assert all(map(np.array_equal, got, expected)), name
            if turn:
                taken[name].append(seconds)
    return taken


def show(title: str, taken: dict[str, list[float]]) -> None:
    """A table: windows a second, and how many times as fast as the first."""
    print(f"\n{title}\n{'':34}{'windows/s':>10}{'times as fast':>15}")
    base = next(iter(taken.values()))
    for name, seconds in taken.items():
        ratio = statistics.median(other / one for other, one in zip(base, seconds, strict=True))
        print(f"{name:34}{1 / statistics.median(seconds):10,.0f}{ratio:15.2f}")


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """Moto's S3 server with an empty bucket; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with (folder / "moto.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(300):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/windows", method="PUT")
            try:
                urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - our own server
            except urllib.error.URLError:
                time.sleep(0.1)
            else:
                break
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def delayed(port: int, delay_ms: int) -> Iterator[int]:
    """A port behind which the server is, whose requests arrive so much later."""
    if not delay_ms:
        yield port
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_relay, args=(port, delay_ms, theirs))
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.kill()
        process.join()


def _relay(port: int, delay_ms: int, ready: Any) -> None:
    async def passed_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_s: float) -> None:
        while data := await source.read(1 << 16):
            await asyncio.sleep(delay_s)
            target.write(data)
            await target.drain()
        target.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(passed_on(reader, forth, delay_ms / 1000), passed_on(back, writer, 0))

    async def serve() -> None:
        relay = await asyncio.start_server(connected, "127.0.0.1", 0)
        ready.send(relay.sockets[0].getsockname()[1])
        await relay.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    assert SAMPLES >= LENGTH
    main()
