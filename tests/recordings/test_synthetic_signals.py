"""The synthetic EEG itself: what a person who reads EEG would look for, measured."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
import scipy.signal

from ictal.recordings.synthetic import head, noise
from ictal.recordings.synthetic.artefacts import paint_artefacts
from ictal.recordings.synthetic.background import background
from ictal.recordings.synthetic.canvas import Canvas
from ictal.recordings.synthetic.extras import channels, referenced
from ictal.recordings.synthetic.mimics import paint_mimics
from ictal.recordings.synthetic.patients import PatientTraits, SeizureTraits, draw_traits
from ictal.recordings.synthetic.seizures import paint_seizure
from ictal.recordings.synthetic.vigilance import Episode, State, draw_episodes, weights

Array = npt.NDArray[np.float32]

RATE_HZ = 256
TRAITS: PatientTraits = dataclasses.replace(
    draw_traits(np.random.default_rng(0), seizure_kind="cpsz"),
    rate_hz=RATE_HZ,
    slope=1.8,
    alpha_hz=9.7,
    alpha_uv=18.0,
    muscle_tone_uv=0.5,
)
FOCAL = SeizureTraits(
    label="cpsz",
    focus="T3",
    start_hz=9.0,
    stop_hz=3.0,
    peak_uv=50.0,
    width=0.8,
    spread_share=0.5,
    subtle=False,
    sharpness=0.5,
)


def _of_one_state(state: State, duration_s: int = 120) -> Array:
    episodes = (Episode(state=state, onset_s=0, stop_s=duration_s),)
    return background(np.random.default_rng(1), TRAITS, episodes, duration_s).eeg_uv


def _density(signal: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    frequency, power = scipy.signal.welch(signal, RATE_HZ, nperseg=4 * RATE_HZ)
    return np.asarray(frequency), np.asarray(power, dtype=np.float64)


def _peak_hz(signal: Array, low_hz: float, high_hz: float) -> float:
    frequency, power = scipy.signal.periodogram(signal, RATE_HZ, nfft=8 * RATE_HZ * 4)
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    return float(frequency[inside][np.argmax(power[inside])])


def test_background_falls_off_as_a_power_of_frequency() -> None:
    """Between 2 and 70 Hz the spectrum with eyes open is 1/f^slope, across the seam of the two layers."""
    frequency, power = _density(_of_one_state(State.OPEN)[head.INDEX["T5"]])
    clear = ((frequency > 2) & (frequency < 7)) | ((frequency > 30) & (frequency < 70))
    slope = np.polyfit(np.log(frequency[clear]), np.log(power[clear]), 1)[0]
    assert slope == pytest.approx(-TRAITS.slope, abs=0.3)


def test_background_has_the_strength_of_scalp_eeg() -> None:
    """Tens of microvolts from trough to peak, not hundreds and not one."""
    spread = _of_one_state(State.OPEN).std(axis=1)
    assert np.all((spread > 5) & (spread < 30))


def test_alpha_peaks_over_the_back_of_the_head_at_the_patients_frequency() -> None:
    """With the eyes closed the occipital spectrum has its peak there, and the frontal one has hardly any."""
    eeg = _of_one_state(State.CLOSED)
    assert _peak_hz(eeg[head.INDEX["O2"]], 4, 20) == pytest.approx(TRAITS.alpha_hz, abs=1)
    frequency, power = _density(eeg)
    alpha = power[:, np.abs(frequency - TRAITS.alpha_hz) < 0.6].mean(axis=1)
    assert set(np.argsort(alpha)[-4:]) <= {head.INDEX[name] for name in ("O1", "O2", "T5", "T6", "P3", "P4")}
    assert alpha[head.INDEX["O2"]] > 10 * alpha[head.INDEX["FP2"]]


def test_opening_the_eyes_blocks_alpha() -> None:
    """The occipital rhythm loses most of its power."""
    powers = []
    for state in (State.CLOSED, State.OPEN):
        frequency, power = _density(_of_one_state(state)[head.INDEX["O2"]])
        powers.append(power[np.abs(frequency - TRAITS.alpha_hz) < 0.6].mean())
    assert powers[0] > 10 * powers[1]


def test_sleep_is_slow() -> None:
    """Frontal activity below 4 Hz is several times what it is awake."""
    powers = []
    for state in (State.SLEEP, State.OPEN):
        frequency, power = _density(_of_one_state(state)[head.INDEX["FZ"]])
        powers.append(power[(frequency > 0.8) & (frequency < 4)].mean())
    assert powers[0] > 3 * powers[1]


def test_neighbours_are_more_alike_than_strangers() -> None:
    """Correlation falls with distance, as volume conduction has it."""
    brain = scipy.signal.butter(4, (1, 30), "band", fs=RATE_HZ, output="sos")
    correlation = np.atleast_2d(np.corrcoef(scipy.signal.sosfiltfilt(brain, _of_one_state(State.OPEN))))
    near = correlation[head.INDEX["F3"], head.INDEX["C3"]]
    far = correlation[head.INDEX["F3"], head.INDEX["O2"]]
    assert near > 0.4
    assert near > far + 0.3


def test_blinks_are_positive_and_frontal() -> None:
    """Eyes open: about a hundred microvolts at the frontal poles, next to nothing at the back."""
    canvas = Canvas(eeg_uv=np.zeros((len(head.ELECTRODES), 60 * RATE_HZ), dtype=np.float32), rate_hz=RATE_HZ)
    quiet = dataclasses.replace(
        TRAITS, muscle_bursts_per_min=0.0, pops_per_10_min=0.0, line_uv=0.0, heart_artefact_uv=0.0, blinks_per_min=15.0
    )
    open_eyes = (Episode(state=State.OPEN, onset_s=0, stop_s=60),)
    paint_artefacts(np.random.default_rng(5), canvas, quiet, open_eyes, np.empty(0))
    smooth = scipy.signal.sosfiltfilt(scipy.signal.butter(4, 20, fs=RATE_HZ, output="sos"), canvas.eeg_uv)
    assert 60 < smooth[head.INDEX["FP1"]].max() < 250
    assert np.abs(smooth[head.INDEX["O1"]]).max() < 10


def test_seizure_builds_up_and_slows_down() -> None:
    """At the focus the rhythm starts near 9 Hz, ends near 3 Hz, and grows far beyond the background."""
    samples = 40 * RATE_HZ
    canvas = Canvas(eeg_uv=_of_one_state(State.OPEN, 100), rate_hz=RATE_HZ)
    before = canvas.eeg_uv[head.INDEX["T3"], : 20 * RATE_HZ].std()
    paint_seizure(np.random.default_rng(2), canvas, FOCAL, 30 * RATE_HZ, 30 * RATE_HZ + samples)
    focus = canvas.eeg_uv[head.INDEX["T3"], 30 * RATE_HZ : 30 * RATE_HZ + samples]
    first, last = np.array_split(focus, 3)[0], np.array_split(focus, 3)[2]
    assert _peak_hz(first, 1.5, 20) > 6
    assert _peak_hz(last, 1.5, 20) < 4.8
    assert last.std() > 1.3 * first.std()
    assert last.std() > 2.5 * before


def test_focal_seizure_reaches_neighbours_before_the_other_side() -> None:
    """Each marked pair begins when its first electrode is recruited; the focus begins with the seizure."""
    canvas = Canvas(eeg_uv=np.zeros((len(head.ELECTRODES), 90 * RATE_HZ), dtype=np.float32), rate_hz=RATE_HZ)
    marked = paint_seizure(np.random.default_rng(3), canvas, FOCAL, 1000, 1000 + 40 * RATE_HZ)
    onset = {one.channel: one.onset_sample for one in marked}
    assert onset["F7-T3"] == onset["T3-T5"] == onset["T3-C3"] == 1000
    assert 1000 < onset["FP1-F7"] < 1000 + 20 * RATE_HZ
    assert "T6-O2" not in onset
    assert np.all(canvas.eeg_uv[:, :1000] == 0)


def test_generalised_seizure_is_everywhere_at_once() -> None:
    """All 22 pairs are marked from the first sample."""
    canvas = Canvas(eeg_uv=np.zeros((len(head.ELECTRODES), 60 * RATE_HZ), dtype=np.float32), rate_hz=RATE_HZ)
    absence = dataclasses.replace(FOCAL, label="absz", focus=None, start_hz=3.4, stop_hz=2.8, sharpness=1.0)
    marked = paint_seizure(np.random.default_rng(4), canvas, absence, 500, 500 + 15 * RATE_HZ)
    assert [one.onset_sample for one in marked] == [500] * 22
    assert np.all(canvas.eeg_uv[:, 500 + 15 * RATE_HZ :] == 0)


def test_seizure_leaves_slowing_that_is_no_longer_ictal() -> None:
    """After a focal seizure delta stays over the focus and fades within a minute."""
    canvas = Canvas(eeg_uv=np.zeros((len(head.ELECTRODES), 200 * RATE_HZ), dtype=np.float32), rate_hz=RATE_HZ)
    stop = 30 * RATE_HZ
    paint_seizure(np.random.default_rng(6), canvas, FOCAL, 10 * RATE_HZ, stop)
    after = canvas.eeg_uv[head.INDEX["T3"], stop : stop + 10 * RATE_HZ]
    assert after.std() > 10
    assert 0.5 < _peak_hz(after, 0.3, 20) < 4
    assert np.all(canvas.eeg_uv[:, stop + 61 * RATE_HZ :] == 0)


def test_mimic_rhythm_neither_slows_nor_spreads() -> None:
    """A rhythmic artefact ends at the frequency it began with and stays on its electrode."""
    canvas = Canvas(eeg_uv=np.zeros((len(head.ELECTRODES), 1800 * RATE_HZ), dtype=np.float32), rate_hz=RATE_HZ)
    mimics = paint_mimics(np.random.default_rng(7), canvas, 6.0, ())
    rhythm = next(one for one in mimics if one.kind == "rhythmic-artefact")
    seen = canvas.eeg_uv[:, rhythm.onset_sample : rhythm.stop_sample]
    thirds = np.array_split(seen[head.INDEX[rhythm.electrodes[0]]], 3)
    assert _peak_hz(thirds[0], 2, 20) == pytest.approx(_peak_hz(thirds[2], 2, 20), abs=0.5)
    assert np.argmax(seen.std(axis=1)) == head.INDEX[rhythm.electrodes[0]]
    assert np.sort(seen.std(axis=1))[-2] < 0.1 * seen.std(axis=1).max()


def test_noise_has_the_density_it_was_asked_for() -> None:
    """A flat density of 4 µV²/Hz comes back from Welch's method at any rate."""
    for rate_hz in (64, 250):
        signal = noise.noise(np.random.default_rng(8), lambda f: np.full_like(f, 4.0), 2, 600 * rate_hz, rate_hz)
        _, power = scipy.signal.welch(signal, rate_hz, nperseg=rate_hz)
        assert power[:, 2:-2].mean() == pytest.approx(4.0, rel=0.03)


def test_states_of_vigilance_add_up_to_one() -> None:
    """At every sample the patient is in some mixture of states."""
    episodes = draw_episodes(np.random.default_rng(9), 300, 0.6)
    gates = weights(episodes, 300 * 64, 64)
    assert episodes[0].onset_s == 0
    assert episodes[-1].stop_s == 300
    assert np.allclose(np.sum(list(gates.values()), axis=0)[64:-64], 1, atol=1e-5)


def test_linked_ears_are_the_mean_of_both_ears() -> None:
    """Against that reference the two ears are opposite."""
    canvas = Canvas(eeg_uv=_of_one_state(State.OPEN, 10), rate_hz=RATE_HZ)
    eeg = referenced(canvas, "LE")
    assert np.allclose(eeg[head.INDEX["A1"]], -eeg[head.INDEX["A2"]], atol=1e-4)


def test_every_file_has_the_extras_that_readers_must_step_over() -> None:
    """Heart, photic stimulator and the quantities that the corpus carries as channels."""
    canvas = Canvas(eeg_uv=_of_one_state(State.OPEN, 10), rate_hz=RATE_HZ)
    found = channels(np.random.default_rng(10), canvas, "REF", np.array([1.0, 1.9, 2.8]))
    assert {"EEG EKG1-REF", "EEG T1-REF", "EEG T2-REF", "PHOTIC-REF", "IBI", "BURSTS", "SUPPR"} <= set(found)
    assert found["EEG EKG1-REF"].max() > 300


def test_painting_past_the_ends_is_cut_off() -> None:
    """An event may begin before the recording or end after it."""
    canvas = Canvas(eeg_uv=np.zeros((1, 10), dtype=np.float32), rate_hz=1)
    ones = np.ones(1, dtype=np.float32)
    for start in (-3, 8, -9, 20):
        canvas.paint(start, ones, np.full(5, 2, dtype=np.float32))
    assert canvas.eeg_uv.tolist() == [[2, 2, 0, 0, 0, 0, 0, 0, 2, 2]]
