"""Channel names: one canonical name for each electrode and each bipolar pair, whatever the recorder called it.

| in the file | canonical | rule |
|---|---|---|
| `EEG FP1-REF`, `EEG FP1-LE`, `EEG Fp1`, `Fp1-Avg` | `Fp1` | kind and common reference dropped, 10-10 spelling |
| `Fp1.`, `C3..` | `Fp1`, `C3` | padding dots dropped |
| `T7` `T8` `P7` `P8` | `T3` `T4` `T5` `T6` | the 10-20 names that TUSZ uses |
| `FP1-F7`, `EEG T8-P8` | `Fp1-F7`, `T4-T6` | a pair of two electrodes stays a pair, in its order |
| `EKG1`, `EEG EKG1-REF`, `PHOTIC-REF`, `1`, `-` | `EKG1`, `EKG1`, `PHOTIC`, `1`, `-` | no electrode: name kept |

Source: ACNS guideline 2 (10-10 nomenclature).
"""

from __future__ import annotations

import functools
import re

SCALP_19: tuple[str, ...] = (
    *("Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1"),
    *("Fz", "Cz", "Pz"),
    *("Fp2", "F4", "C4", "P4", "F8", "T4", "T6", "O2"),
)

_RENAMED = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}
_COMMON_REFERENCES = ("REF", "LE", "AVG", "AR")
_KIND = re.compile(r"^EEG\s+", re.IGNORECASE)
_REFERENCE = re.compile(rf"\s*-\s*({'|'.join(_COMMON_REFERENCES)})$", re.IGNORECASE)


def _positions() -> tuple[str, ...]:
    rows = ("AF", "F", "FC", "FT", "C", "T", "CP", "TP", "P", "PO", "O", "Fp", "I")
    lateral = [f"{row}{place}" for row in rows for place in range(1, 11)]
    return (*lateral, *(f"{row}z" for row in rows), "A1", "A2", "M1", "M2", "Nz")


_SPELLING = {position.upper(): _RENAMED.get(position, position) for position in _positions()}


@functools.cache
def canonical(label: str) -> str:
    """The canonical name of a channel; see the module's table."""
    bare = _REFERENCE.sub("", _KIND.sub("", label.strip()))
    bare = bare.rstrip(".") or bare
    parts = [part.strip() for part in bare.split("-")]
    electrodes = [_SPELLING[part.upper()] for part in parts if part.upper() in _SPELLING]
    return "-".join(electrodes) if len(electrodes) == len(parts) <= 2 else bare


def reference(label: str) -> str:
    """The common reference that a label names (`REF`, `LE`, `AR`, `AVG`), or nothing."""
    found = _REFERENCE.search(label.strip())
    return found.group(1).upper() if found else ""


@functools.cache
def is_scalp(label: str) -> bool:
    """Whether a channel is one of the 19 scalp electrodes, or a pair of two of them."""
    parts = canonical(label).split("-")
    return len(parts) <= 2 and all(part in SCALP_19 for part in parts)
