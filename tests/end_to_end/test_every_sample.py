"""A detector that answers for every sample of 256 Hz, from the plan to detections."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ictal.recipes import detector as detectors
from ictal.recipes import plan as planning
from ictal.recipes.run import open_planned
from ictal.recipes.train import training_windows
from ictal.recordings import edf
from ictal.recordings.annotations import bids
from tests.end_to_end.commands import Terminal, finish, recordings

RATE_HZ = 256
SETTINGS = {
    "signals__rate_hz": RATE_HZ,
    "signals__band_hz": [0.5, 100],
    "model__samples_per_step": 1,
    "model__steps_per_row": 32,
}


def test_logits_labels_and_detections_at_the_rate_of_the_signal(
    terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """As many labels and probabilities as samples; a seizure may begin at any of them."""
    run = finish(terminal, tmp_path / "run", synthetic_corpus, tmp_path / "store", **SETTINGS)
    opened = open_planned(run.folder, ())
    dataset = training_windows(opened, planning.load(opened))
    batch = dataset.__getitems__(dataset.index.seizure_windows[:8].tolist())
    assert batch.labels.shape == batch.signal_uv[:, 0].shape
    assert set(batch.labels.unique().tolist()) == {0.0, 1.0}
    assert batch.labels.sum(dim=1).tolist() == dataset.index.ictal_samples[:8].tolist()

    evaluation = run.json("evaluation.json")
    assert evaluation["window_auroc"] > 0.6
    path = recordings(synthetic_corpus, "eval", ictal=True)[0]
    assert detectors.load(run.folder).steps_hz == RATE_HZ
    traces = [trace for _, trace in sorted(np.load(run.folder / "traces.npz").items())]
    durations_s = [edf.read_header(one).duration_s for one in recordings(synthetic_corpus, "eval")]
    assert sorted(map(len, traces)) == sorted(round(seconds * RATE_HZ) for seconds in durations_s)
    rows = traces[0][: len(traces[0]) // 32 * 32].reshape(-1, 32)
    assert (np.ptp(rows, axis=1) > 0).mean() > 0.9

    assert terminal("detect", path, tmp_path / "x_events.tsv", "--run", run.folder).code in {0, 1}
    found = [one for one in bids.read(tmp_path / "x_events.tsv").events if one.label == "sz"]
    assert found
    for edge_s in (edge for one in found for edge in (one.onset_s, one.stop_s)):
        assert abs(edge_s * RATE_HZ - round(edge_s * RATE_HZ)) < 0.03  # times are written with four decimals
