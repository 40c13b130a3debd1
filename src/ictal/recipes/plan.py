"""`ictal plan`: windows, split and batches, from annotations and headers, before any signal is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ictal.appearing import appearing
from ictal.errors import InputError, check_setting, command
from ictal.recipes.config import Config
from ictal.recipes.run import PLAN, Run
from ictal.recipes.seizure_types import require_types
from ictal.recordings import corpus as corpora
from ictal.recordings.corpus import Corpus, Labelled, Quarantined
from ictal.recordings.montages import MONTAGES, derive, named
from ictal.signals.preprocess import PreprocessConfig, lookahead_s, require_samples
from ictal.timeline import spans as sp
from ictal.training.augment import Augmentation
from ictal.windows import feasibility, prior, storage, strategies
from ictal.windows import splits as splitting
from ictal.windows.index import IndexedRecording, WindowIndex, build
from ictal.windows.plan import BatchPlan
from ictal.windows.planning import make
from ictal.windows.prior import Prior
from ictal.windows.splits import Split

INDEX = "index.parquet"
REPLAYED_BATCHES = 1000
"""Batches that each of the incident's strategies draws: enough to see its shares to a percent."""
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Planned:
    """Everything that is decided before a signal is read."""

    corpus: Corpus
    labelled: tuple[Labelled, ...]
    """Usable recordings, in the order of the index."""
    quarantined: tuple[Quarantined, ...]
    index: WindowIndex
    """All usable recordings."""
    split: Split
    batches: BatchPlan
    """Drawn from the training part alone."""
    prior: Prior
    """Of the training part."""

    @property
    def hash(self) -> str:
        """Hash of all windows, of who serves for what, and of the batches."""
        text = f"{self.index.hash} {sorted(self.split.items())} {self.batches.hash}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def plan_run(run: Run, progress: Progress | None = None) -> Planned:
    """Decide everything; the same configuration and corpus give the same answer."""
    config = run.config
    wanted = config.corpus
    found = corpora.discover(Path(wanted.path), wanted.layout, wanted.same_patient, wanted.corrections)
    corpus = _without(found, wanted.exclude)
    labelled, damaged = corpora.read_labels(
        corpus, mapping=wanted.label_mapping, consensus=wanted.consensus, progress=progress
    )
    usable, indexed, unmounted = _index_each(labelled, config.signals)
    rate_hz = config.signals.rate_hz
    index = build(indexed, config.windows.grid(rate_hz), config.windows.rule(rate_hz))
    _require_seizures(index, corpus)
    split = splitting.split(index.recordings, [r.recording.split for r in usable], config.split)
    batches = make(index.select(split["train"]), config.batch)
    _require_trainable(config, batches.index, index.select(split["dev"]))
    return Planned(
        corpus=corpus,
        labelled=tuple(usable),
        quarantined=(*damaged, *unmounted),
        index=index,
        split=split,
        batches=batches,
        prior=prior.of_plan(batches),
    )


def _without(corpus: Corpus, excluded: tuple[str, ...]) -> Corpus:
    unknown = sorted(set(excluded) - {recording.id for recording in corpus.recordings})
    if unknown:
        raise InputError(
            "A recording to leave out is not in the corpus",
            where="corpus.exclude",
            got=unknown[0],
            expected=f"the id of one of {len(corpus.recordings)} recordings, as `ictal audit` names them",
            remedy="correct the id",
            code="config-value",
        )
    return replace(corpus, recordings=tuple(r for r in corpus.recordings if r.id not in excluded))


def _index_each(
    labelled: list[Labelled], config: PreprocessConfig
) -> tuple[list[Labelled], list[IndexedRecording], list[Quarantined]]:
    """Each recording as the index needs it; those that cannot be brought to the montage or the rate are set aside."""
    usable, indexed, unmounted = [], [], []
    for recording in labelled:
        try:
            indexed.append(_indexed(recording, config))
        except InputError as error:
            if not (error.code.startswith(("channel-", "rate-", "event-", "signal-")) or corpora.is_quarantine(error)):
                raise
            unmounted.append(corpora.quarantined(recording.recording, error))
        else:
            usable.append(recording)
    if not usable:
        raise InputError(
            "No recording can be brought to the montage and the rate",
            where="signals.montage, signals.rate_hz, signals.band_hz",
            got=f"{len(unmounted)} recordings set aside; the first: {unmounted[0].reason}",
            expected=f"recordings with the channels of {config.montage}, fast enough for {config.band_hz[1]:g} Hz",
            remedy="add --signals.montage NAME; `ictal audit` counts the recordings that each montage fits: "
            f"{', '.join(MONTAGES)}. Or a lower band",
            code="channel-missing",
        )
    return usable, indexed, unmounted


def _indexed(recording: Labelled, config: PreprocessConfig) -> IndexedRecording:
    """A recording's length and seizures in samples of the store's rate, after a look whether that rate can be had."""
    header = recording.header
    rate_hz = derive(named(config.montage), header, policy=config.missing).rate_hz
    lookahead_s(rate_hz, config)
    samples = require_samples(round(header.duration_s * rate_hz), rate_hz, config)
    _require_lengths(recording, config.rate_hz)
    seizures = sp.clip(sp.spans_from_seconds(recording.seizures_s, config.rate_hz), 0, samples)
    return IndexedRecording(
        id=recording.recording.id,
        patient=recording.recording.patient,
        samples=samples,
        seizures=seizures,
        types=_types(recording, seizures, config.rate_hz),
    )


def _require_lengths(recording: Labelled, rate_hz: int) -> None:
    """Stop before a seizure is rounded away.

    Raises:
        InputError: if one begins and ends at the same sample.
    """
    edges = sp.samples_from_seconds(np.array(recording.seizures_s).reshape(-1), rate_hz).reshape(-1, 2)
    for number in np.flatnonzero(edges[:, 0] == edges[:, 1])[:1]:
        onset_s, stop_s = recording.seizures_s[number]
        raise InputError(
            "A seizure is shorter than a sample",
            where=recording.recording.edf,
            got=f"{onset_s:g} to {stop_s:g} s, both at sample {edges[number, 0]} of {rate_hz} Hz",
            expected="a seizure of at least one sample: rounded, it would be none",
            remedy="correct the annotation, or take the recording out (corpus.exclude)",
            code="event-too-short",
        )


def _types(recording: Labelled, seizures: sp.Spans, rate_hz: int) -> tuple[str, ...]:
    """Type of each seizure in samples; rounding to samples may have united two, which then have the first one's."""
    onsets = sp.samples_from_seconds([onset_s for onset_s, _ in recording.seizures_s], rate_hz)
    places = np.searchsorted(onsets, seizures[:, 0], side="left")
    return tuple(recording.types[place] for place in places)


def _require_trainable(config: Config, train: WindowIndex, dev: WindowIndex) -> None:
    """Stop before signals are prepared for a training that these settings or the split would refuse."""
    require_types(config.model.seizure_types, train)
    Augmentation(config.augment, named(config.signals.montage).channels, config.train.seed, config.signals.rate_hz)
    fixed = config.train.logit_adjustment == 0 or config.batch.strategy != "adaptive"
    check_setting(fixed, "train.logit_adjustment", config.train.logit_adjustment, "0 where batches adapt their prior")
    if config.train.select != "last":
        require_selectable(dev)


def require_selectable(dev: WindowIndex) -> None:
    """Stop if weights cannot be selected by a dev part.

    Raises:
        InputError: if it holds no seizure (code `no-tuning-seizure`).
    """
    if dev.seizures == 0:
        raise InputError(
            "There is no seizure to select weights by",
            where="train.select",
            got=f"{len(dev.recordings)} recordings in the dev part, none with a seizure",
            expected="a dev part with a seizure",
            remedy='choose another split, or train.select = "last"',
            code="no-tuning-seizure",
        )


def save(run: Run, planned: Planned, document: dict[str, object]) -> None:
    """Keep the plan in the run folder."""
    run.keep_config()
    storage.save(planned.index, run.path(INDEX))
    run.write_json(PLAN, document)
    run.write_json("incident.json", incident(run, planned))
    from ictal.report.chances import chances_figure  # noqa: PLC0415 - drawing takes a second to import

    with appearing(run.path("plan.png")) as draft:
        draft.write_bytes(chances_figure(document))


def load(run: Run) -> Planned:
    """Plan again and make sure that it is what `ictal plan` showed.

    Raises:
        InputError: if the corpus or the settings have changed since.
    """
    shown = run.read_json(PLAN, "plan")
    planned = plan_run(run)
    if shown["plan_hash"] != planned.hash or storage.load(run.path(INDEX)).hash != planned.index.hash:
        raise InputError(
            "The plan is not the one that was shown",
            where=run.path(PLAN),
            got=f"plan {planned.hash}",
            expected=f"plan {shown['plan_hash']}",
            remedy=f"the corpus or settings have changed: run `{command('plan', run.folder)}` and look at it again",
            code="plan-changed",
        )
    return planned


def incident(run: Run, planned: Planned) -> dict[str, object]:
    """What the strategies of the incident would have drawn here, beside what the plan draws."""
    steps = min(run.config.train.steps, REPLAYED_BATCHES)
    outcomes = strategies.replay(planned.batches, steps, run.config.batch.seed)
    return {"batches": steps, "rows": [asdict(outcome) for outcome in outcomes]}


def document(
    run: Run, planned: Planned, *, windows_per_s: float | None = None, price_per_hour: float | None = None
) -> dict[str, object]:
    """The plan in numbers, for people and machines.

    Args:
        run: The run.
        planned: Its plan.
        windows_per_s: Windows that training takes in a second, to say what the run will take; None for no such saying.
        price_per_hour: Of the machine, in any currency.
    """
    batch, steps = run.config.batch, run.config.train.steps * run.config.train.accumulate
    weights, twice = run.config.train.loss_weights, run.config.train.allow_double_correction
    effective = prior.effective(planned.batches, weights, allow_double_correction=twice)
    cost = windows_per_s and feasibility.cost(steps, batch.size, 1, windows_per_s, price_per_hour)
    return {
        "corpus": planned.corpus.name,
        "windows": planned.index.windows,
        "seizure_windows": len(planned.index.seizure_windows),
        "strata": planned.index.strata(),
        "natural_prevalence": asdict(prior.natural(planned.index)),
        "drawn_prevalence": asdict(planned.prior.drawn),
        "prior": asdict(planned.prior),
        "splits": {
            part: _part(planned.index.select(numbers), run.config.signals.rate_hz)
            for part, numbers in planned.split.items()
        },
        "batches": asdict(planned.batches.check(steps)),
        "strategy": batch.strategy,
        "effective_prior": {
            "odds_by_batches": effective.sampling_odds,
            "odds_by_loss": effective.weights.odds,
            "odds": effective.product,
            "time_step": effective.probability,
            "logit_offset": effective.logit_offset,
            "initial_bias": effective.initial_bias,
        },
        "coverage": planned.batches.coverage(steps),
        "feasibility": feasibility.assess(planned.batches),
        "cost": asdict(cost) if cost else None,
        "statistics": {
            part: planned.index.select(numbers).statistics() for part, numbers in planned.split.items() if numbers
        },
        "quarantined": [asdict(entry) for entry in planned.quarantined],
        "index_hash": planned.index.hash,
        "plan_hash": planned.hash,
        "batches_hash": planned.batches.hash,
    }


def _part(part: WindowIndex, rate_hz: int) -> dict[str, object]:
    return {
        "patients": len({r.patient for r in part.recordings}),
        "recordings": len(part.recordings),
        "hours": sum(r.samples for r in part.recordings) / rate_hz / 3600,
        "seizures": part.seizures,
        "windows": part.windows,
        "seizure_windows": len(part.seizure_windows),
    }


def _require_seizures(index: WindowIndex, corpus: Corpus) -> None:
    if len(index.seizure_windows) == 0:
        raise InputError(
            "The corpus holds no seizure",
            where=corpus.root,
            got=f"0 of {index.windows} windows in {len(index.recordings)} recordings",
            expected="at least one seizure",
            remedy="run `ictal audit` on it: in a seizure corpus this means that the annotations were not read",
            code="no-seizures",
        )
