"""Train and prove EEG seizure detectors on corpora where seizures are rare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from ictal.recipes.api import ReadyDetector

__all__ = ["load"]


def load(model: str | os.PathLike[str] = "tiny", *, device: str = "cpu") -> ReadyDetector:
    """A detector that is ready to use: `ictal.load(model).detect(recording)`.

    What must be known of the model is logged as a warning, once.

    Args:
        model: Folder of an evaluated run or of an exported model, or `tiny`, which comes with the program and has
            learnt from little but synthetic EEG.
        device: torch device to compute on.

    Raises:
        ictal.errors.InputError: if there is no detector, it has no threshold, or the device cannot be used.
    """
    from ictal.recipes import api  # noqa: PLC0415 - `import ictal` stays light: torch comes with the first model

    return api.load(model, device=device)
