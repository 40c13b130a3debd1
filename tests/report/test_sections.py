"""Sections of a run's page, each as a function of its part of the contents."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from ictal.report import charts, numbers, sections, tables
from ictal.report.contents import LeakageAudit, RecordingStrip, Said
from ictal.report.page import render
from ictal.report.parts import Section, Table
from tests.report import specimen
from tests.report.pages import text


def section(contents: object, name: str) -> Section:
    """One section of the page."""
    return next(one for one in sections.sections(contents) if one.id == name)  # type: ignore[arg-type]


def table(one: Section, caption: str) -> Table:
    """The table of a section whose caption begins so."""
    return next(part for part in one.parts if isinstance(part, Table) and part.caption.startswith(caption))


def read(one: Table) -> tuple[tuple[str, ...], ...]:
    """What a person reads in the rows of a table."""
    return tuple(tuple(text(cell) for cell in row) for row in one.rows)


def test_a_clean_split_is_said_with_what_was_compared() -> None:
    """Patients, signals, copies inside a part, and looks at the evaluation part."""
    audit = section(specimen.full(), "leakage")
    assert audit.lead == "No patient is in two parts, and no signal serves in two parts under whatever name."
    found = {row[0]: row[1] for row in table(audit, "Leakage").rows}
    assert list(found.values()) == ["0 of 24", "0 of 42", "1", "once"]
    assert "a_s001_t001 is a_s001_t000" in table(audit, "Leakage").rows[2][2]


def test_a_patient_in_two_parts_cannot_be_overlooked() -> None:
    """Counted, named, and in the first sentence; nothing is claimed of signals that were never compared."""
    audit = LeakageAudit(patients=5, patients_in_two_parts=("p1", "p4"), openings=3)
    contents = dataclasses.replace(specimen.full(), leakage=audit)
    one = section(contents, "leakage")
    assert one.lead == "2 PATIENTS ARE IN TWO PARTS."
    rows = table(one, "Leakage").rows
    assert (rows[0][1], rows[0][2], rows[1][1], rows[3][1]) == ("2 of 5", "p1, p4", "not prepared yet", "3 times")


def test_guards_are_listed_with_what_they_said() -> None:
    """What stopped the run stands first; of many warnings the first, and how many more there are."""
    one = section(specimen.full(), "training")
    assert one.lead == "80 steps. 1 warning of the guards."
    assert table(one, "Guards").rows == (("skill", "stops", "When the loss is that of the prior."),)
    curves = specimen.full().training
    assert curves is not None
    many = [Said(step=n, kind="no-skill", message="m") for n in range(30)]
    stop = Said(step=40, kind="not-finite", message="the end", stopped=True)
    said = tables.said(dataclasses.replace(curves, said=(*many, stop)))
    assert said is not None
    assert said.rows[0] == ("40", "not-finite", "the end", "stopped the run")
    assert (len(said.rows), said.note) == (20, "11 further warnings are in train.jsonl.")
    assert tables.said(dataclasses.replace(curves, said=())) is None


def test_validations_and_drawn_seizures_are_drawn_where_there_are_any() -> None:
    """Six panels, or four."""
    curves = specimen.full().training
    assert curves is not None
    shown = section(specimen.full(), "training")
    assert table(shown, "Whole recordings").rows[0] == ("20", "0.500", "0.50", "yes")
    bare = dataclasses.replace(curves, validation=(), seizure_windows=None)
    drawn = [len(re.findall(r"<text", str(sections.figures.training(one)))) for one in (curves, bare)]
    assert drawn[0] > drawn[1]
    assert tables.validation(bare) is None


def test_the_operating_point_has_its_intervals() -> None:
    """In its table, in the figure's words, and as lines through the ring."""
    contents = specimen.full()
    assert contents.curve is not None
    one = section(contents, "sensitivity")
    rows = dict(read(table(one, "The operating point")))
    assert rows["Seizures detected"].endswith("(50.0\u202f% to 100\u202f%)")
    assert rows["False alarms per 24 h"].endswith("(4.2 to 61.0)")
    without = dataclasses.replace(contents.curve, sensitivity_interval=None, false_alarms_interval=None)
    axes = [_axes(curve) for curve in (contents.curve, without)]
    assert axes[0] - axes[1] == 2
    point = tables.operating_point(without, {})
    assert point is not None
    assert (dict(read(point))["Seizures detected"], point.note) == (rows["Seizures detected"].partition(" (")[0], "")
    unreachable = dataclasses.replace(contents.curve, operating=None)
    assert tables.operating_point(unreachable, {}) is None


def test_the_curve_has_its_band() -> None:
    """Shaded in the figure and said below it; in the table at the rates that the band was computed for."""
    contents = specimen.full()
    assert contents.curve is not None
    assert contents.curve.band is not None
    rows = {row[0]: row[1] for row in tables.sensitivity(contents.curve).rows}
    assert "(40.0\u202f% to 90.0\u202f%)" in rows["≤ 24"]
    assert tables.sensitivity(contents.curve).note == "In brackets: 95\u202f% intervals over patients."
    without = dataclasses.replace(contents.curve, band=None)
    assert not any("(" in row[1] for row in tables.sensitivity(without).rows)
    assert tables.sensitivity(without).note == ""
    assert (_shaded(contents.curve), _shaded(without)) == (1, 0)
    assert contents.curve.band.at(3.0) is None
    for curve, is_shaded in ((contents.curve, True), (without, False)):
        (figure, *_) = section(dataclasses.replace(contents, curve=curve), "sensitivity").parts
        assert ("Shaded" in str(vars(figure)["caption"])) == is_shaded


def _shaded(curve: object) -> int:
    """Areas of the chart."""
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    charts.sensitivity(ax, curve)  # type: ignore[arg-type]
    return len(ax.collections)


def _axes(curve: object) -> int:
    """Lines of the chart."""
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    charts.sensitivity(ax, curve)  # type: ignore[arg-type]
    return len(ax.lines)


def test_the_lead_of_the_balance_is_of_the_windows_that_are_drawn() -> None:
    """Those of the training part, with the chance that stands in the table beside it."""
    contents = specimen.full()
    assert contents.plan is not None
    train = contents.plan["splits"]["train"]
    found = section(contents, "balance")
    assert found.lead.startswith(numbers.percent(train["seizure_windows"] / train["windows"]))
    shown = dict(read(table(found, "Chances")))
    assert f"none with a chance of {shown['A batch of 16 drawn uniformly holds no seizure']}." in found.lead


def test_scores_stand_with_their_intervals() -> None:
    """Where they are defined."""
    rows = read(table(section(specimen.full(), "scores"), "Scores"))
    assert rows[0][1] == "0.83 (0.50 to 1.00)"
    assert "(" not in rows[1][1]


def test_probabilities_stand_with_their_intervals() -> None:
    """By window, second and step; undefined without a seizure."""
    rows = read(table(section(specimen.full(), "scores"), "Ranking and calibration"))
    assert rows[0][:4] == ("windows", "1,020", "20", "0.971 (0.900 to 1.000)")
    assert rows[2][5] == "0.0041 (0.9000 to 1.0000)"
    lacking = {**specimen.ranking(), "second": specimen.ranked("second", auroc=None)}
    assert tables.ranking({"ranking": lacking}).rows[1][3] == "undefined"


def kind(found: int, seizures: int, **alarms: object) -> dict[str, object]:
    """A row of the seizures' tables; without an interval where one patient has them all."""
    interval = {"lower": 0.25, "upper": 1.0} if seizures > 1 else {"lower": None, "upper": None}
    return {
        "found": found,
        "seizures": seizures,
        "sensitivity": found / seizures if seizures else None,
        "median_latency_s": 2.5 if found else None,
        "intervals": {"sensitivity": interval, "median_latency_s": interval},
        **alarms,
    }


def test_seizures_are_counted_by_type_length_and_patient() -> None:
    """With latency and intervals; false alarms only where they belong to the group; undefined is said."""
    alarms = {"false_alarms_per_24h": 12.0, "false_alarms_interval": {"lower": 0.0, "upper": 24.0}}
    document = {
        "scorer": "ictal-seizures", "scorer_version": "1.0.0", "level": 0.95, "all": kind(3, 4, **alarms),
        "by_type": {"fnsz": kind(3, 3), "gnsz": kind(0, 1)}, "by_length": {"under 10 s": kind(3, 4)},
        "by_montage": {}, "by_patient": {"a": kind(3, 4, **alarms), "b": kind(0, 0, **alarms)},
    }  # fmt: skip
    contents = dataclasses.replace(specimen.full(), evaluation={**specimen.evaluation(), "seizures": document})
    one = section(contents, "seizures")
    assert [part.caption for part in one.parts if isinstance(part, Table)] == ["By type", "By length", "By patient"]
    assert read(table(one, "By type")) == (
        ("fnsz", "3 of 3", "100\u202f% (25.0\u202f% to 100\u202f%)", "2.5 (0.2 to 1.0)"),
        ("gnsz", "0 of 1", "0\u202f%", "undefined"),
    )
    by_patient = read(table(one, "By patient"))
    assert [row[0] for row in by_patient] == ["all", "a", "b"]
    assert by_patient[2][1:] == ("0 of 0", "undefined", "undefined", "12.0 (0.0 to 24.0)")
    assert section(specimen.full(), "seizures").absent


def strip(recording: str, patient: str, missed: int, alarms: int) -> RecordingStrip:
    """An hour with so many errors, far apart."""
    reference = np.array([[400.0 * n + 10, 400.0 * n + 30] for n in range(missed)]).reshape(-1, 2)
    detections = np.array([[400.0 * n + 210, 400.0 * n + 230] for n in range(alarms)]).reshape(-1, 2)
    return RecordingStrip(
        recording=recording, patient=patient, duration_s=3600.0, reference_s=reference, detections_s=detections
    )


def test_every_recording_has_a_line_by_patient() -> None:
    """The patient with most errors first, that patient's recordings together, silent ones in a table of their own."""
    lines = [
        strip("a1", "a", 1, 0), strip("b1", "b", 0, 3), strip("b2", "b", 2, 0), strip("a2", "a", 0, 1),
        strip("c1", "c", 0, 0), strip("a0", "a", 0, 0),
    ]  # fmt: skip
    eventful, silent = tables.recordings(lines, ())
    assert [row[0] for row in eventful.rows] == ["b2", "b1", "a1", "a2"]
    assert [row[0] for row in silent.rows] == ["a0", "c1"]
    assert all("<svg" in str(row[3]) for row in (*eventful.rows, *silent.rows))


@pytest.mark.parametrize("name", ["plain", "edf/train/aa/s001 <&>"])
def test_a_recording_leads_to_its_eeg_and_back(name: str) -> None:
    """Both ends are on the page, whatever the recording is called."""
    contents = specimen.full()
    example = dataclasses.replace(contents.examples[0], recording=name)
    line = dataclasses.replace(strip(name, "a", 1, 0))
    page = render(dataclasses.replace(contents, strips=(line,), examples=(example,)))
    anchor = tables.recording_anchor(name)
    for there in ("eeg-1", anchor):
        assert (page.count(f'href="#{there}"'), page.count(f'id="{there}"')) == (1, 1)
    assert re.fullmatch(r"[\w.%-]+", anchor)
