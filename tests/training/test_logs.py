"""Views of the log: what is written is what the view's own reader finds, in the modes that need no network."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import pytest

from ictal.errors import InputError
from ictal.training.logs import LogConfig, views

RECORDS = [{"step": n, "loss": 1.0 / (n + 1), "skill": None, "data_s": 0.5} for n in range(5)]
SETTINGS = {"train.steps": 5}

pytestmark = pytest.mark.filterwarnings("default")  # the packages' own warnings are not ours


def show(config: LogConfig, folder: Path, records: list[dict[str, object]], first_step: int = 0) -> None:
    for view in views(config, folder, settings=SETTINGS, run_hash="ab" * 16, first_step=first_step):
        for record in records:
            view.write(record)
        view.close()


def losses_in_tensorboard(folder: Path) -> dict[int, float]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    assert set(accumulator.Tags()["scalars"]) == {"loss", "data_s"}
    return {point.step: point.value for point in accumulator.Scalars("loss")}


def test_tensorboard_reads_what_was_written_and_a_resumed_run_goes_on(tmp_path: Path) -> None:
    """Steps repeated after an interruption replace those of before."""
    show(LogConfig(tensorboard="on"), tmp_path, RECORDS)
    show(LogConfig(tensorboard="on"), tmp_path, [{**RECORDS[3], "loss": 9.0}, {**RECORDS[4], "loss": 9.0}], 3)
    assert losses_in_tensorboard(tmp_path) == pytest.approx({0: 1, 1: 1 / 2, 2: 1 / 3, 3: 9, 4: 9})


def test_mlflow_keeps_settings_and_numbers_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second opening of the same folder goes on in the same MLflow run."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database would need packages that only a server needs

    config = LogConfig(tensorboard="off", mlflow=(tmp_path / "mlruns").as_uri())
    show(config, tmp_path, RECORDS[:3])
    show(config, tmp_path, RECORDS[3:], 3)
    client = mlflow.MlflowClient(tracking_uri=config.mlflow)
    experiment = client.get_experiment_by_name("ictal")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params == {"train.steps": "5"}
    points = client.get_metric_history(run.info.run_id, "loss")
    assert {p.step: p.value for p in points} == pytest.approx({n: 1 / (n + 1) for n in range(5)})


def test_wandb_offline_leaves_a_file_to_send(tmp_path: Path) -> None:
    """Nothing leaves the machine; the run's file holds the numbers."""
    show(LogConfig(tensorboard="off", wandb="offline"), tmp_path, RECORDS)
    (kept,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    until = time.monotonic() + 60  # the package's own process writes it, on a busy machine after `finish` has returned
    while b"data_s" not in kept.read_bytes() and time.monotonic() < until:
        time.sleep(0.2)
    assert b"data_s" in kept.read_bytes()


def test_nothing_is_written_where_nothing_is_asked_for(tmp_path: Path) -> None:
    """All off is all off."""
    show(LogConfig(tensorboard="off"), tmp_path, RECORDS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("config", "module", "package"),
    [
        (LogConfig(tensorboard="on"), "torch.utils.tensorboard", "tensorboard"),
        (LogConfig(tensorboard="off", mlflow="x"), "mlflow", "mlflow"),
        (LogConfig(tensorboard="off", wandb="offline"), "wandb", "wandb"),
    ],
)
def test_a_view_asked_for_and_not_installed_is_an_error(
    config: LogConfig, module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the package; nothing is left out in silence."""
    monkeypatch.setitem(sys.modules, module, None)
    with warnings.catch_warnings(), pytest.raises(InputError, match=package):
        show(config, tmp_path, RECORDS)
