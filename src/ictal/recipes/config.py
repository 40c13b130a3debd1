"""One configuration: every room's own section, read from TOML, overridden from the command line, checked as a whole."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import tomli_w
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from ictal.detection.calibration import Method
from ictal.detection.events import EventRule
from ictal.errors import InputError, check_setting
from ictal.models.backends import Backend
from ictal.models.detector import DetectorConfig
from ictal.signals.preprocess import PreprocessConfig
from ictal.training.augment import AugmentConfig
from ictal.training.guards import GuardConfig
from ictal.training.logs import LogConfig
from ictal.training.loop import TrainConfig
from ictal.windows.index import WindowConfig
from ictal.windows.plan import BatchConfig
from ictal.windows.splits import SplitConfig

_LARGEST = 2**32
NO_STORE = "none"
"""As `machine.store`: signals come from the EDFs themselves."""


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """Which recordings."""

    path: str = ""
    """Folder of the corpus."""
    layout: Literal["auto", "tusz", "bids", "chbmit", "siena", "seizeit1", "helsinki", "folder"] = "auto"
    """How the folder is organised; `auto` looks and says what it found."""
    label_mapping: dict[str, str] = field(default_factory=dict)
    """Labels outside the vocabulary and the known label that each is to be read as, e.g. `{nesz = "bckg"}`."""
    consensus: str = "majority"
    """Where several experts read each recording (Helsinki), what counts: `majority`, `unanimous`, `any`, or the name of
    one of them."""
    same_patient: dict[str, str] = field(default_factory=dict)
    """Other names of a patient, and the name to use, e.g. `{"sub-21" = "sub-01"}`."""
    exclude: tuple[str, ...] = ()
    """Ids of recordings to leave out."""
    corrected: str = ""
    """Folder of annotations that `ictal review` has made: where it holds one of a recording, that counts and nothing
    beside the EDF does."""

    @property
    def corrections(self) -> Path | None:
        """That folder, if there is one."""
        return Path(self.corrected) if self.corrected else None


@dataclass(frozen=True, kw_only=True)
class EventConfig:
    """How a trace of probabilities becomes events; the threshold itself is chosen on the dev part."""

    off_ratio: float = 0.5
    """An event lasts while the probability is at least this share of the threshold."""
    min_duration_s: float = 5.0
    """Shorter events are dropped."""
    merge_gap_s: float = 10.0
    """Events closer together are one."""
    refractory_s: float = 0.0
    """An event that begins less than this after the one before is dropped."""

    def __post_init__(self) -> None:
        self.rule(1.0)

    def rule(self, threshold: float) -> EventRule:
        """The rule at a threshold."""
        return EventRule(on=threshold, **asdict(self))


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What is scored and at which operating point."""

    part: Literal["eval", "dev", "train"] = "eval"
    """Part of the split to score. `train` shows only whether the model can learn; the results say so."""
    false_alarms_per_24h: float = 24.0
    """Most false alarms per 24 h that the threshold may give on the dev part."""
    calibration: Method = "platt"
    """How logits are calibrated on the dev part: `temperature` (a factor), `platt` (a factor and an offset),
    `isotonic` (any rising path; needs many seizures). docs/calibration.md measures them."""
    no_seizures_expected: bool = False
    """Declare that the part to score holds no seizure, so that only false alarms are counted; refused otherwise."""

    def __post_init__(self) -> None:
        rate = self.false_alarms_per_24h
        check_setting(0 <= rate < math.inf, "evaluate.false_alarms_per_24h", rate, "0 or more")


@dataclass(frozen=True, kw_only=True)
class MachineConfig:
    """Where and with what the work is done; nothing here changes a result beyond float order."""

    store: str = "store"
    """Where the signal store is, shared by all runs: a folder, `s3://bucket/prefix`, `gs://bucket/prefix` or
    `az://container/prefix`; `none` for no store: signals are prepared from the EDFs whenever they are needed, which is
    slow."""
    cache: str = "cache"
    """Folder for what this machine keeps where the store is no folder: fingerprints of EDFs, and copies of recordings
    that lie in a bucket."""
    cache_mb: int = 20_000
    """Most megabytes of those copies, of all processes together; recordings without room are read window by window."""
    memory_mb: int = 2000
    """Without a store: most megabytes of each process for the recordings that it prepared last; one more if it is
    larger."""
    workers: int = 2
    """Processes that prepare signals."""
    scheduler: str = ""
    """Address of a Dask scheduler whose workers prepare signals, e.g. `tcp://host:8786`; empty for this machine."""
    kernel: Literal["compiled", "scipy"] = "compiled"
    """Implementation of the filters: compiled once on each machine, or scipy's; the numbers are the same."""
    threads: int = 1
    """Threads of one training or detection process; more than there are idle cores make it many times slower."""
    device: str = "cpu"
    """torch device of training and detection."""
    backend: Backend = "auto"
    """What computes Mamba layers: `chunked` (torch's own operations), `fused` (compiled by numba, for processors),
    `compiled` (`torch.compile`), `triton` (`fla-core`, for CUDA), or `auto`, which takes `fused` or `triton` where they
    run and `chunked` elsewhere, and says which."""
    loader_workers: int = 0
    """Processes that read the batches of training ahead of time, for each training process; 0: a thread of it does."""

    def __post_init__(self) -> None:
        check_setting(1 <= self.workers <= 512, "machine.workers", self.workers, "1 to 512")
        check_setting(1 <= self.threads <= 512, "machine.threads", self.threads, "1 to 512")
        for name in ("cache_mb", "memory_mb"):
            check_setting(getattr(self, name) >= 0, f"machine.{name}", getattr(self, name), "0 or more")
        check_setting(0 <= self.loader_workers <= 512, "machine.loader_workers", self.loader_workers, "0 to 512")


@checked(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Config:
    """Everything that a run depends on."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    windows: WindowConfig = field(default_factory=WindowConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    signals: PreprocessConfig = field(default_factory=PreprocessConfig)
    model: DetectorConfig = field(default_factory=DetectorConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    guard: GuardConfig = field(default_factory=GuardConfig)
    log: LogConfig = field(default_factory=LogConfig)
    events: EventConfig = field(default_factory=EventConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    machine: MachineConfig = field(default_factory=MachineConfig)

    def __post_init__(self) -> None:
        step = self.model.samples_per_step
        expected = f"at most {self.signals.rate_hz}, one second"
        check_setting(step <= self.signals.rate_hz, "model.samples_per_step", step, expected)
        length, row = self.windows.grid(self.signals.rate_hz).length_samples, self.model.samples_per_row
        if length % row or length < 2 * row:
            raise InputError(
                "A window is not a whole number of the detector's rows",
                where="windows.length_s, model.samples_per_step, model.steps_per_row",
                got=f"{length} samples in a window, {row} in a row",
                expected="a window of two rows or more that the row divides",
                remedy="change one of them",
                code="config-value",
            )


def load(file: Path | None, overrides: Sequence[str] = (), *, base: Mapping[str, object] | None = None) -> Config:
    """The configuration of a file, or of `base`, with command line overrides on top.

    Args:
        file: TOML file, or None.
        overrides: Words such as `--train.steps 500` or `--train.steps=500`.
        base: Settings to start from where there is no file.

    Raises:
        InputError: if the file cannot be read, a key is unknown or a value does not fit.
    """
    tree = dict(base or {})
    where = "the configuration"
    if file is not None:
        tree, where = _read(file), str(file)
    for key, text in _pairs(overrides):
        _put(tree, key, text)
    return check(tree, f"{where}, command line" if overrides else where)


def check(tree: Mapping[str, object], where: str) -> Config:
    """The configuration that a tree of plain values means."""
    _require_values(tree, where)
    try:
        return TypeAdapter(Config).validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        if isinstance(cause := first.get("ctx", {}).get("error"), InputError):
            raise cause from None
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
            raise _unknown(key, where) from None
        raise InputError(
            f"The setting {key} does not fit",
            where=where,
            got=repr(first["input"]),
            expected=first["msg"],
            remedy="correct it; `ictal config` shows every key with its meaning",
            code="config-value",
        ) from None


def _require_values(tree: Mapping[str, object], where: str) -> None:
    """Stop at a date, and at a number that no setting can mean and that others would not hold in samples."""
    for key, value in _leaves(tree, ""):
        if isinstance(value, int | float):
            fits = abs(value) <= _LARGEST or not math.isfinite(value)
        else:
            fits = isinstance(value, str)
        if not fits:
            raise InputError(
                f"The setting {key} does not fit",
                where=where,
                got=str(value),
                expected=f"text, true or false, or a number of at most {_LARGEST:,} either way",
                remedy="correct it; `ictal config` shows every key with its meaning",
                code="config-value",
            )


def _leaves(value: object, key: str) -> Iterator[tuple[str, object]]:
    """All that is no table or list, with the key of the setting that it is part of."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}".removeprefix("."))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def tree(config: Config) -> dict[str, dict[str, object]]:
    """The configuration as plain values, None left out (TOML has none)."""
    return {
        section: {name: value for name, value in vars(getattr(config, section)).items() if value is not None}
        for section in config.__dataclass_fields__
    }


def to_toml(config: Config) -> str:
    """The configuration as TOML."""
    return tomli_w.dumps(tree(config))


def digest(config: Config, sections: Iterable[str]) -> str:
    """Hash of some sections."""
    text = json.dumps({section: tree(config)[section] for section in sections}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def defaults() -> dict[str, object]:
    """Every `section.key` with its default."""
    return {
        f"{section}.{name}": getattr(part, name)
        for section, part in vars(Config()).items()
        for name in getattr(part, "__dataclass_fields__", ())
    }


def known_keys() -> list[str]:
    """Every `section.key`."""
    return list(defaults())


def named(overrides: Sequence[str]) -> set[str]:
    """Which settings some words of a command line give."""
    return {".".join(key.split(".")[:2]) for key, _ in _pairs(overrides)}


def as_word(value: object) -> str:
    """A value as a word of the command line."""
    return value if isinstance(value, str) else json.dumps(value)


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            "The configuration file cannot be read",
            where=file,
            got=str(error),
            expected="a TOML file",
            remedy="see examples/ for working ones",
            code="config-unreadable",
        ) from error


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        key, equals, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or "." not in key or not (equals or rest):
            raise InputError(
                "A word on the command line is not understood",
                where="command line",
                got=word,
                expected="--section.key value",
                remedy="see `ictal config` for the keys, and `--help` for the options",
                code="config-key",
            )
        pairs.append((key, text if equals else rest.pop(0)))
    return pairs


def _put(tree: dict[str, object], key: str, text: str) -> None:
    """Set `section.name`, or an entry of a table as `section.name.entry`."""
    section, _, name = key.partition(".")
    name, _, entry = name.partition(".")
    branch = tree.get(section, {})
    if not isinstance(branch, dict):
        raise _unknown(section, f"--{key}")
    value = _value(text, f"{section}.{name}", entry=bool(entry))
    tree[section] = {**branch, name: {**branch.get(name, {}), entry: value} if entry else value}


def _value(text: str, key: str, *, entry: bool) -> object:
    """A value in TOML's notation; settings that hold text, and entries of tables, are taken as they stand."""
    section, _, name = key.partition(".")
    default = getattr(getattr(Config(), section, None), name, None)
    if entry or isinstance(default, str):
        return text
    try:
        tree = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return tree["value"] if len(tree) == 1 else text


def _unknown(key: str, where: str) -> InputError:
    known = known_keys() if "." in key else list(Config.__dataclass_fields__)
    close = get_close_matches(key, known, n=1, cutoff=0.5)
    return InputError(
        "There is no such setting",
        where=where,
        got=key,
        expected=f"perhaps {close[0]}" if close else "a key that `ictal config` lists",
        remedy="correct or remove it: a setting that nobody reads would change nothing, silently",
        code="config-key",
    )
