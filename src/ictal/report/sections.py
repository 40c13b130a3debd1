"""The sections of the page, in reading order: each turns its part of the contents into words, figures and tables."""

from __future__ import annotations

from ictal.report import charts, eeg, figures, strips, tables
from ictal.report.contents import Contents, Document, EegExample, LeakageAudit
from ictal.report.numbers import chance, clock, count, duration, is_undefined, percent
from ictal.report.parts import Figure, Section, Table, link
from ictal.report.readings import who


def sections(contents: Contents) -> tuple[Section, ...]:
    """All sections; one that the run did not reach says so."""
    return (
        _corpus(contents.corpus),
        _leakage(contents.leakage),
        _balance(contents),
        _incident(contents),
        _training(contents),
        _sensitivity(contents),
        _calibration(contents),
        _recordings(contents),
        _examples(contents),
        _seizures(contents.evaluation),
        _scores(contents.evaluation),
        _repeat(contents),
    )


def _present(*parts: Table | Figure | None) -> tuple[Table | Figure, ...]:
    return tuple(part for part in parts if part is not None)


def _corpus(document: Document | None) -> Section:
    name, heading = "corpus", "The corpus"
    if document is None:
        return Section(id=name, heading=heading, absent="This run keeps no audit of its corpus.")
    found = len(document["findings"])
    return Section(
        id=name,
        heading=heading,
        lead=f"{count(document['seizures'])} annotated seizures, {duration(document['seizure_seconds'])} in all, in "
        f"{duration(3600 * document['hours'])} of EEG from {count(document['patients'])} patients. "
        + (
            f"The audit has {found} {'finding' if found == 1 else 'findings'}."
            if found
            else "The audit found no fault."
        ),
        parts=_present(tables.corpus(document), tables.labels(document), tables.findings(document)),
    )


def _leakage(audit: LeakageAudit | None) -> Section:
    name, heading = "leakage", "Leakage"
    if audit is None:
        return Section(id=name, heading=heading, absent="The run stopped before its patients were divided.")
    patients = len(audit.patients_in_two_parts)
    clean = "No patient is in two parts" if patients == 0 else f"{patients} PATIENTS ARE IN TWO PARTS"
    signals = "" if audit.signals is None else ", and no signal serves in two parts under whatever name"
    return Section(
        id=name,
        heading=heading,
        lead=f"{clean}{signals}.",
        clinician="A detector that has met a patient before finds that patient's seizures again and nobody else's. "
        "Patients that are scored here were kept apart from the beginning.",
        engineer="Split by patient; stored signals are compared by checksum over all parts, which finds copies under "
        "other names. The evaluation part is locked, and every look at it is counted.",
        parts=(tables.leakage(audit),),
    )


def _balance(contents: Contents) -> Section:
    plan, name, heading = contents.plan, "balance", "Class balance, at every stage"
    if plan is None:
        return Section(id=name, heading=heading, absent="The run stopped before its batches were planned.")
    stages = charts.balance_stages(contents.corpus, plan)
    figure = Figure(
        drawing=figures.balance(stages),
        caption="Share of seizures from the corpus to the reported probability. The plan raises it so that the model "
        "has something to learn from; the correction takes it back, so that probabilities mean what they say.",
        legend=(("full", "ictal"), ("partial", "partly ictal windows"), ("quiet", "background")),
        table=tables.balance(stages),
    )
    return Section(
        id=name,
        heading=heading,
        lead=_lead_of_balance(plan),
        clinician="Seizures are rare in any ward's EEG. A detector trained on EEG as it comes mostly sees none and "
        "learns to say “no seizure” always, which is nearly always right and never of use.",
        engineer="Labels come from exact overlap counts, composition from the index. Drawing is without replacement "
        "through keyed permutations; the offset between the two priors is removed from the logits.",
        parts=_present(figure, tables.batches(plan), tables.feasibility(plan), tables.splits(plan)),
    )


def _lead_of_balance(plan: Document) -> str:
    made, train = plan["batches"], plan["splits"]["train"]
    (none,) = [row for row in plan["feasibility"]["chances"] if row["event"].startswith("a batch of")]
    return (
        f"{percent(train['seizure_windows'] / train['windows'])} of the training windows hold a seizure. A batch of "
        f"{count(made['size'])} drawn evenly from them holds none with a chance of "
        f"{chance(none['probability'], none['log10_probability'])}. The plan puts {_quota(made)} seizure windows into "
        f"every one of {count(made['checked'])} counted batches."
    )


def _quota(made: Document) -> str:
    least, most = made["seizure_min"], made["seizure_max"]
    return f"exactly {count(least)}" if least == most else f"{count(least)} to {count(most)}"


def _incident(contents: Contents) -> Section:
    document, name, heading = contents.incident, "incident", "The incident, replayed"
    if document is None:
        return Section(id=name, heading=heading, absent="This run did not replay the incident (`ictal demo` does).")
    rows = document["rows"]
    natural = None if contents.plan is None else _trained_on(contents.plan)
    figure = Figure(
        drawing=figures.incident(rows, natural),
        caption="What each way of drawing gave on the windows of this corpus. A strategy that puts its weight on "
        "guessed windows gains only as far as its probe has covered the corpus.",
        table=tables.incident(rows),
    )
    drawn = f" {count(document['batches'])} batches were drawn with each." if "batches" in document else ""
    return Section(
        id=name,
        heading=heading,
        lead="This project began with a training run that met no seizure in 1,000 windows and learnt to say “no” "
        "always. Its report blamed a sampler that looked at 500 windows and asked for 20,000. But the labels had been "
        "lost on the way, and with good labels too that sampler put its weight on windows chosen by chance. "
        f"Here are both, as they were written, beside this plan.{drawn}",
        parts=(figure,),
    )


def _trained_on(plan: Document) -> float:
    """Natural prevalence of the part that batches are drawn from, where the plan states it."""
    natural = plan["prior"]["natural"] if "prior" in plan else plan["natural_prevalence"]
    share: float = natural["window"]
    return share


def _training(contents: Contents) -> Section:
    curves, name, heading = contents.training, "training", "Training"
    if curves is None or len(curves.step) == 0:
        return Section(id=name, heading=heading, absent="No step was trained.")
    warned = sum(not one.stopped for one in curves.said)
    warnings = (
        f" {count(warned)} {'warning' if warned == 1 else 'warnings'} of the guards."
        if warned
        else " No guard warned."
        if curves.watched
        else ""
    )
    stopped = "" if curves.stopped_at is None else f" A guard stopped the run at step {count(curves.stopped_at)}."
    figure = Figure(
        drawing=figures.training(curves),
        caption="Single batches (thin) and their running mean (bold). The dashed line is what a model reaches that "
        "knows how often seizures are drawn and nothing about EEG: a loss that only falls to it is a failure.",
        table=tables.training(curves),
    )
    return Section(
        id=name,
        heading=heading,
        lead=f"{count(len(curves.step))} steps.{warnings}{stopped}",
        clinician="The curve to look at is skill. It must leave zero: a falling loss alone can mean that the model "
        "has learnt only that seizures are rare.",
        engineer="Loss is in nats per time step under the drawn prior. Separation is the mean ictal logit minus the "
        "mean background logit; if the spread of logits dies while the loss falls, the model is collapsing.",
        parts=_present(figure, tables.said(curves), tables.guards(curves), tables.validation(curves)),
    )


def _sensitivity(contents: Contents) -> Section:
    curve, name, heading = contents.curve, "sensitivity", "Sensitivity against false alarms"
    if curve is None or contents.evaluation is None:
        return Section(id=name, heading=heading, absent="The run was not evaluated.")
    figure = Figure(
        drawing=figures.sensitivity(curve),
        caption=f"Share of the annotated seizures of {who(contents.evaluation)} that are detected, against the false "
        "alarms that this costs, at the best of all thresholds (SzCORE events; the axis is linear below 1, logarithmic "
        f"above).{tables.shaded((curve,))}",
        table=tables.sensitivity(curve),
    )
    unseen = contents.evaluation.get("independent_of_tuning", True)
    return Section(
        id=name,
        heading=heading,
        lead=_operating_point(contents.evaluation["operating_point"] or {}),
        clinician="Up is more seizures found, left is fewer needless alarms. Choose the rate of alarms that a ward "
        "can bear, then read off how many seizures are found.",
        engineer="The marked threshold was chosen on the tuning part and applied here unseen; the curve itself is of "
        "the scored part, so a better threshold on it was not available to the run."
        if unseen
        else "The marked threshold was chosen on the very recordings that are scored here: others will do it less "
        "justice.",
        parts=_present(figure, tables.operating_point(curve, contents.evaluation["operating_point"] or {})),
    )


def _operating_point(point: Document) -> str:
    threshold = point.get("threshold")
    if is_undefined(threshold):
        return f"There is no operating point. {point.get('reason') or 'The target rate is unreachable.'}"
    text = f"Threshold {threshold:.3f}"
    if "target_per_24h" in point:
        text += f", chosen for at most {point['target_per_24h']:g} false alarms per 24 h"
    if "tuned_on" in point:
        text += f" on the {point['tuned_on']} part"
    reason = "" if point.get("target_reached", True) else f" The target was NOT reached there: {point.get('reason')}"
    return f"{text}.{reason}"


def _calibration(contents: Contents) -> Section:
    bins, name, heading = contents.reliability, "calibration", "Calibration"
    if bins is None:
        return Section(id=name, heading=heading, absent="The run was not evaluated.")
    calibrated = f" and {contents.calibrated}" if contents.calibrated else ""
    figure = Figure(
        drawing=figures.reliability(bins),
        caption="Stated probability against the share of time steps that were ictal (left), and how many time steps "
        "each point rests on (right). The axes are square roots, so that the small probabilities of a rare event show; "
        f"the bins are equally wide on them. Hollow points rest on fewer than {charts.FEW_STEPS} steps. The error "
        "among the key numbers is of bins with equally many steps.",
        table=tables.reliability(bins),
    )
    return Section(
        id=name,
        heading=heading,
        clinician="On the diagonal, a stated 30\u202f% means that three of ten such moments are in a seizure. Below "
        "it, the detector claims too much.",
        engineer=f"Probabilities after prior correction{calibrated}, on the scored part. Points with few time steps "
        "are noise.",
        parts=(figure,),
    )


def _recordings(contents: Contents) -> Section:
    name, heading = "recordings", "Recording by recording"
    if not contents.strips:
        return Section(id=name, heading=heading, absent="The run was not evaluated.")
    return Section(
        id=name,
        heading=heading,
        lead="Each line is a whole recording. Marks are events as SzCORE counts them: neighbours within 90 s are one, "
        "what is longer than 300 s is cut, and 30 s before to 60 s after a seizure still meets it.",
        legend=strips.LEGEND,
        parts=tables.recordings(contents.strips, contents.examples),
    )


def _examples(contents: Contents) -> Section:
    name, heading = "eeg", "The EEG of the best, the worst and the most instructive"
    if not contents.examples:
        return Section(id=name, heading=heading, absent="The run was not evaluated.")
    return Section(
        id=name,
        heading=heading,
        lead="Negative is up, as in clinical practice. Shaded: annotated as seizure. Below the EEG: what the detector "
        "reported, and the probability behind it, with the threshold dashed. Deflections of more than "
        f"{eeg.CUT_ROWS:g} times the scale bar are cut in the drawing.",
        parts=tuple(_example(number, one) for number, one in enumerate(contents.examples, 1)),
    )


def _example(number: int, one: EegExample) -> Figure:
    length_s = one.signal_uv.shape[1] / one.rate_hz
    return Figure(
        drawing=eeg.draw(one),
        caption=f"{one.recording}, patient {one.patient}, {duration(length_s)} from {clock(one.start_s)}. "
        f"{one.caption}",
        table=tables.example(one),
        legend=(("found", "annotated seizure"), ("hit", "detection")),
        anchor=tables.eeg_anchor(number),
        back=link("Back to its recording.", tables.recording_anchor(one.recording)),
    )


def _seizures(document: Document | None) -> Section:
    name, heading = "seizures", "Seizure by seizure"
    if document is None or "seizures" not in document:
        return Section(id=name, heading=heading, absent="The run was not evaluated seizure by seizure.")
    found = document["seizures"]
    return Section(
        id=name,
        heading=heading,
        lead="Each annotated seizure as it was annotated, neither merged nor cut: found if a detection meets it or the "
        "30 s before and 60 s after. Latency is from its onset to its first detection's, negative if that was first.",
        parts=_present(
            *(tables.seizures(found, by) for by in ("type", "length", "montage", "patient") if found[f"by_{by}"]),
            tables.types(document["types"]) if document.get("types") else None,
        ),
    )


def _scores(document: Document | None) -> Section:
    name, heading = "scores", "Scores"
    if document is None:
        return Section(id=name, heading=heading, absent="The run was not evaluated.")
    return Section(
        id=name,
        heading=heading,
        lead=f"Of {who(document)}. Counts of recordings are added first and ratios taken last. A ratio without a "
        "denominator is undefined and says why; it is never 0 or 1.",
        parts=_present(
            tables.scores(document), tables.ranking(document), tables.macro(document), tables.patients(document)
        ),
    )


def _repeat(contents: Contents) -> Section:
    name, heading = "repeat", "How to repeat it"
    if not contents.provenance:
        return Section(id=name, heading=heading, absent="This run kept no provenance.")
    return Section(
        id=name,
        heading=heading,
        lead="With the same seeds, versions and machine the run repeats itself to the last digit.",
        parts=(tables.provenance(contents.provenance),),
    )
