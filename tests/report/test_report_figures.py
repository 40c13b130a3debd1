"""What the drawings say: strips agree with the scorer, traces lose no extreme, numbers read as they should."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from ictal.report import charts, eeg, figures, strips
from ictal.report.contents import RecordingStrip, ReliabilityBins, SensitivityCurve
from ictal.report.numbers import chance, clock, compact, duration, nice_step, percent, ratio, short_names
from ictal.report.summary import HEIGHT_PX, WIDTH_PX, summary_figure
from ictal.scoring.szcore import count_events
from tests.report import specimen

DURATION_S = 3000
TENTHS = st.integers(0, 10 * DURATION_S - 1)
EVENTS = st.lists(st.tuples(TENTHS, st.integers(1, 7000)), max_size=6)


def spans(events: list[tuple[int, int]]) -> npt.NDArray[np.float64]:
    pairs = [(onset / 10, min((onset + length) / 10, DURATION_S)) for onset, length in events]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


@settings(max_examples=150)
@given(EVENTS, EVENTS)
@example([], [(0, 382), (1282, 10)])  # 90 s apart, and a rounding less as floats are
def test_the_marks_of_a_strip_are_the_scorers_counts(
    reference: list[tuple[int, int]], detections: list[tuple[int, int]]
) -> None:
    """What a strip shows as found, missed and false is what SzCORE's event scorer counts."""
    strip = RecordingStrip(
        recording="r", patient="p", duration_s=DURATION_S, reference_s=spans(reference), detections_s=spans(detections)
    )
    counted = count_events(strip.reference_s, strip.detections_s, DURATION_S)
    shown = strips.marks(strip)
    assert len(shown.found) == counted.true_positives
    assert len(shown.found) + len(shown.missed) == counted.reference
    assert len(shown.false_alarms) == counted.false_positives


def test_a_missed_seizure_and_a_false_alarm_differ_in_shape_not_only_in_colour() -> None:
    """Each outcome has a class of its own, and false alarms are lower bars."""
    strip = RecordingStrip(
        recording="r", patient="p", duration_s=1000.0,
        reference_s=np.array([[100.0, 120.0], [500.0, 520.0]]), detections_s=np.array([[101.0, 130.0], [800.0, 809.0]]),
    )  # fmt: skip
    drawn = strips.draw(strip, strips.marks(strip))
    assert [name in drawn for name in ('"found"', '"missed"', '"hit"', '"alarm"')] == [True] * 4
    assert 'aria-label="r: 1 of 2 seizures detected, 1 false alarm"' in drawn
    assert "v5h" in drawn


@settings(max_examples=60)
@given(st.integers(1, 4000), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_an_envelope_keeps_every_extreme(samples: int, columns: int, seed: int) -> None:
    """Decimation for drawing neither loses nor invents a highest or lowest value, in any column."""
    trace = np.random.default_rng(seed).normal(size=samples)
    drawn = eeg.envelope(trace, columns)
    assert len(drawn) <= 2 * columns
    assert drawn.min() == trace.min()
    assert drawn.max() == trace.max()


def test_negative_is_up() -> None:
    """A deflection to negative voltage goes towards the top of the drawing, as in clinical practice."""
    rng = np.random.default_rng(0)
    example = specimen.example("r", "", rng, seconds=4.0, channels=("Cz",), reported=False, annotated=False)
    example.signal_uv[:] = 0
    example.signal_uv[0, 500] = -50
    path = eeg.draw(example).split('class="trace"')[1].split('d="M0 0l')[1].split('"')[0]
    steps = [int(number) for number in path.replace("-", " -").split()]
    assert min(np.cumsum(steps[1::2])) < 0
    assert max(np.cumsum(steps[1::2])) == 0


def test_bands_outside_the_stretch_are_not_drawn() -> None:
    """Events before and after what is shown leave no mark; one that crosses the edge is cut there."""
    rng = np.random.default_rng(0)
    base = specimen.example("r", "", rng, seconds=10.0, channels=("Cz",), reported=False, annotated=False)
    cut = {"reference_s": np.array([[0.0, 20.0], [295.0, 302.0], [900.0, 950.0]])}
    drawn = eeg.draw(type(base)(**{**vars(base), **cut}))
    assert drawn.count('class="found"') == 1
    assert f'x="{eeg.LEFT:.1f}"' in drawn


def test_the_gain_is_one_a_reader_knows() -> None:
    """The distance of two channels is a round number of µV, and grows with the signal."""
    noise = np.random.default_rng(0).normal(size=(3, 1000)).astype(np.float32)
    assert eeg.gain_uv(10 * noise) == 50
    assert eeg.gain_uv(100 * noise) == 500


def test_the_running_mean_looks_back_only() -> None:
    """Each value is the mean of what was known at its step."""
    values = np.arange(100.0)
    width = 5
    expected = [values[max(0, i + 1 - width) : i + 1].mean() for i in range(100)]
    assert charts.smoothed(values) == pytest.approx(expected)


def test_a_batch_without_a_seizure_leaves_no_hole_behind_it() -> None:
    """There is no separation of classes in it; the mean of the others goes on, and so does its name in the figure."""
    values = np.array([np.nan, 2.0, np.nan, 4.0] + [5.0] * 36)
    assert charts.smoothed(values)[:5].tolist()[1:] == [2.0, 2.0, 4.0, 4.5]
    assert np.isnan(charts.smoothed(values)[0])
    curves = replace(specimen.full().training, separation=np.where(np.arange(80) % 3 == 1, np.nan, 1.0))
    assert np.isnan(curves.separation[-1])
    drawn = str(figures.training(curves))
    assert "ictal − background" in drawn
    assert "class separation to undefined logits" in drawn


def test_class_balance_goes_up_and_comes_back() -> None:
    """Stages are corpus, windows, drawn windows, drawn time steps and the prior that the output is corrected to."""
    shares = [stage.share for stage in charts.balance_stages(specimen.CORPUS, specimen.PLAN)]
    assert shares == pytest.approx([228.4 / 21672, 231 / 3910, 0.5, 0.2013, 0.01054])


def test_the_picture_of_the_result_fits_a_readme() -> None:
    """A PNG of 1400 × 800 in at most 200 kB, for a full run and for one that was stopped."""
    for contents in (specimen.full(steps=300), specimen.stopped(), specimen.bare()):
        picture = summary_figure(contents)
        assert Image.open(io.BytesIO(picture)).size == (WIDTH_PX, HEIGHT_PX)
        assert len(picture) <= 200_000


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0788, "7.9 %"), (0.5, "50.0 %"), (1.0, "100 %"), (0.0, "0 %"), (0.00042, "0.042 %"), (2e-9, "2 × 10⁻⁷ %"),
     (math.nan, "undefined"), (None, "undefined")],
)  # fmt: skip
def test_shares_are_read_in_percent(value: float | None, shown: str) -> None:
    assert percent(value).replace("\u202f", " ") == shown


@pytest.mark.parametrize(
    ("probability", "log10", "shown"),
    [(0.378, -0.4225, "37.8 %"), (0.0, -35.7, "2 × 10⁻³⁶"), (0.0, None, "impossible"), (0.0, -9.0000001, "1 × 10⁻⁹")],
)
def test_chances_below_what_a_float_holds_are_read(probability: float, log10: float | None, shown: str) -> None:
    assert chance(probability, log10).replace("\u202f", " ") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(45, "45 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (59.7, "1 min 00 s")]
)
def test_durations_are_read_in_their_own_unit(seconds: float, shown: str) -> None:
    assert duration(seconds).replace("\u202f", " ") == shown


def test_a_ratio_without_denominator_names_its_reason() -> None:
    """Undefined carries why, whether the document says null or NaN."""
    assert ratio({"precision": None}, "precision") == "undefined (nothing was detected)"
    assert ratio({"f1": math.nan}, "f1") == "undefined (neither a reference event nor a detection)"
    assert ratio({"f1": 0.0}, "f1") == "0.00"


def test_the_curve_shows_the_best_of_all_thresholds_within_each_rate() -> None:
    """Thresholds that make equally many false alarms and find less do not pull the curve down."""
    curve = SensitivityCurve(
        false_alarms_per_24h=np.array([30.0, 20.0, 0.0, 0.0, 0.0]),
        sensitivity=np.array([0.9, 1.0, 0.5, 0.3, 0.0]),
        threshold=np.linspace(0.1, 0.9, 5),
        operating=3,
    )
    alarms, found = charts.best_within(curve)
    assert alarms.tolist() == [0, 0, 0, 20, 30]
    assert found.tolist() == [0.5, 0.5, 0.5, 1.0, 1.0]


def test_names_are_short_only_where_they_stay_apart() -> None:
    """Folders are left out unless two recordings would then read alike."""
    assert short_names(["a/x_t0", "b/x_t1"]) == {"a/x_t0": "x_t0", "b/x_t1": "x_t1"}
    assert short_names(["a/x", "b/x"]) == {"a/x": "a/x", "b/x": "b/x"}


def test_small_helpers() -> None:
    """Clock times, steps of an axis and compact paths."""
    assert clock(3725.9) == "1:02:05"
    assert nice_step(60, 12) == 5
    assert nice_step(90, 12) == 10
    assert compact(np.array([1, -3, 1, 5])) == "1-3 1 5"


def test_points_that_rest_on_few_steps_are_hollow() -> None:
    """So that noise is not read as a detector that claims too much; a bin without a step is no point."""
    bins = ReliabilityBins(
        mean_probability=np.array([0.001, 0.2, 0.5, 0.9]),
        observed_share=np.array([0.0, 0.1, 0.0, 1.0]),
        count=np.array([9_000, 99, 0, 100]),
    )
    ax = Figure().subplots()
    charts.reliability(ax, bins)
    *_, filled, hollow = ax.lines
    assert list(filled.get_xdata()) == [0.001, 0.9]
    assert list(hollow.get_xdata()) == [0.2]
    assert filled.get_markerfacecolor() != hollow.get_markerfacecolor()
