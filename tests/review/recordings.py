"""Small recordings for the review page, and a server of them in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ictal.recordings.channels import SCALP_19
from ictal.recordings.edf import read_header
from ictal.review.access import Door
from ictal.review.listing import Listed, Opened, compared
from ictal.review.server import Review, listen, server
from tests.reference.edf_bytes import Channel, edf_bytes

RATE_HZ = 128
REFERENCE, DETECTIONS = ((20.0, 30.0), (70.0, 75.0)), ((22.0, 31.0), (200.0, 215.0))
"""Of a recording of 300 s: the first seizure is found, the second is missed, the second detection is a false alarm."""


def write_edf(
    path: Path, *, duration_s: int = 300, labels: tuple[str, ...] = SCALP_19, rate_hz: int = RATE_HZ, seed: int = 0
) -> Path:
    """Noise with a slow wave, an electrode's offset and a spike at 100 s, like no other recording of another seed."""
    generator = np.random.default_rng(seed)
    times_s = np.arange(duration_s * rate_hz) / rate_hz
    channels = []
    for number, label in enumerate(labels):
        signal = generator.normal(0, 80, len(times_s)) + 300 * np.sin(times_s * (number + 3)) + 500 * (number % 3)
        signal[100 * rate_hz : 100 * rate_hz + 2] += 4000
        rows = np.rint(signal).astype("<i2").reshape(duration_s, rate_hz)
        channels.append(Channel(label=label, samples=list(rows)))  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(edf_bytes(channels))
    return path


def probability_of(duration_s: int = 300, steps_hz: int = 8) -> np.ndarray:
    """Sure of both detections, in doubt at 150 s, else sure that there is none."""
    trace = np.full(duration_s * steps_hz, 0.01, dtype=np.float32)
    for onset_s, stop_s in DETECTIONS:
        trace[int(onset_s * steps_hz) : int(stop_s * steps_hz)] = 0.95
    trace[150 * steps_hz : 152 * steps_hz] = 0.5
    return trace


def listed(path: Path, id_: str, *, labelled: bool = True, detected: bool = True) -> Listed:
    """A recording with the events above."""
    header = read_header(path)
    reference = REFERENCE if labelled else ()
    events = compared(
        reference,
        ["sz"] * len(reference),
        DETECTIONS if detected else (),
        header.duration_s,
        both=labelled and detected,
    )
    return Listed(
        id=id_,
        patient=id_.partition("_")[0],
        header=header,
        labelled=labelled,
        events=events,
        probability=probability_of if detected else None,
    )


def opened(folder: Path) -> Opened:
    """Two patients; the second recording has no annotation, the third no detections."""
    return Opened(
        title="small",
        recordings=(
            listed(write_edf(folder / "anna_1.edf"), "anna_1"),
            listed(write_edf(folder / "deep" / "ben_1.edf", seed=1), "deep/ben_1", labelled=False),
            listed(write_edf(folder / "ben_2.edf", seed=2, duration_s=600), "ben_2", detected=False),
        ),
        aside=(),
        marks=folder / "review",
        steps_hz=8.0,
        threshold=0.6,
    )


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server that answers."""

    review: Review
    door: Door


@contextmanager
def served(what: Opened, *, token: str = "", port: int = 0) -> Iterator[Served]:
    """Serve recordings on the loopback, in a thread."""
    review = Review(what, "Dr Test")
    with listen("127.0.0.1", port) as socket:
        door = Door(host="127.0.0.1", port=socket.getsockname()[1], token=token)
        running = server(review.app(), door)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [socket]})
        thread.start()
        while not running.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield Served(review=review, door=door)
        finally:
            running.should_exit = True
            thread.join()
