"""The command line: words in, one recipe called, an exit code out.

Exit codes: 0 fine, 1 finished with findings, 2 unusable input or configuration, 3 stopped by a guard, 130 and 143
interrupted (the same command goes on), 70 a fault of the program itself, with its traceback. Rooms are imported by the
commands that need them, so that `--help` is quick.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from cyclopts import (
    App,
    CycloptsError,
    Group,
    MissingArgumentError,
    Parameter,
    UnknownOptionError,
    UnusedCliTokensError,
)

from ictal.errors import InputError, command

if TYPE_CHECKING:
    from ictal.recipes.config import MachineConfig

FINDINGS, UNUSABLE, GUARD, OWN_FAULT, SIGNAL_BASE = 1, 2, 3, 70, 128

_Function = TypeVar("_Function", bound=Callable[..., int])

FIRST, CORPUS, RUN, USE, SCORES, CARE = map(
    Group.create_ordered,
    ("To begin with", "A corpus", "A run, step by step", "A detector in use", "Scores of any tools", "Looking after"),
)
_TABLES = ("--label-mapping.", "--same-patient.")
"""Options that look like settings: each takes a word after the point."""


_ORDER = count()


def _default(value: object) -> object:
    """A default as help shows it; what is off, empty or nothing says so by being optional."""
    return value if value not in (None, False, "", ()) else None


app = App(
    name="ictal",
    help="Train and prove EEG seizure detectors on corpora where seizures are rare.",
    help_epilogue="`ictal demo` does everything once; `ictal COMMAND --help` explains a command and shows examples.\n\n"
    "Exit codes: 0 fine, 1 finished with findings, 2 unusable input or settings, 3 stopped by a guard, "
    "130 and 143 interrupted, 70 a fault of the program itself.",
    default_parameter=Parameter(negative="", show_default=_default),
    group_commands=FIRST,
    suppress_keyboard_interrupt=False,
)


def _command(group: Group, usage: str, *examples: str, of: App = app) -> Callable[[_Function], _Function]:
    """A command, with what `--help` says of it besides its docstring; a group's commands keep the order of this file.

    Args:
        group: Where `ictal --help` lists it.
        usage: The words that it takes, after `ictal`.
        examples: Command lines, without `ictal`.
        of: The program, or the command that it is part of.
    """
    shown = "\n".join(f"ictal {example}" for example in examples)

    def register(function: _Function) -> _Function:
        of.command(
            function,
            group=group,
            sort_key=next(_ORDER),
            usage=f"Usage: ictal {usage}",
            help_epilogue=f"Examples:\n```\n{shown}\n```",
        )
        return function

    return register


def _family(name: str, what: str) -> App:
    """A command that is a word before others."""
    family = App(name=name, help=what, help_epilogue="", group=CARE, group_commands=CARE, sort_key=next(_ORDER))
    app.command(family)
    return family


Overrides = Annotated[str, Parameter(name="SETTINGS")]
ConfigFile = Annotated[Path | None, Parameter(name="--config")]
AsJson = Annotated[bool, Parameter(name="--json")]


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code."""
    words = _settings_last(list(sys.argv[1:] if argv is None else argv))
    try:
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        print(f"ictal: {_misunderstood(error)}", file=sys.stderr)
        code = UNUSABLE
    except InputError as error:
        print(f"ictal: {error}", file=sys.stderr)
        code = UNUSABLE
    except BrokenPipeError:
        # Whoever was reading, such as `head`, has read enough; what Python still holds must not be written at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = SIGNAL_BASE + 13
    except OSError as error:
        print(f"ictal: a file or folder cannot be used: {error}", file=sys.stderr)
        code = UNUSABLE
    except KeyboardInterrupt:
        print(f"ictal: interrupted; {_after_interruption(words)}", file=sys.stderr)
        code = SIGNAL_BASE + 2
    except Exception:  # noqa: BLE001 - the outermost frame: any other fault is the program's own, shown whole
        traceback.print_exc()
        code = OWN_FAULT
    sys.exit(code or 0)


def _settings_last(words: list[str]) -> list[str]:
    """The words with all `--section.key value` behind the others, so that they may stand anywhere.

    A `--` stands between them: what looks like an option before it must be one.
    """
    first, settings = [], []
    while words:
        word = words.pop(0)
        if word.startswith("--") and "." in word.partition("=")[0] and not word.replace("_", "-").startswith(_TABLES):
            settings.append(word)
            if "=" not in word and words:
                settings.append(words.pop(0))
        else:
            first.append(word)
    return [*first, "--", *settings] if settings else first


def _misunderstood(error: CycloptsError) -> InputError:
    """What is wrong with a command line, in the form of every other error."""
    commands = tuple(error.command_chain or ())
    chosen = reduce(lambda of, name: of[name], commands, app)
    typed = " ".join(("ictal", *commands))
    return InputError(
        "The command line is not understood",
        where=typed,
        got=_complaint(error),
        expected=(chosen.usage or f"{typed} COMMAND").removeprefix("Usage: "),
        remedy=f"see `{typed} --help`",
        code="command-line",
    )


def _complaint(error: CycloptsError) -> str:
    match error:
        case UnknownOptionError() if setting := _setting_like(error.token.keyword or error.token.value):
            return f"an option that there is not; perhaps the setting {setting} is meant"
        case UnusedCliTokensError():
            return f"more words than expected: {' '.join(error.unused_tokens or ())}"
        case MissingArgumentError() if error.argument is not None:
            return f"nothing for {error.argument.name}"
        case _:
            return str(error)


def _setting_like(option: str) -> str | None:
    """The setting that somebody means who leaves its section out."""
    from ictal.recipes.config import known_keys

    name = option.removeprefix("--").replace("-", "_")
    return next((f"--{key}" for key in known_keys() if key.partition(".")[2] == name), None)


def _after_interruption(words: Sequence[str]) -> str:
    """What to expect of the same command."""
    resumed = words[0] in {"convert", "demo", "detect", "prepare", "train"}
    return "the same command goes on from here" if resumed else "the same command begins anew"


@_command(CORPUS, "synth OUT [OPTIONS]", "synth /data/synthetic --patients 24 --hours 6")
def synth(
    out: Path,
    /,
    *,
    patients: int = 24,
    hours: float = 6.0,
    seed: int = 0,
    seizure_share: float = 0.01,
    workers: int = 2,
) -> int:
    """Write a synthetic corpus in TUSZ's layout, with the truth beside it.

    Args:
        out: Folder to make.
        patients: Number of patients.
        hours: Hours recorded in all.
        seed: Everything random follows from it.
        seizure_share: Share of the recorded time that is ictal, 0 to 1.
        workers: Processes that write recordings.
    """
    from ictal.recipes.console import Console
    from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus

    config = SynthConfig(patients=patients, hours=hours, seed=seed, seizure_share=seizure_share)
    console = Console()
    with console.step("synth", str(out)) as progress:
        write_corpus(out, config, workers=workers, progress=progress)
    console.next("audit", out)
    return 0


@_command(
    CORPUS,
    "audit FOLDER [OPTIONS] [--section.key VALUE]...",
    "audit /data/tusz",
    "audit /data/tusz --deep --html audit.html",
    "audit /data/eeg --label-mapping.nesz bckg",
)
def audit(
    folder: Path,
    /,
    *settings: Overrides,
    corpus: str = "auto",
    label_mapping: dict[str, str] | None = None,
    prior: float | None = None,
    deep: bool = False,
    config: ConfigFile = None,
    html: Path | None = None,
    tables: Path | None = None,
    json: AsJson = False,
) -> int:
    """Say what is in a corpus and everything that is wrong with it.

    Args:
        folder: The corpus.
        settings: Settings of the windows, the labels and the policy about missing electrodes, as --section.key value.
        corpus: Its layout: tusz, bids, chbmit, siena, seizeit1, helsinki, folder, or auto to find out.
        label_mapping: How to read a label outside the vocabulary, e.g. --label-mapping.nesz bckg.
        prior: Published share (0 to 1) of 60 s windows, every 10 s, that hold a seizure; by default that of the corpus.
        deep: Read the signals too: checksums, flat and saturated channels, values out of range.
        config: TOML file with settings.
        html: Also write the audit as a page that opens anywhere.
        tables: Also write recordings.parquet and events.parquet into this folder.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import audit as recipe
    from ictal.recipes.console import Console, show_audit

    console = Console(as_json=json)
    chosen = recipe.settings(config, settings, layout=corpus, mapping=label_mapping or {})
    with console.step("audit", str(folder)) as progress:
        found, document = recipe.audit_folder(folder, chosen, prior=prior, deep=deep, progress=progress)
    if html is not None:
        recipe.write_page(html, document)
        console.err.print(f"Page: {html}", markup=False)
    if tables is not None:
        recipe.write_tables(tables, found)
        console.err.print(f"Tables: {tables}", markup=False)
    console.result(document, show_audit)
    if not any(finding["severity"] == "error" for finding in document["findings"]):
        console.next("plan", "runs/a", "--corpus.path", folder, *recipe.needed_to_plan(corpus, document))
    return found.exit_code


@_command(CORPUS, "convert FOLDER OUT [OPTIONS] [--section.key VALUE]...", "convert /data/tusz /data/tusz_bids")
def convert(
    folder: Path,
    out: Path,
    /,
    *settings: Overrides,
    to: Literal["bids"] = "bids",
    config: ConfigFile = None,
    json: AsJson = False,
) -> int:
    """Write a corpus of any layout as a BIDS dataset with HED-SCORE events; goes on where it was interrupted.

    Args:
        folder: The corpus.
        out: Folder of the dataset.
        settings: Settings of the corpus, as --corpus.key value.
        to: What to write.
        config: TOML file with settings.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import convert as recipe
    from ictal.recipes.console import Console, show_converted

    assert to == "bids"
    console = Console(as_json=json)
    with console.step("convert", str(out)) as progress:
        converted = recipe.convert(folder, out, config, settings, progress)
    console.result(converted.document(), show_converted)
    return FINDINGS if converted.quarantined else 0


@_command(
    RUN,
    "plan RUN [OPTIONS] [--section.key VALUE]...",
    "plan runs/a --config examples/tusz.toml --corpus.path /data/tusz",
    "plan runs/a --batch.size 64 --batch.seizure_windows 32",
)
def plan(
    run: Path,
    /,
    *settings: Overrides,
    config: ConfigFile = None,
    windows_per_s: float | None = None,
    price_per_hour: float | None = None,
    json: AsJson = False,
) -> int:
    """Decide windows, split and batches, and count them, before any signal is read.

    Args:
        run: The run's folder.
        settings: Any setting as --section.key value, e.g. --train.steps 500; `ictal config` lists them all.
        config: TOML file with settings; by default those that RUN already has.
        windows_per_s: Windows that training takes in a second, as `ictal train RUN --check` measures, to say how long
            the run will take.
        price_per_hour: Price of an hour of the machine, in any currency, to say what the run will cost.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import plan as recipe
    from ictal.recipes.console import Console, show_plan
    from ictal.recipes.run import open_run

    console = Console(as_json=json)
    opened = open_run(run, config, settings)
    with console.step("plan", str(run)) as progress:
        planned = recipe.plan_run(opened, progress)
        document = recipe.document(opened, planned, windows_per_s=windows_per_s, price_per_hour=price_per_hour)
        recipe.save(opened, planned, document)
    console.result(document, show_plan)
    console.err.print(f"Figure of the chances: {opened.path('plan.png')}", markup=False)
    console.next("prepare", run)
    return FINDINGS if planned.quarantined else 0


@_command(
    RUN,
    "prepare RUN [OPTIONS] [--section.key VALUE]...",
    "prepare runs/a --machine.workers 8",
    "prepare runs/a --shard 3/16",
)
def prepare(
    run: Path,
    /,
    *settings: Overrides,
    shard: str = "1/1",
    no_store: Annotated[bool, Parameter(name="--no-store")] = False,
    json: AsJson = False,
) -> int:
    """Put every planned recording into the signal store; what is there already is not made again.

    Args:
        run: The run's folder.
        settings: Any setting as --section.key value.
        shard: Only the i-th of n shares, as i/n: for job arrays of a cluster. Call it once without, at the end.
        no_store: Build none: the run reads its EDFs whenever it needs them, which is slow; as --machine.store none.
        json: Print one JSON document on stdout, nothing else.
    """
    from dataclasses import asdict

    from ictal.recipes import plan as planning
    from ictal.recipes import prepare as recipe
    from ictal.recipes.config import NO_STORE
    from ictal.recipes.console import Console, show_prepared, show_quarantined
    from ictal.recipes.run import open_planned

    console = Console(as_json=json)
    opened = open_planned(run, (*settings, "--machine.store", NO_STORE) if no_store else settings)
    planned = planning.load(opened)
    share = recipe.shard_of(shard)
    aside = [*map(asdict, planned.quarantined)]
    if opened.config.machine.store == NO_STORE:
        with console.recorded("look", "EDFs, for a run without a store") as progress:
            without = recipe.without_store(opened, planned, progress, shard=share)
        console.result({**asdict(without), "quarantined": aside}, lambda console, _: console.say(without.said(opened)))
    else:
        with console.recorded("prepare", opened.config.machine.store) as progress:
            prepared = recipe.prepare_run(opened, planned, progress, shard=share)
        aside += map(asdict, prepared.quarantined)
        found = {"copies": recipe.copies_of(opened), "missing": opened.config.signals.missing, "quarantined": aside}
        console.result({**recipe.document(prepared), **found}, show_prepared)
    show_quarantined(console, aside)
    console.next(*("train", run) if share == (1, 1) else ("prepare", run))
    return FINDINGS if aside else 0


store = _family("store", "Look after a signal store; nothing of it is ever deleted but by `store gc`.")


@_command(CARE, "store verify ADDRESS [OPTIONS]", "store verify store", of=store)
def verify(address: str, /, *, json: AsJson = False) -> int:
    """Read every recording of a store and compare it with its checksum.

    Args:
        address: The store, as machine.store names it: a folder, or s3://bucket/prefix.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import store as recipe
    from ictal.recipes.console import Console, show_verified

    console = Console(as_json=json)
    with console.step("verify", address) as progress:
        document = recipe.verify(address, progress)
    console.result(document, show_verified)
    return FINDINGS if document["damaged"] else 0


@_command(CARE, "store stats ADDRESS [OPTIONS]", "store stats store", of=store)
def stats(address: str, /, *, json: AsJson = False) -> int:
    """Say what is in a store and what was set aside, and write it as manifest.parquet.

    Args:
        address: The store, as machine.store names it: a folder, or s3://bucket/prefix.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import store as recipe
    from ictal.recipes.console import Console, show_store

    Console(as_json=json).result(recipe.stats(address), show_store)
    return 0


@_command(
    CARE,
    "store gc ADDRESS [OPTIONS]",
    "store gc store --keep runs/a --keep runs/b",
    "store gc store --keep runs/a --no-dry-run",
    of=store,
)
def gc(
    address: str,
    /,
    *,
    keep: tuple[Path, ...] = (),
    damaged: bool = False,
    dry_run: Annotated[bool, Parameter(negative="--no-dry-run")] = True,
    json: AsJson = False,
) -> int:
    """List the files that nothing needs; with --no-dry-run, delete them.

    Args:
        address: The store, as machine.store names it: a folder, or s3://bucket/prefix.
        keep: A run whose recordings are needed, once for each; without any, every recording is kept that can be read.
        damaged: The files of damaged recordings instead, which `ictal prepare` then makes again; reads the whole store.
        dry_run: Delete nothing.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import store as recipe
    from ictal.recipes.console import Console, show_garbage

    console = Console(as_json=json)
    with console.step("gc", address) as progress:
        found = recipe.collect(address, keep, dry_run=dry_run, damaged=damaged, progress=progress)
    console.result(found, show_garbage)
    return 0


@_command(
    RUN,
    "train RUN [OPTIONS] [--section.key VALUE]...",
    "train runs/a --check --price-per-hour 2.5",
    "train runs/a --train.steps 5000 --machine.device cuda",
)
def train(
    run: Path,
    /,
    *settings: Overrides,
    check: bool = False,
    price_per_hour: float | None = None,
    json: AsJson = False,
) -> int:
    """Train on the plan's batches, watched by guards; an interrupted run goes on where it stopped.

    Args:
        run: The run's folder.
        settings: Any setting as --section.key value, e.g. --train.steps 500; `ictal config` lists them all.
        check: Only see whether the run can work and what it will take: 8 windows by heart, 20 steps.
        price_per_hour: Price of an hour of the machine, in any currency, for --check to say what the run will cost.
        json: Print one JSON document on stdout, nothing else; with --check.
    """
    from dataclasses import asdict

    from ictal.recipes import plan as planning
    from ictal.recipes import train as recipe
    from ictal.recipes.console import Console, show_check, show_quarantined
    from ictal.recipes.run import open_planned
    from ictal.training.guards import GuardStop
    from ictal.training.interruption import Interrupted

    console = Console(as_json=json)
    opened = open_planned(run, settings)
    planned = planning.load(opened)
    try:
        if check:
            from ictal.recipes.check import check_run

            with console.step("check", str(run)):
                checked = check_run(opened, planned, price_per_hour)
            console.result(checked.document(), show_check)
            console.next("train", run)
            return 0
        with console.training(opened.config.train.steps) as progress:
            verdict = recipe.train_run(opened, planned, progress, console.chosen)
    except GuardStop as stop:
        console.stopped(stop, run)
        return GUARD
    except Interrupted as interrupted:
        console.err.print(f"{interrupted}. Go on with: {command('train', run)}", markup=False)
        return SIGNAL_BASE + interrupted.signal_number
    if verdict is None:  # another process of this run speaks for all
        return 0
    evidence = ", ".join(f"{name} {value}" for name, value in verdict.evidence.items())
    console.out.print(f"{verdict.kind}: {verdict.message} ({evidence})", markup=False)
    show_quarantined(console, [asdict(entry) for entry in planned.quarantined])
    console.next("evaluate", run, "--evaluate.part", "dev")
    return FINDINGS if planned.quarantined else 0


bench = _family("bench", "Measure a run on this machine.")


@_command(CARE, "bench loader RUN [OPTIONS] [--section.key VALUE]...", "bench loader runs/a", of=bench)
def loader(run: Path, /, *settings: Overrides, json: AsJson = False) -> int:
    """Say what training waits for: the disk, the loader, the way to the device or the model.

    Reads the run's first batches from disk (their pages are given back to the system first) and from memory, and takes
    some of them through the model; nothing is written to the run.

    Args:
        run: The run's folder.
        settings: Any setting as --section.key value, e.g. --machine.loader_workers 2.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import bench as recipe
    from ictal.recipes import plan as planning
    from ictal.recipes.console import Console, show_loader
    from ictal.recipes.run import open_planned

    console = Console(as_json=json)
    opened = open_planned(run, settings)
    planned = planning.load(opened)
    with console.step("bench", str(run)) as progress:
        measured = recipe.bench_loader(opened, planned, progress)
    console.result(measured.document(), show_loader)
    return 0


@_command(
    RUN,
    "evaluate RUN [OPTIONS] [--section.key VALUE]...",
    "evaluate runs/a --evaluate.part dev",
    "evaluate runs/a --open-eval",
)
def evaluate(run: Path, /, *settings: Overrides, open_eval: bool = False, json: AsJson = False) -> int:
    """Calibrate and choose the threshold on the dev part, then score patients that were never seen.

    Args:
        run: The run's folder.
        settings: Any setting as --section.key value, e.g. --evaluate.part dev; `ictal config` lists them all.
        open_eval: Open the evaluation part, which is locked: every opening is recorded and counted in the results.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes import evaluate as recipe
    from ictal.recipes import plan as planning
    from ictal.recipes.console import Console, show_evaluation
    from ictal.recipes.run import open_planned

    console = Console(as_json=json)
    part = ("--evaluate.part", "eval") if open_eval else ()
    opened = open_planned(run, (*part, *settings))
    if open_eval and opened.config.evaluate.part != "eval":
        raise InputError(
            "Two parts are asked for",
            where="command line",
            got=f"--open-eval and evaluate.part = {opened.config.evaluate.part}",
            expected="one of them",
            remedy="leave one out: --open-eval scores the evaluation part",
            code="config-value",
        )
    planned = planning.load(opened)
    with console.step("evaluate", str(run)) as progress:
        evaluated = recipe.evaluate_run(opened, planned, progress, console.chosen, open_eval=open_eval)
        recipe.save(opened, planned, evaluated)
    console.result(evaluated.document, show_evaluation)
    console.next("report", run)
    return FINDINGS if planned.quarantined or not evaluated.target_reached else 0


@_command(RUN, "report RUN [RUN...] [OPTIONS]", "report runs/a", "report runs/a runs/b --out comparison.html")
def report(run: Path, /, *others: Path, out: Path = Path("comparison.html")) -> int:
    """Make the run's report: one HTML file that opens anywhere; of several runs, one page that compares them.

    Args:
        run: The run's folder.
        others: Folders of runs to compare it with.
        out: Page of the comparison; a run's own report is report.html in its folder.
    """
    from ictal.recipes import plan as planning
    from ictal.recipes import report as recipe
    from ictal.recipes import side_by_side
    from ictal.recipes.console import Console
    from ictal.recipes.run import open_planned

    console = Console()
    with console.step("report", ", ".join(map(str, (run, *others)))):
        opened = [(one, planning.load(one)) for one in (open_planned(folder, ()) for folder in (run, *others))]
        page = side_by_side.write(opened, out) if others else recipe.write(*opened[0])
    console.out.print(str(page), markup=False)
    return 0


@_command(USE, "export RUN OUT [OPTIONS]", "export runs/a mine --licence Apache-2.0", "export runs/a mine --to onnx")
def export(
    source: Annotated[str, Parameter(name="RUN")],
    out: Path,
    /,
    *,
    to: Literal["torch-export", "onnx"] | None = None,
    licence: str = "",
    limits: str = "",
    attribution: str = "",
    json: AsJson = False,
) -> int:
    """Write a run's detector as a model folder: weights, settings, where it comes from, and a model card.

    Args:
        source: Folder of a run that was evaluated, or of a model.
        out: Folder to make.
        to: Also write the network as a graph that runs without ictal, checked against the network: `torch-export`
            (model.pt2) or `onnx` (model.onnx; needs ictal[onnx]).
        licence: Licence of the weights, as an SPDX name such as Apache-2.0.
        limits: A sentence that is shown wherever the model is used.
        attribution: Whose data it was made from, where their licence asks for it; the model card names them.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes.console import Console, show_exported
    from ictal.recipes.detector import folder_of
    from ictal.recipes.export import export as recipe

    console = Console(as_json=json)
    with console.step("export", source):
        provenance = recipe(folder_of(source), out, form=to, licence=licence, limits=limits, attribution=attribution)
    console.result({"out": str(out), **provenance}, show_exported)
    return 0


@_command(
    USE,
    "detect IN... OUT [OPTIONS]",
    "detect some.edf some_events.tsv --run runs/a",
    "detect /data/eeg found --model mine --format csv_bi",
    "detect --stream lsl --model mine",
)
def detect(
    *paths: Path,
    model: Annotated[str, Parameter(name=("--model", "--run"))] = "tiny",
    form: Annotated[Literal["tsv", "csv_bi", "edf", "json"], Parameter(name="--format")] = "tsv",
    stream: str | None = None,
    unit: str = "",
    device: str = "cpu",
    threads: int = 1,
    json: AsJson = False,
) -> int:
    """Find the seizures in an EDF, or in many; goes on where it was interrupted.

    With --stream, find them while the signal arrives, and print each as it begins and ends, as a line of JSON.

    Args:
        paths: The EDF and the file to write, in the format that its name asks for. Or a folder of EDFs, several EDFs,
            or a pattern in quotes ("data/**/*.edf"), and last the folder to write to. With --stream, the file to write
            as well, if any.
        model: Folder of an evaluated run or of an exported model, or `tiny`, which comes with the program and has
            learnt from little but synthetic EEG.
        form: Format in a folder: HED-SCORE TSV, TUSZ's csv_bi, EDF+ annotations, or JSON.
        stream: lsl, lsl:NAME, or an EDF that a recorder is still writing; Ctrl-C ends it.
        unit: Unit of an LSL stream that states none: uV, mV or V.
        device: torch device to compute on, whatever the detector was trained on.
        threads: Threads to compute with.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes.config import MachineConfig
    from ictal.recipes.console import Console, show_detected, show_limits
    from ictal.recipes.detect import detect as detect_in
    from ictal.recipes.detector import folder_of

    console, machine = Console(as_json=json), MachineConfig(device=device, threads=threads)
    if stream is not None:
        return _detect_stream(stream, unit, paths, model, machine)
    if len(paths) < 2:
        raise InputError(
            "There is nothing to detect seizures in, or nowhere to write them",
            where="command line",
            got=f"{paths[0]} alone" if paths else "neither",
            expected="what to read and, last, what to write; or --stream",
            remedy="see `ictal detect --help`",
            code="command-line",
        )
    *sources, target = paths
    with console.step("detect", " ".join(map(str, sources[:3])) + (" ..." if sources[3:] else "")) as progress:
        found = detect_in(sources, target, folder_of(model), machine, form, progress, console.chosen)
    show_limits(console, model, found.limits)
    console.result({**found.document(), "target": str(target)}, show_detected)
    return FINDINGS if found.doubt is not None or found.quarantined else 0


def _detect_stream(name: str, unit: str, paths: Sequence[Path], model: str, machine: MachineConfig) -> int:
    from ictal.recipes.console import Console, show_limits
    from ictal.recipes.detect import open_detector
    from ictal.recipes.detector import folder_of
    from ictal.recipes.stream import Session, as_line, open_source
    from ictal.training.interruption import stop_requests

    if len(paths) > 1:
        raise InputError(
            "A stream is written to one file",
            where="command line",
            got=" ".join(map(str, paths)),
            expected="one file, or none",
            remedy="see `ictal detect --help`",
            code="command-line",
        )
    target = paths[0] if paths else None
    console = Console()
    detector = open_detector(folder_of(model), machine, console.chosen)
    show_limits(console, model, detector.limits)
    with stop_requests() as request:
        Session(detector, open_source(name, unit), as_line, target).run(lambda: request.signal_number is not None)
    return FINDINGS if detector.unreached is not None else 0


@_command(USE, "play TARGET [OPTIONS]", "play lsl --speed 2", "play growing.edf --recording some.edf")
def play(
    target: str,
    /,
    *,
    recording: Path | None = None,
    speed: float = 1.0,
    lose: tuple[float, float] | None = None,
    seed: int = 0,
) -> int:
    """Send a recording as if it were being recorded, to try `ictal detect --stream` on; Ctrl-C ends it.

    Args:
        target: lsl, lsl:NAME, or an EDF to write.
        recording: EDF to send; by default a synthetic one, of some minutes with a seizure, is made.
        speed: How many times as fast as it was recorded.
        lose: Over LSL, leave out what lies between these two times, in seconds from the start.
        seed: Of the synthetic recording.
    """
    from ictal.recipes.console import Console
    from ictal.recipes.play import play as recipe
    from ictal.training.interruption import stop_requests

    console = Console()
    with stop_requests() as request:
        played = recipe(
            target, recording, speed=speed, lose=lose, seed=seed, stopped=lambda: request.signal_number is not None
        )
    lost = f", {played.lost_s:.1f} s of it left out" if played.lost_s else ""
    console.err.print(f"Sent {played.duration_s:.1f} s of EEG to {target}{lost}", markup=False)
    return 0


@_command(USE, "review FOLDER [OPTIONS]", "review runs/a", "review /data/eeg --detections found")
def review(
    folder: Path,
    /,
    *,
    marks: Path | None = None,
    detections: Path | None = None,
    author: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8642,
    corpus: str = "auto",
    label_mapping: dict[str, str] | None = None,
    consensus: str = "majority",
) -> int:
    """Look at EEG with its annotations and detections in a browser, and mark what is true; Ctrl-C ends it.

    Args:
        folder: A run that was evaluated, or a folder of EDFs.
        marks: Folder for marks and corrected annotations; by default `review` in FOLDER.
        detections: Of a folder of EDFs: the folder that `ictal detect` wrote for it.
        author: Who marks; the page can say otherwise. By default the user's name.
        host: Address to serve at; any but the loopback needs the token that is printed with the link.
        port: 0 takes any that is free.
        corpus: Layout of a folder of EDFs, as in `ictal audit`.
        label_mapping: How to read a label outside the vocabulary, e.g. --label-mapping.nesz bckg.
        consensus: What counts where several experts read a recording: majority, unanimous, any, or one's name.
    """
    from ictal.recipes import review as recipe
    from ictal.recipes.console import Console, counted

    console = Console()
    with console.step("review", str(folder)) as progress:
        reading = recipe.Reading(layout=corpus, mapping=label_mapping or {}, consensus=consensus, detections=detections)
        opened = recipe.open_any(folder, reading, marks=marks, progress=progress)
    held = counted(len(opened.recordings), "recording")
    console.err.print(
        f"{held}; marks are kept in {opened.marks}. Open the link in a browser; Ctrl-C ends it", markup=False
    )
    for entry in opened.aside:
        console.err.print(f"set aside: {entry.id}: {entry.reason}", markup=False)
    recipe.serve(
        opened,
        author=author or recipe.user(),
        host=host,
        port=port,
        ready=lambda url: console.out.print(url, markup=False),
    )
    return 0


@_command(SCORES, "score REFERENCE HYPOTHESIS [OPTIONS]", "score /data/tusz found", "score /data/tusz found --json")
def score(
    reference: Path,
    hypothesis: Path,
    /,
    *,
    missing_as_silence: bool = False,
    no_seizures_expected: bool = False,
    label_mapping: dict[str, str] | None = None,
    consensus: str = "majority",
    same_patient: dict[str, str] | None = None,
    json: AsJson = False,
) -> int:
    """Score detections against annotations, by any tools: two folders with the same names, or two files.

    Args:
        reference: Annotations that are taken as true.
        hypothesis: Detections.
        missing_as_silence: Count a recording without detections file as one in which nothing was found, and list it.
        no_seizures_expected: The reference is meant to hold no seizure; else that is an error.
        label_mapping: How to read a label outside the vocabulary, e.g. --label-mapping.nesz bckg.
        consensus: What counts where several experts read the reference: majority, unanimous, any, or one's name.
        same_patient: Another name of a patient and the name to use, e.g. --same-patient.sub-21 sub-01.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes.console import Console, show_scores
    from ictal.recipes.score import score_folders

    document = score_folders(
        reference,
        hypothesis,
        missing_as_silence=missing_as_silence,
        no_seizures_expected=no_seizures_expected,
        mapping=label_mapping or {},
        consensus=consensus,
        same_patient=same_patient or {},
    )
    Console(as_json=json).result(document, show_scores)
    return FINDINGS if document["missing_as_silence"] else 0


@_command(SCORES, "agreement FOLDER [FOLDER...] [OPTIONS]", "agreement expert_a expert_b expert_c")
def agreement(
    folder: Path,
    /,
    *others: Path,
    label_mapping: dict[str, str] | None = None,
    same_patient: dict[str, str] | None = None,
    json: AsJson = False,
) -> int:
    """Say how far experts agree who annotated the same recordings: each with each, and with what most of them say.

    Args:
        folder: What one expert says; or all of them, in one list (Helsinki).
        others: A folder for each other expert, with the same names.
        label_mapping: How to read a label outside the vocabulary, e.g. --label-mapping.nesz bckg.
        same_patient: Another name of a patient and the name to use, e.g. --same-patient.sub-21 sub-01.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes.agreement import agreement as recipe
    from ictal.recipes.console import Console, show_agreement

    document = recipe((folder, *others), mapping=label_mapping or {}, same_patient=same_patient or {})
    Console(as_json=json).result(document, show_agreement)
    return 0


@_command(SCORES, "compare FIRST SECOND [OPTIONS]", "compare runs/a runs/b", "compare ours.json theirs.json")
def compare(first: Path, second: Path, /, *, json: AsJson = False) -> int:
    """Compare two systems on the same recordings: differences, their intervals over patients, and their chance.

    Args:
        first: A run that was evaluated, or what `ictal score --json` printed, as a file.
        second: Another.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes.compare import compare_results
    from ictal.recipes.console import Console, show_comparison

    Console(as_json=json).result(compare_results(first, second), show_comparison)
    return 0


@_command(FIRST, "demo [OPTIONS] [--section.key VALUE]...", "demo", "demo --out /tmp/demo --patients 30 --hours 10")
def demo(
    *settings: Overrides,
    out: Path = Path("demo"),
    patients: int = 24,
    hours: float = 6.0,
    seed: int = 0,
    seizure_share: float = 0.01,
    json: AsJson = False,
) -> int:
    """Do everything once on a synthetic corpus: audit, plan, prepare, train, evaluate, report.

    Args:
        settings: Any setting as --section.key value.
        out: Folder for all of it; an interrupted demo goes on there.
        patients: Patients of the corpus.
        hours: Hours recorded in all.
        seed: Seed of the corpus.
        seizure_share: Share of the recorded time that is ictal, 0 to 1.
        json: Print one JSON document on stdout, nothing else.
    """
    from ictal.recipes.console import Console, show_demo
    from ictal.recipes.demo import demo as recipe
    from ictal.recordings.synthetic.corpus import SynthConfig
    from ictal.training.guards import GuardStop
    from ictal.training.interruption import Interrupted

    console = Console(as_json=json)
    synth = SynthConfig(patients=patients, hours=hours, seed=seed, seizure_share=seizure_share)
    try:
        document = recipe(out, synth, list(settings), console)
    except GuardStop as stop:
        console.stopped(stop, out / "run")
        return GUARD
    except Interrupted as interrupted:
        console.err.print(f"{interrupted}. Go on with the same command.", markup=False)
        return SIGNAL_BASE + interrupted.signal_number
    console.result(document, show_demo)
    console.next("review", out / "run")
    return 0 if document["operating_point"]["target_reached"] else FINDINGS


@_command(
    CARE,
    "config [--config FILE] [--section.key VALUE]...",
    "config",
    "config --config examples/tusz.toml --train.steps 5000",
)
def config(*settings: Overrides, config: ConfigFile = None) -> int:
    """Print every setting with its value and meaning, as a TOML file to start from.

    Args:
        settings: Values to print instead of the defaults, as --section.key value.
        config: TOML file with settings.
    """
    from ictal.recipes.config import load
    from ictal.recipes.reference import annotated_toml

    print(annotated_toml(load(config, settings)), end="")
    return 0
