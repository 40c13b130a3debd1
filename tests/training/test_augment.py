"""Augmentation keeps what a label says."""

from __future__ import annotations

import pytest
import torch

from ictal.errors import InputError
from ictal.recordings.montages import named
from ictal.training.augment import Augmentation, AugmentConfig, mirrored


@pytest.mark.parametrize("montage", ["referential-19", "double-banana-18"])
def test_mirroring_twice_changes_nothing_and_once_exchanges_the_sides(montage: str) -> None:
    """Fp1 and Fp2 change places, the midline stays."""
    channels = named(montage).channels
    mirror = mirrored(channels)
    assert [mirror[place] for place in mirror] == list(range(len(channels)))
    for channel, place in zip(channels, mirror, strict=True):
        assert (place == channels.index(channel)) == ("z" in channel)


def test_a_montage_without_mirror_image_is_refused() -> None:
    """F7 alone has no F8."""
    with pytest.raises(InputError, match="F8"):
        mirrored(("F7", "Cz"))


def test_the_draw_depends_on_seed_and_step_alone() -> None:
    """The same step gives the same windows again, another step others."""
    signal = torch.randn(4, 2, 100)
    augment = Augmentation(AugmentConfig(), ("Fp1", "Fp2"), 3)
    assert torch.equal(augment(signal, 5), augment(signal, 5))
    assert not torch.equal(augment(signal, 5), augment(signal, 6))


def test_everything_off_changes_nothing() -> None:
    """Zero means none."""
    signal = torch.randn(4, 1, 100)
    config = AugmentConfig(gain_octaves=0, mirror_share=0, dropout_share=0)
    assert torch.equal(Augmentation(config, ("anything",), 0)(signal, 1), signal)
