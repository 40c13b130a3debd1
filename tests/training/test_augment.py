"""Augmentation keeps what a label says: each change is what it is called, and the same batch is changed alike again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ictal.errors import InputError
from ictal.recordings.montages import MONTAGES, named
from ictal.timeline.grid import WindowGrid
from ictal.training.augment import Augmentation, AugmentConfig, OnsetShift, mirrored
from ictal.windows.dataset import NO_TYPE, Batch, WindowDataset, step_labels
from ictal.windows.index import IndexedRecording, build
from ictal.windows.labels import SEIZURE, LabelRule
from tests.training.small import CHANNELS, NoisySource
from tests.windows.strategies import many_recordings, recordings

RATE_HZ = 128
OFF = AugmentConfig(gain_octaves=0, mirror_share=0, dropout_share=0)


def batch_of(signal_uv: torch.Tensor, ictal: tuple[int, ...] = ()) -> Batch:
    """Windows of four time steps, some of them ictal throughout."""
    windows = len(signal_uv)
    labels = torch.zeros(windows, 4)
    labels[list(ictal)] = 1
    return Batch(
        windows=np.arange(windows),
        shift_samples=np.zeros(windows, dtype=np.int64),
        units=signal_uv,
        scale_uv=torch.ones(signal_uv.shape[:2]),
        valid_samples=torch.full((windows,), signal_uv.shape[2]),
        valid_channels=torch.ones(signal_uv.shape[:2], dtype=torch.bool),
        labels=labels,
        weights=torch.ones_like(labels),
        types=torch.full(labels.shape, NO_TYPE, dtype=torch.int8),
    )


def change(config: AugmentConfig, batch: Batch, number: int = 0, seed: int = 3) -> torch.Tensor:
    return changed(config, batch, number, seed)[0]


def changed(config: AugmentConfig, batch: Batch, number: int = 0, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    names = [f"F{n + 1}" for n in range(batch.signal_uv.shape[1])]
    return Augmentation(config, names, seed, RATE_HZ)(batch, number)


@pytest.mark.parametrize("montage", ["referential-19", "double-banana-18"])
def test_mirroring_twice_changes_nothing_and_once_exchanges_the_sides(montage: str) -> None:
    """Fp1 and Fp2 change places, the midline stays."""
    channels = named(montage).channels
    mirror = [place for place, _ in mirrored(channels)]
    assert [mirror[place] for place in mirror] == list(range(len(channels)))
    for channel, place in zip(channels, mirror, strict=True):
        assert (place == channels.index(channel)) == ("z" in channel)


@pytest.mark.parametrize("montage", MONTAGES)
def test_a_mirrored_window_is_the_montage_of_a_mirrored_head(montage: str) -> None:
    """Whatever the electrodes hold, and whichever way round the montage has its pairs."""
    channels = named(montage).channels
    electrodes = {name: torch.randn(8) for channel in channels for name in channel.split("-")}
    other_side = str.maketrans("12345678", "21436587")

    def derived(head: Mapping[str, torch.Tensor]) -> torch.Tensor:
        parts = [channel.split("-") for channel in channels]
        return torch.stack([head[first] - (head[rest[0]] if rest else 0) for first, *rest in parts])

    window = derived(electrodes)
    image = derived({name: electrodes[name.translate(other_side)] for name in electrodes})
    found, _ = Augmentation(replace(OFF, mirror_share=1), channels, 0, RATE_HZ)(batch_of(window[None]), 0)
    torch.testing.assert_close(found[0], image, rtol=0, atol=0)


def test_a_montage_without_mirror_image_is_refused() -> None:
    """F7 alone has no F8."""
    with pytest.raises(InputError, match="F8"):
        mirrored(("F7", "Cz"))


@pytest.mark.parametrize(
    "config",
    [
        AugmentConfig(),
        replace(OFF, background_share=0.4),
        replace(OFF, band_noise_uv=5.0),
        replace(OFF, line_noise_uv=5.0),
    ],
)
def test_the_draw_depends_on_seed_and_batch_alone(config: AugmentConfig) -> None:
    """The same batch gives the same windows again; another batch, and another seed, others."""
    batch = batch_of(torch.randn(8, 2, 128))
    assert torch.equal(change(config, batch, 5), change(config, batch, 5))
    assert not torch.equal(change(config, batch, 5), change(config, batch, 6))
    assert not torch.equal(change(config, batch, 5), change(config, batch, 5, seed=4))


def test_everything_off_changes_nothing() -> None:
    """Zero means none, whatever the channels are called."""
    batch = batch_of(torch.randn(4, 1, 100))
    signal_uv, valid_channels = Augmentation(OFF, ("anything",), 0, RATE_HZ)(batch, 1)
    assert torch.equal(signal_uv, batch.signal_uv)
    assert torch.equal(valid_channels, batch.valid_channels)


def test_a_gain_is_one_factor_for_a_window() -> None:
    """Between half and double for one octave, and not all alike."""
    batch = batch_of(torch.randn(32, 2, 128))
    factors = change(replace(OFF, gain_octaves=1.0), batch) / batch.signal_uv
    own = factors[:, :1, :1]
    torch.testing.assert_close(factors, own.expand_as(factors))
    assert float(own.min()) >= 0.5
    assert float(own.max()) <= 2.0
    assert float(own.max() / own.min()) > 2


def test_a_lost_channel_is_absent_and_the_others_are_untouched() -> None:
    """About three in ten of 960 channels, zero and marked; what noise is added later does not reach them."""
    batch = batch_of(torch.randn(160, 6, 16) + 10)
    found, valid = changed(replace(OFF, dropout_share=0.3), batch)
    assert torch.equal(found[valid], batch.signal_uv[valid])
    assert not found[~valid].any()
    assert 0.25 < float((~valid).float().mean()) < 0.35
    noisy, valid = changed(replace(OFF, dropout_share=0.3, line_noise_uv=5.0, background_share=0.4), batch)
    assert not noisy[~valid].any()


def test_some_channel_is_always_left() -> None:
    """However many are lost; one that the recording lacks does not come back."""
    batch = batch_of(torch.randn(200, 3, 16) + 10)
    batch.valid_channels[:, 1] = False
    _, valid = changed(replace(OFF, dropout_share=0.9), batch)
    assert bool(valid.any(dim=1).all())
    assert not valid[:, 1].any()
    assert int((valid.sum(dim=1) == 1).sum()) > 20


def test_what_a_recording_lacks_changes_places_with_the_channels() -> None:
    """In a mirrored window, F1 is absent where F2 was."""
    batch = batch_of(torch.randn(64, 2, 16) + 10)
    batch.valid_channels[:, 1] = False
    found, valid = changed(replace(OFF, mirror_share=0.5), batch)
    flipped = (found[:, 0] == 0).all(dim=1)
    assert torch.equal(valid, torch.stack([~flipped, flipped], dim=1))
    assert 16 < int(flipped.sum()) < 48


def test_mirrored_windows_are_whole_windows_with_exchanged_channels() -> None:
    """Each is the window or its mirror image; about half are."""
    batch = batch_of(torch.randn(64, 2, 16))
    found = change(replace(OFF, mirror_share=0.5), batch)
    same, flipped = ((found == s).all(dim=2).all(dim=1) for s in (batch.signal_uv, batch.signal_uv.flip(1)))
    assert bool((same ^ flipped).all())
    assert 16 < int(flipped.sum()) < 48


def test_what_is_mixed_in_is_background_and_the_smaller_part() -> None:
    """Of each window at least six tenths are left, and no ictal window is found in another."""
    signal = torch.diag_embed(torch.ones(8)).unsqueeze(1)[:, 0].unsqueeze(1)  # window n is a pulse at sample n
    found = change(replace(OFF, background_share=0.4), batch_of(signal, ictal=(0, 1, 2, 3)))[:, 0]
    own = found.diagonal()
    assert bool((own >= 0.6).all())
    torch.testing.assert_close(found.sum(dim=1), torch.ones(8))
    others = found - torch.diag(own)
    assert bool((others[:, :4] == 0).all())
    assert bool((others[:4, 4:].sum(dim=1) > 0).all())


def test_a_batch_without_pure_background_is_not_mixed() -> None:
    """Nothing is taken instead."""
    batch = batch_of(torch.randn(3, 1, 16), ictal=(0, 1, 2))
    assert torch.equal(change(replace(OFF, background_share=0.4), batch), batch.signal_uv)


def test_band_noise_lies_in_one_octave_and_is_no_louder_than_asked_for() -> None:
    """By the spectrum of what was added to silence; channels get noise of their own."""
    noise = change(replace(OFF, band_noise_uv=5.0), batch_of(torch.zeros(40, 2, 4 * RATE_HZ)))
    power = torch.fft.rfft(noise).abs().square()
    hertz = torch.fft.rfftfreq(4 * RATE_HZ, 1 / RATE_HZ)
    for window in power.sum(dim=1):
        held = hertz[window > 1e-6 * window.max()]
        assert held.min() >= 1
        assert held.max() <= 2 * held.min() + 0.5
    level = noise.square().mean(dim=2).sqrt()
    assert float(level.max()) <= 5
    assert float(level.max()) > 4
    assert not torch.equal(noise[:, 0], noise[:, 1])


def test_line_noise_is_a_sine_of_the_mains_and_no_larger_than_asked_for() -> None:
    """All of its power is at 50 Hz."""
    noise = change(replace(OFF, line_noise_uv=3.0, line_hz=50.0), batch_of(torch.zeros(8, 2, 2 * RATE_HZ)))
    power = torch.fft.rfft(noise).abs().square()
    mains = torch.fft.rfftfreq(2 * RATE_HZ, 1 / RATE_HZ) == 50
    assert float(power[..., ~mains].sum() / power.sum()) < 1e-9
    assert float(noise.abs().max()) <= 3
    with pytest.raises(InputError, match="line_hz"):
        Augmentation(replace(OFF, line_noise_uv=1.0, line_hz=64.0), CHANNELS, 0, RATE_HZ)


@given(recordings(max_samples=70), st.integers(0, 3), st.integers(1, 12), st.integers(0, 9))
@settings(max_examples=60)
def test_a_shifted_window_stays_what_it_was_drawn_as(
    corpus: list[IndexedRecording], margin: int, most: int, number: int
) -> None:
    """Inside its recording, no further than asked for; seizure windows hold a seizure, background none."""
    index = build(corpus, WindowGrid(length_samples=12, stride_samples=5), LabelRule(margin_samples=margin))
    windows = np.arange(index.windows)
    shift = OnsetShift(most_samples=most, seed=1).samples(index, windows, number)
    assert (np.abs(shift) <= most).all()
    recording, start = index.locate(windows)
    begin = start + shift
    stays = shift == 0
    assert (begin >= 0).all()
    assert (begin + 12 <= np.maximum(index.lengths[recording], start + 12)).all()  # no more padding than before
    labels, weights = step_labels(index, windows, 1, shift)
    seizure = index.stratum_of(windows) < len(SEIZURE)
    assert ((labels * weights).any(axis=1) == seizure)[~stays | seizure].all()
    for window in np.flatnonzero(~stays & ~seizure).tolist():
        spans = corpus[recording[window]].seizures.tolist()
        assert not any(a < begin[window] + 12 and begin[window] < b for a, b in spans)


def test_labels_move_with_the_signal() -> None:
    """Signal, labels and padding of a shifted window are those of the recording from its place on."""
    corpus = many_recordings(2, 2, 3)
    index = build(corpus, WindowGrid(length_samples=600, stride_samples=100))
    stored = [NoisySource(r.samples, r.seizures, n) for n, r in enumerate(corpus)]
    dataset = WindowDataset(index, stored, 50)  # type: ignore[arg-type]
    windows = index.seizure_windows[:40]
    shift = OnsetShift(most_samples=90, seed=0).samples(index, windows, 0)
    assert len(np.unique(shift)) > 10
    batch = dataset.shifted(windows, shift)
    recording, start = index.locate(windows)
    for n, (r, begin) in enumerate(zip(recording.tolist(), (start + shift).tolist(), strict=True)):
        assert np.array_equal(batch.signal_uv[n].numpy(), stored[r].read_uv(begin, 600))
        ictal = np.zeros(corpus[r].samples + 700, dtype=np.float32)
        for onset, stop in corpus[r].seizures:
            ictal[onset:stop] = 1
        inside = min(600, corpus[r].samples - begin)
        assert int(batch.valid_samples[n]) == inside
        share = ictal[begin : begin + 600].reshape(-1, 50).mean(axis=1)
        assert np.allclose((batch.labels * batch.weights)[n].numpy(), share)
