"""Where a run's numbers go besides `train.jsonl`: TensorBoard, MLflow, Weights & Biases.

`train.jsonl` is the record; these are views of it for people who look at runs there. Each is a package of its own that
is asked for by name; only TensorBoard is used unasked where it is installed. A resumed run goes on in the same view.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol

from ictal.errors import InputError

LOG, TIMING = "train.jsonl", "timing.jsonl"
Record = Mapping[str, Any]
"""What the log keeps of a step; only its numbers are drawn."""


@dataclass(frozen=True, kw_only=True)
class LogConfig:
    """Views of the training log, besides `train.jsonl`."""

    tensorboard: Literal["auto", "on", "off"] = "auto"
    """`auto` writes for TensorBoard where it is installed, `on` asks for it. Look with `tensorboard --logdir RUN`."""
    mlflow: str = ""
    """Tracking URI of MLflow, e.g. `sqlite:///mlflow.db` or `http://host:5000`; empty for none."""
    wandb: Literal["off", "offline", "online"] = "off"
    """Weights & Biases; `offline` writes into the run folder, to be sent later with `wandb sync`."""
    project: str = "ictal"
    """Name of the experiment at MLflow and of the project at Weights & Biases."""


class View(Protocol):
    """Something that shows a run's numbers."""

    def write(self, record: Record) -> None:
        """Show one step's numbers."""

    def close(self) -> None:
        """Write out what is held back."""


@contextmanager
def step_log(folder: Path, views: Sequence[View]) -> Iterator[Callable[[Record, Mapping[str, float]], None]]:
    """The run's own log: `train.jsonl`, which the same run always writes alike, and `timing.jsonl`, which it does not.

    Each step is one JSON object on one line of either, on disk as soon as it is written.

    Args:
        folder: The run folder.
        views: Who else is shown the numbers; closed at the end.

    Yields:
        What is called with a step's record and its times.
    """
    with ExitStack() as open_ones:
        files = [open_ones.enter_context((folder / name).open("a", buffering=1)) for name in (LOG, TIMING)]
        for view in views:
            open_ones.callback(view.close)

        def write(record: Record, laps: Mapping[str, float]) -> None:
            for file, values in zip(files, (record, {"step": record["step"], **laps}), strict=True):
                file.write(_line(values))
            for view in views:
                view.write({**record, **laps})

        yield write


def _line(values: Mapping[str, Any]) -> str:
    """A JSON object on a line of its own; a number that is none, as of a step that was not taken, is null."""
    known = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
    return json.dumps(known, allow_nan=False) + "\n"


def cut_logs(folder: Path, steps: int) -> None:
    """Forget what the logs say of steps after so many; they are taken again."""
    for name in (LOG, TIMING):
        with (folder / name).open("ab+") as file:
            file.seek(0)
            file.truncate(sum(map(len, islice(file, steps))))


class TensorBoardView:
    """Event files under `tensorboard/` of the run folder."""

    def __init__(self, folder: Path, first_step: int) -> None:
        tensorboard = _needed("torch.utils.tensorboard", "tensorboard", "log.tensorboard")
        self.writer = tensorboard.SummaryWriter(folder / "tensorboard", purge_step=first_step or None)

    def write(self, record: Record) -> None:
        """One point for every number."""
        for name, value in _numbers(record).items():
            self.writer.add_scalar(name, value, int(record["step"]))

    def close(self) -> None:
        """Flush the event file."""
        self.writer.close()


class MlflowView:
    """A run of an MLflow server or database, named after the run folder; its id is kept there."""

    def __init__(self, folder: Path, config: LogConfig, settings: Mapping[str, object]) -> None:
        mlflow = _needed("mlflow", "mlflow-skinny", "log.mlflow")
        self.client = mlflow.MlflowClient(tracking_uri=config.mlflow)
        self.entities = importlib.import_module("mlflow.entities")
        kept = folder / "mlflow-run-id"
        if kept.exists():
            self.run_id = kept.read_text().strip()
            return
        found = self.client.get_experiment_by_name(config.project)
        experiment = found.experiment_id if found else self.client.create_experiment(config.project)
        self.run_id = self.client.create_run(experiment, run_name=folder.resolve().name).info.run_id
        for name, value in settings.items():
            self.client.log_param(self.run_id, name, value)
        kept.write_text(self.run_id)

    def write(self, record: Record) -> None:
        """One metric for every number, all with the step's number and time."""
        step, now_ms = int(record["step"]), _now_ms()
        metrics = [self.entities.Metric(name, value, now_ms, step) for name, value in _numbers(record).items()]
        self.client.log_batch(self.run_id, metrics=metrics)

    def close(self) -> None:
        """Mark the run as finished; a resumed one is opened again by its next step."""
        self.client.set_terminated(self.run_id)


class WandbView:
    """A run of Weights & Biases with the id of the run folder, so that it goes on after an interruption."""

    def __init__(self, folder: Path, config: LogConfig, settings: Mapping[str, object], run_hash: str) -> None:
        wandb = _needed("wandb", "wandb", "log.wandb")
        assert config.wandb != "off"
        self.run = wandb.init(
            project=config.project,
            dir=folder,
            mode=config.wandb,
            id=run_hash[:16],
            resume="allow" if config.wandb == "online" else None,
            name=folder.resolve().name,
            config=dict(settings),
            settings=wandb.Settings(silent=True, console="off"),
        )

    def write(self, record: Record) -> None:
        """One point for every number."""
        self.run.log(_numbers(record), step=int(record["step"]))

    def close(self) -> None:
        """Send or store what is held back."""
        self.run.finish()


def views(
    config: LogConfig, folder: Path, *, settings: Mapping[str, object], run_hash: str, first_step: int
) -> Sequence[View]:
    """The views that the configuration asks for.

    Args:
        config: Which.
        folder: The run folder.
        settings: The run's settings as `section.key`, shown beside its curves.
        run_hash: Hash of all that decides the run.
        first_step: Step that the run starts or goes on with.

    Raises:
        InputError: if a view is asked for whose package is not installed.
    """
    chosen: list[View] = []
    present = importlib.util.find_spec("tensorboard") is not None
    if config.tensorboard == "on" or (config.tensorboard == "auto" and present):
        chosen.append(TensorBoardView(folder, first_step))
    if config.mlflow:
        chosen.append(MlflowView(folder, config, settings))
    if config.wandb != "off":
        chosen.append(WandbView(folder, config, settings, run_hash))
    return chosen


def _numbers(record: Record) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in record.items()
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool)
    }


def _needed(module: str, package: str, setting: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            "A view of the training log needs a package that is not installed",
            where=setting,
            got=str(error),
            expected=f"the package {package}",
            remedy="pip install 'ictal[logs]', or switch the setting off",
            code="package-missing",
        ) from error


def _now_ms() -> int:
    return int(time.time() * 1000)
