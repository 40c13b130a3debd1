"""What people see in the terminal: steps with progress, tables of results. All of it goes to stderr but the results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console as Terminal
from rich.console import JustifyMethod
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ictal.errors import command
from ictal.recipes.live import LINE_EVERY_S, Show, TrainingView, span
from ictal.report.numbers import FALSE_ALARM_TARGETS
from ictal.scoring.bootstrap import LEVEL

if TYPE_CHECKING:  # torch, which takes seconds
    from ictal.training.guards import GuardStop

Json = Mapping[str, Any]
_RATIOS = ("sensitivity", "precision", "f1", "false_alarms_per_24h")
_RATIO_NAMES = ("sensitivity", "precision", "F1", "FA/24 h")
_FIRST_COLUMN_WIDTH = 24
"""A table's first column that is no wider, in characters, is not squeezed: names stay whole."""


class _Terminal(Terminal):
    """A terminal whose reader may leave, as `head` does: that is for the command to end with, not for a library."""

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True
        raise BrokenPipeError


class Console:
    """The terminal of one command.

    Args:
        as_json: Print one JSON document on stdout and nothing else there.
        clock: Seconds from any beginning.
    """

    def __init__(self, *, as_json: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.as_json, self.clock = as_json, clock
        self.out = _Terminal(highlight=False, emoji=False, soft_wrap=True)
        self.err: Terminal = _Terminal(stderr=True, highlight=False, emoji=False, soft_wrap=True)

    @contextmanager
    def step(self, name: str, what: str) -> Iterator[Callable[[int, int], None]]:
        """A step with a bar; yields what is called with (done, total)."""
        started = self.clock()
        with self._shown(name, lambda done, total: f"{done:,}/{total:,}") as show:
            yield show
        self.line(name, what, f"{self.clock() - started:.1f} s")

    @contextmanager
    def recorded(self, name: str, what: str) -> Iterator[Callable[[int, int], None]]:
        """A step that goes through recordings; yields what is called with (done, total) in seconds of EEG."""
        started, said = self.clock(), ""

        def say(done_s: int, total_s: int) -> str:
            nonlocal said
            hours_per_s = done_s / 3600 / max(self.clock() - started, 1e-3)
            said = f"{done_s / 3600:.2f} of {total_s / 3600:.2f} h of EEG, {hours_per_s:.3g} h/s"
            return said

        with self._shown(name, say) as show:
            yield show
        self.line(name, what, f"{self.clock() - started:.1f} s; {said}")

    @contextmanager
    def _shown(self, name: str, say: Callable[[int, int], str]) -> Iterator[Callable[[int, int], None]]:
        """A bar with what `say` makes of (done, total); a line now and then where nothing can be redrawn."""
        started = said_at = self.clock()
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
        drawn = self.err.is_terminal
        bar = Progress(
            *columns, TimeRemainingColumn(), console=self.err, transient=True, get_time=self.clock, disable=not drawn
        )
        with bar as progress:
            task = progress.add_task(f"{name:9}", total=None, said="")

            def show(done: int, total: int) -> None:
                nonlocal said_at
                now, said = self.clock(), say(done, total)
                progress.update(task, completed=done, total=total, said=said)
                if not drawn and done and now - said_at >= LINE_EVERY_S:
                    said_at = now
                    self.err.print(
                        f"{name:9} {said}  {span((now - started) * (total - done) / done)} left", markup=False
                    )

            yield show

    def line(self, name: str, what: str, more: str) -> None:
        """A step that is done, or something that was chosen."""
        self.err.print(Text.assemble((f"{name:9}", "bold"), f" {what} ", (f"({more})", "dim")))

    def chosen(self, backend: str, asked: str) -> None:
        """What will compute the model's Mamba layers, and what was asked for."""
        self.line("backend", backend, f"machine.backend = {asked}")

    def stopped(self, stop: GuardStop, run: Path) -> None:
        """What a guard found, and where to read on."""
        self.err.print(str(stop), markup=False)
        self.err.print(f"What now: docs/stopped/{stop.verdict.kind}.md in the documentation", markup=False)
        self.next("report", run)

    def say(self, text: str) -> None:
        """A result in words."""
        self.out.print(text, markup=False)

    def next(self, *words: object) -> None:
        """The command that usually follows."""
        if not self.as_json:
            self.err.print(Text.assemble((f"{'next':9}", "bold"), f" {command(*words)}"))

    @contextmanager
    def training(self, steps: int) -> Iterator[Callable[[int, Json], None]]:
        """The training as it goes; yields what is called with (steps done, the step's record)."""
        view = TrainingView(steps)
        with Show(self.err, view) as show:
            yield show.take
        if view.record:
            said = f"{steps} steps, last skill {view.record['skill']:.2f}"
            self.line("train", said, f"{view.clock() - view.started:.1f} s")

    def result(self, document: Json, show: Callable[[Console, Json], None]) -> None:
        """Print a result as JSON or as `show` prints it."""
        if self.as_json:
            print(json.dumps(document, indent=1, allow_nan=False))
        else:
            show(self, document)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A small table on stdout; beyond two columns, all but the first hold numbers.

        Cells may hold rich's markup: what was not written here, such as labels and names of folders, has to be escaped.
        """
        table = Table(title=title, title_justify="left", title_style="bold", show_header=any(columns))
        first = max((cell_len(Text.from_markup(line).plain) for row in rows for line in row[0].split("\n")), default=0)
        for number, column in enumerate(columns):
            justify: JustifyMethod = "right" if number and len(columns) > 2 else "left"
            whole = number == 0 and first <= _FIRST_COLUMN_WIDTH
            table.add_column(column, justify=justify, no_wrap=whole, overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.out.print(table)


def counted(number: int, what: str) -> str:
    """So many of them: `1 seizure`, `2 seizures`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def show_audit(console: Console, audit: Json) -> None:
    """What a corpus holds and what is wrong with it."""
    share = "undefined" if audit["share"] is None else f"{audit['share']:.2%}"
    console.table(
        f"Corpus ({audit['corpus']})",
        ["", ""],
        [
            ["recordings", f"{audit['recordings']:,}"],
            ["patients", f"{audit['patients']:,}"],
            ["hours", f"{audit['hours']:.2f}"],
            ["seizures", f"{audit['seizures']:,}"],
            ["patients with seizures", f"{audit['seizure_patients']:,}"],
            ["ictal time", f"{audit['seizure_seconds']:.0f} s, {share}"],
            ["labels", ", ".join(f"{escape(label)} {rows:,}" for label, rows in audit["labels"].items())],
            ["rates", ", ".join(f"{rate} Hz {count:,}" for rate, count in audit["rates_hz"].items())],
            ["montages", ", ".join(f"{name} {count:,}" for name, count in audit["montages"].items() if count)],
            *([key, f"{count:,}"] for key, count in audit["repaired"].items() if count),
        ],
    )
    _show_tallies(console, audit["tallies"])
    _show_strata(console, audit["windows"])
    for finding in audit["findings"]:
        console.out.print(
            f"{finding['severity']}: {finding['code']}: {finding['path']}\n  {finding['message']}", markup=False
        )
    console.out.print(counted(len(audit["findings"]), "finding"))


def _show_tallies(console: Console, tallies: Json) -> None:
    """By split and by type; patients are for the page."""
    columns = ("recordings", "patients", "hours", "seizures", "seizure_seconds")
    for name in ("split", "type"):
        rows = [
            [escape(key), *(f"{t[column]:,.2f}" if column == "hours" else f"{t[column]:,.0f}" for column in columns)]
            for key, t in tallies[name].items()
        ]
        if rows:
            console.table(f"By {name}", [name, *(column.replace("_", " ") for column in columns)], rows)


def _show_strata(console: Console, windows: Json) -> None:
    """A row for each stratum, a column for each part."""
    parts = windows["strata"]
    if parts:
        totals = {part: max(sum(strata.values()), 1) for part, strata in parts.items()}
        rows = [
            [name.replace("_", " "), *(_of(strata[name], totals[part]) for part, strata in parts.items())]
            for name in parts["all"]
        ]
        console.table(f"Windows of {windows['length_s']:g} s every {windows['stride_s']:g} s", ["", *parts], rows)


def _of(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.1%})"


def show_plan(console: Console, plan: Json) -> None:
    """Windows, parts and batches."""
    rows = [
        [part, *(f"{row[key]:,}" for key in ("patients", "recordings")), f"{row['hours']:.2f}"]
        + [f"{row[key]:,}" for key in ("seizures", "windows", "seizure_windows")]
        for part, row in plan["splits"].items()
    ]
    columns = ["part", "patients", "recordings", "hours", "seizures", "windows", "seizure windows"]
    console.table("Split", columns, rows)
    natural, drawn, batches = plan["prior"]["natural"], plan["prior"]["drawn"], plan["batches"]
    console.table(
        "Training",
        ["", "in the recordings", "in the batches"],
        [
            ["windows with a seizure", f"{natural['window']:.2%}", f"{drawn['window']:.2%}"],
            ["ictal time steps", f"{natural['time_step']:.2%}", f"{drawn['time_step']:.2%}"],
        ],
    )
    effective = plan["effective_prior"]
    factors = f"x {effective['odds_by_batches']:.3g} by the batches, x {effective['odds_by_loss']:.3g} by the loss"
    console.out.print(f"Odds of ictal time: {factors}; the model starts from {effective['time_step']:.2%}.")
    console.out.print(_counted(batches))
    rows = [
        [
            row["strategy"],
            f"{row['drawn_share']:.1%}",
            _chance(row["log10_batch_without"]),
            _chance(row["log10_rank_epoch_without"]),
            f"{row['seizure_windows_per_100_batches']:,.0f}",
        ]
        for row in plan["feasibility"]["strategies"]
    ]
    columns = ["way of drawing", "seizure windows", "batch without one", "epoch without one", "in 100 batches"]
    console.table("Chances on this training part; the report is the incident's", columns, rows)
    seen = ", ".join(f"{share:.0%} of the {name.replace('_', ' ')}" for name, share in plan["coverage"].items())
    console.out.print(f"The run will see {seen}.")
    if plan["cost"]:
        cost = plan["cost"]
        price = "" if cost["price"] is None else f", at a price of {cost['price']:,.2f}"
        console.out.print(f"{cost['steps']:,} steps, {cost['windows']:,} windows: {cost['hours']:,.2f} hours{price}.")
    show_quarantined(console, plan["quarantined"])


def _counted(batches: Json) -> str:
    promise = "as promised" if batches["guaranteed"] else "by chance: this strategy promises no number"
    return (
        f"Every one of {batches['checked']:,} batches of {batches['size']} was counted: "
        f"{batches['seizure_min']} to {batches['seizure_max']} windows with a seizure, {promise}."
    )


def _chance(exponent: float | None) -> str:
    if exponent is None:
        return "impossible"
    if exponent > -2:
        return f"{10**exponent:.0%}"
    return f"1 in {10**-exponent:,.0f}" if exponent > -9 else f"10^{exponent:.0f}"


def show_quarantined(console: Console, entries: Sequence[Json]) -> None:
    """Recordings that were set aside."""
    for entry in entries:
        console.err.print(f"set aside: {entry['id']} ({entry['code']}): {entry['reason']}", markup=False)


def show_prepared(console: Console, document: Json) -> None:
    """What is in the store, and what is odd about it."""
    for first, second in document["copies"]:
        console.err.print(f"the same signal twice in one patient: {second} is {first}", markup=False)
    console.say(f"{counted(document['recordings'], 'recording')} in the store, {document['built']} of them made now")
    if document["interpolated"] or document["masked"]:
        repaired = f"{document['interpolated']} with interpolated electrodes, {document['masked']} with masked channels"
        console.say(f"Of these, {repaired} (signals.missing = {document['missing']})")
    for recording, channels in document["flat"].items():
        console.err.print(f"never changes: {recording}: {', '.join(channels)}", markup=False)


def show_converted(console: Console, document: Json) -> None:
    """What a conversion made."""
    show_quarantined(console, document["quarantined"])
    made, held = document["made"], document["recordings"]
    said = f"{counted(held, 'recording')} with {counted(document['seizures'], 'seizure')}"
    console.out.print(f"{said}, {made} of them written now")


def show_detected(console: Console, document: Json) -> None:
    """What was found, and what could not be looked at."""
    show_quarantined(console, document["quarantined"])
    before = document["recordings"] - len(document["quarantined"]) - document["done"]
    looked = (
        "" if document["recordings"] == 1 else f" in {document['recordings'] - len(document['quarantined'])} recordings"
    )
    again = f" ({before} of them done before)" if before else ""
    console.out.print(f"{counted(document['seizures'], 'seizure')}{looked}{again}: {document['target']}", markup=False)
    if document["doubt"] is not None:
        console.err.print(f"The detector's threshold misses its target: {document['doubt']}", markup=False)


def show_limits(console: Console, model: str, limits: str) -> None:
    """What whoever uses a model must know, on stderr whatever stdout is for."""
    if limits:
        console.err.print(f"Model {model}: {limits}", markup=False)


def show_exported(console: Console, document: Json) -> None:
    """Where the model is."""
    if "graph" in document:
        graph = document["graph"]
        within = ", ".join(f"{name} within {most:.1g}" for name, most in graph["differences"].items())
        console.out.print(f"{document['out']}/{graph['file']}: {within} of the network's", markup=False)
    console.out.print(f"{document['out']}: read its README.md", markup=False)
    console.next("detect", "some.edf", "some_events.tsv", "--model", document["out"])


def show_verified(console: Console, document: Json) -> None:
    """What is damaged in a store."""
    for row in document["damaged"]:
        console.err.print(f"damaged: {row['path']} ({row['code']}): {row['got']}; {row['do']}", markup=False)
    console.out.print(f"{document['recordings']} recordings, {len(document['damaged'])} damaged")


def show_store(console: Console, document: Json) -> None:
    """What is in a store."""
    rows = [
        ["recordings", f"{document['recordings']:,}"],
        ["hours", f"{document['hours']:.2f}"],
        ["size", f"{document['bytes'] / 1e9:.3f} GB"],
        ["settings", f"{document['settings']}"],
        ["samples beyond the scale", f"{document['clipped_samples']:,}"],
        ["set aside", f"{len(document['set_aside'])}"],
    ]
    console.table("Signal store", ["", ""], rows)
    for row in document["set_aside"]:
        console.err.print(f"set aside: {row['path']} ({row['code']}): {row['reason']}", markup=False)


def show_garbage(console: Console, document: Json) -> None:
    """What nothing in a store needs."""
    for row in document["files"]:
        console.out.print(f"{row['path']}: {row['reason']}", markup=False)
    done = "could be freed; --no-dry-run deletes these files" if document["dry_run"] else "freed"
    console.out.print(f"{len(document['files'])} files, {document['bytes'] / 1e6:.1f} MB {done}")


def show_check(console: Console, checked: Json) -> None:
    """Whether a run can work, and what it will take."""
    cost, total = checked["cost"], sum(checked["seconds"].values())
    parts = "  ".join(f"{name.removesuffix('_s')} {part / total:.0%}" for name, part in checked["seconds"].items())
    price = "" if cost["price"] is None else f", at a price of {cost['price']:,.2f}"
    rows = [
        ["eight windows by heart", f"loss {checked['first_loss']:.3f} to {checked['learnt_loss']:.3f}"],
        ["a step", f"{total:.3f} s: {parts}"],
        ["speed", f"{checked['windows_per_s']:,.1f} windows/s"],
        ["memory", f"{checked['memory_mb']:,.0f} MB"],
        ["the whole run", f"{cost['steps']:,} batches, {cost['hours']:,.2f} hours{price}"],
    ]
    console.table("The run can work", ["", ""], rows)


def show_loader(console: Console, measured: Json) -> None:
    """Where a batch's time goes, and what is slowest."""
    names = {
        "disk_s": "read from disk",
        "memory_s": "read from memory",
        "transfer_s": "to the device, to µV",
        "forward_s": "forward",
        "backward_s": "backward, optimiser",
    }
    rows = []
    for key, name in names.items():
        seconds = measured["seconds"][key]
        said = ["files stay in memory here", ""]
        if seconds is not None:
            said = [f"{1e3 * seconds:,.3g} ms", f"{measured['windows'] / seconds:,.0f}"]
        rows.append([name, *said])
    by = f"{measured['workers']} processes" if measured["workers"] else "a thread"
    title = f"A batch of {measured['windows']} windows, read by {by}, on {measured['device']}"
    console.table(title, ["", "a batch", "windows/s"], rows)
    console.out.print(measured["sentence"])


def show_incident(console: Console, incident: Json) -> None:
    """What each strategy of the incident would have drawn."""
    rows = [
        [
            row["strategy"],
            "-" if row["probe_found"] is None else str(row["probe_found"]),
            f"{row['drawn_seizure_share']:.1%}",
            f"{row['batches_without_seizure']:.1%}",
        ]
        for row in incident["rows"]
    ]
    console.table(
        f"The incident on this corpus: {incident['batches']:,} batches drawn",
        ["strategy", "probe found", "seizure windows drawn", "batches without one"],
        rows,
    )


def show_scores(console: Console, document: Json) -> None:
    """Scores by every scorer, pooled and by patient; then seizure by seizure."""
    scores: Json = document["scorers"]
    names = {name: f"{name}\n[dim]{one['scorer']} {one['scorer_version']}[/dim]" for name, one in scores.items()}
    rows = []
    for name, score in scores.items():
        sensitivity, *others = (_bounded(score[key], score["intervals"][key]) for key in _RATIOS)
        found = f"{score['true_positives']:.4g} of {score['reference']:.4g}"
        rows.append([names[name], f"{found}\n{sensitivity}", *others])
    hours = scores["szcore_event"]["hours"]
    title = f"Scores of {hours:.2f} h, {LEVEL:.0%} intervals over patients (szcore_sample and nedc_epoch count seconds)"
    console.table(title, ["scorer", *_RATIO_NAMES], rows)
    _show_averages(console, scores, names)
    for name, score in scores.items():
        for rate, value in score["further"].items():
            said = _bounded(value, score["intervals"][rate], between=", interval ")
            console.out.print(f"{rate.replace('_', ' ')} of {name}: {said}")
    _show_seizures(console, document["seizures"])
    silent = document.get("missing_as_silence", [])
    if silent:
        console.out.print(f"Missing and counted as silence: {', '.join(silent)}", markup=False)


def _show_averages(console: Console, scores: Json, names: Mapping[str, str]) -> None:
    """Means of patients' ratios; of F1 by both rules of what is undefined."""
    rows = []
    for name, score in scores.items():
        current, legacy = (
            {key: _bounded(of[key], of["intervals"][key]) for key in _RATIOS}
            for of in (score["macro"]["current"], score["macro"]["legacy"])
        )
        shown = {**current, "f1": f"{current['f1']}\n{legacy['f1']}"}
        rows.append([names[name], *(shown[key] for key in _RATIOS)])
    title = "Means over patients with a defined ratio; F1 by the NaN rule `current`, below it by `legacy`"
    console.table(title, ["scorer", *_RATIO_NAMES], rows)


def _show_seizures(console: Console, document: Json) -> None:
    """What was found of every type, length and montage; patients are for the page."""
    groups = {"": {"all": document["all"]}, **{name: document[f"by_{name}"] for name in ("type", "length", "montage")}}
    rows = []
    for group, table in groups.items():
        for name, row in table.items():
            rate = row.get("false_alarms_per_24h")
            rows.append(
                [
                    escape(f"{group} {name}".strip()),
                    f"{row['found']} of {row['seizures']}",
                    _bounded(row["sensitivity"], row["intervals"]["sensitivity"]),
                    _bounded(row["median_latency_s"], row["intervals"]["median_latency_s"]),
                    "" if rate is None else _bounded(rate, row["false_alarms_interval"]),
                ]
            )
    columns = ["", "found", "sensitivity", "median latency, s", "FA/24 h"]
    console.table(f"Seizure by seizure ({document['scorer']} {document['scorer_version']})", columns, rows)


def three_digits(value: float) -> str:
    """A rate with three digits, or all those before its point: 0.821, 24.5, 6,560."""
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def _bounded(value: float | None, interval: Json, between: str = "\n") -> str:
    """A rate with its interval, on a line below unless something else is to stand between them."""
    bounds = interval["lower"], interval["upper"]
    shown = ["undefined" if one is None else three_digits(one) for one in (value, *bounds)]
    return shown[0] if None in bounds else f"{shown[0]}{between}[dim]{shown[1]} to {shown[2]}[/dim]"


def show_agreement(console: Console, document: Json) -> None:
    """Who agrees with whom, and each with what most say."""
    rows = [
        [escape(name), f"{said['seizures']:,}", f"{said['patients_with_seizures']:,}", f"{said['ictal_hours']:.2f}"]
        for name, said in document["voices"].items()
    ]
    title = f"{document['recordings']} recordings of {document['patients']} patients, {document['hours']:.2f} h"
    console.table(title, ["", "seizures", "patients with them", "ictal hours"], rows)
    most = document["consensus"].get("name", "")
    against = document["consensus"].get("voices", {})
    pairs = [((one["first"], one["second"]), one) for one in document["pairs"]]
    pairs += [((name, most), one) for name, one in against.items()]
    _show_kappas(console, document, pairs)
    events = [
        ((reference, second if reference == first else first), scores)
        for (first, second), one in pairs
        for reference, scores in (one["events"] if second != most else {most: one["events"]}).items()
    ]
    rows = [
        [*map(escape, names), f"{scores['true_positives']:g} of {scores['reference']:g}"]
        + [_bounded(scores[key], scores["intervals"][key]) for key in _RATIOS]
        for names, scores in events
    ]
    columns = ["reference", "compared", "found", *_RATIO_NAMES]
    console.table(f"Events ({document['event_scorer']})", columns, rows)


def _show_kappas(console: Console, document: Json, pairs: Sequence[tuple[tuple[str, str], Json]]) -> None:
    """A row for each pair, one for all, and one for each pair with its types of seizures told apart."""
    rows = [[escape(f"{a}, {b}"), _kappa(one["kappa"]), _share(one["observed"])] for (a, b), one in pairs]
    rows.append(["all (Fleiss)", _kappa(document["fleiss_kappa"]), ""])
    rows += [
        [escape(f"{a}, {b}, by type"), _kappa(one["by_label"]["kappa"]), ""]
        for (a, b), one in pairs
        if one.get("by_label")
    ]
    made = f"{document['scorer']} {document['scorer_version']}, {document['level']:.0%} intervals over patients"
    console.table(f"Agreement in time ({made})", ["", "kappa", "same label"], rows)


def _kappa(bounded: Json) -> str:
    return _bounded(bounded["value"], bounded)


def _share(share: float | None) -> str:
    return "undefined" if share is None else f"{share:.2%}"


def show_comparison(console: Console, document: Json) -> None:
    """Differences between two systems, scorer by scorer."""
    columns = ["", "first", "second", "difference", f"{document['level']:.0%} interval", "p", "p (Holm)"]
    for scorer, compared in document["scorers"].items():
        rows = []
        for rate, row in zip(_RATIO_NAMES, (compared[key] for key in _RATIOS), strict=True):
            shown = {key: "undefined" if row[key] is None else three_digits(row[key]) for key in row if key != "exact"}
            bounds = f"{shown['lower']} to {shown['upper']}"
            rows.append(
                [rate, shown["first"], shown["second"], shown["difference"], bounds, shown["p"], shown["p_holm"]]
            )
        console.table(f"{scorer} ({document['made_by'][scorer]})", columns, rows)
    console.out.print(
        f"{document['patients']} patients. p: chance of so large a difference if the two were alike, by exchanging "
        "them within patients; p (Holm) holds for all rows together. Choose the row that matters before you look.",
    )


def show_evaluation(console: Console, document: Json) -> None:
    """Scores, ranking, calibration and operating point."""
    show_scores(console, document)
    _show_ranking(console, document["ranking"])
    _show_curve(console, document["curve"])
    point = document["operating_point"]
    console.out.print(
        f"Threshold {point['threshold']:.3g}, chosen on the {point['tuned_on']} part for at most "
        f"{point['target_per_24h']:g} false alarms per 24 h."
    )
    if not point["target_reached"]:
        console.out.print(f"The target was not reached: {point['reason']}", markup=False)
    show_quarantined(console, document["quarantined"])
    if document["part"] == "eval":
        console.out.print(f"Opening {document['eval_openings']} of the evaluation part in this run folder.")
    if not document["independent_of_tuning"]:
        console.out.print("The threshold was chosen on these very recordings: expect less on others.")
    if not document["unseen_patients"]:
        console.out.print("These are the patients that it was trained on: this shows that it can learn, not more.")


def _show_ranking(console: Console, ranking: Json) -> None:
    """Areas and errors over windows, seconds and time steps."""
    measures = {"auroc": "AUROC", "auprc": "AUPRC", "ece": "ECE", "brier": "Brier", "brier_skill": "Brier skill"}
    rows = [
        [
            f"{ranking[kind]['count']:,} {kind}s",
            *(_bounded(ranking[kind][m], ranking[kind]["intervals"][m]) for m in measures),
        ]
        for kind in ("window", "second", "step")
    ]
    title = f"Ranking and calibration ({ranking['scorer']} {ranking['scorer_version']})"
    console.table(title, ["", *measures.values()], rows)


def _show_curve(console: Console, curve: Json) -> None:
    """The best sensitivity at no more than some rates of false alarms, at whatever thresholds."""
    band = curve["band"]
    found: dict[float, str] = {
        rate: _bounded(best, {"lower": lower, "upper": upper}, between=", ")
        for rate, best, lower, upper in zip(
            *(band[side] for side in ("rates_per_24h", "sensitivity", "lower", "upper")), strict=True
        )
    }
    rows = [[f"at most {rate}", found[rate]] for rate in FALSE_ALARM_TARGETS]
    title = f"At the best of all thresholds ({curve['scorer']} {curve['scorer_version']})"
    console.table(title, ["FA/24 h", f"sensitivity, {band['level']:.0%} interval"], rows)


def show_demo(console: Console, document: Json) -> None:
    """What the incident's strategies would have drawn; what was drawn, learnt and scored here."""
    show_incident(console, document["incident"])
    plan, point, score = document["plan"], document["operating_point"], document["scorers"]["szcore_event"]
    batches, natural = plan["batches"], plan["prior"]["natural"]["window"]
    patients = plan["splits"][document["part"]]["patients"]
    rows = [
        ["drawn", f"{batches['seizure_min']} to {batches['seizure_max']} of {batches['size']} windows with a seizure"],
        ["", f"in each of {batches['checked']:,} batches ({natural:.1%} in the recordings)"],
        ["learnt", f"skill {document['verdict']['evidence']['skill']:.2f}: {document['verdict']['kind']}"],
        ["scored", f"{patients} patients never seen, {score['hours']:.2f} h"],
        ["sensitivity", f"{score['true_positives']:g} of {score['reference']:g} seizures"],
        [
            "false alarms",
            f"{score['false_alarms_per_24h']:.1f} per 24 h (at most {point['target_per_24h']:g} asked for)",
        ],
        ["window AUROC", f"{document['window_auroc']:.4f}"],
        ["calibration", f"expected error {document['ece']:.4f}"],
        ["seconds", f"{document['seconds']:.0f}"],
    ]
    console.table("The demo", ["", ""], rows)
    console.out.print(f"Report: {document['report']}", markup=False)
