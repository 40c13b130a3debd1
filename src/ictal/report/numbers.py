"""Numbers as a reader meets them: units, enough digits and no more, and "undefined" with its reason instead of NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

FALSE_ALARM_TARGETS = (1, 2, 5, 10, 24, 50, 100)
"""Rates per 24 h within which the best sensitivity is told."""
UNDEFINED = "undefined"
WHY_UNDEFINED: Mapping[str, str] = MappingProxyType(
    {
        "sensitivity": "no reference event to find",
        "precision": "nothing was detected",
        "f1": "neither a reference event nor a detection",
        "false_alarms_per_24h": "no time was scored",
        "window_auroc": "only one class among the scored windows",
        "window_auprc": "no seizure among the scored windows",
        "ece": "nothing was scored",
    }
)
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_undefined(value: float | None) -> bool:
    """Whether a ratio has no value."""
    return value is None or math.isnan(value)


def undefined(key: str) -> str:
    """How an undefined value is shown."""
    return f"{UNDEFINED} ({WHY_UNDEFINED[key]})" if key in WHY_UNDEFINED else UNDEFINED


def ratio(document: Mapping[str, Any], key: str, digits: int = 2) -> str:
    """A ratio of a document, or why it is undefined."""
    value: float | None = document[key]
    return undefined(key) if value is None or math.isnan(value) else f"{value:.{digits}f}"


def decimal(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals."""
    return UNDEFINED if value is None or math.isnan(value) else f"{value:z.{digits}f}"


def count(value: float) -> str:
    """A whole number with commas between thousands."""
    return f"{value:z,.0f}"


def percent(value: float | None) -> str:
    """A share in percent with two significant digits at least."""
    if value is None or math.isnan(value):
        return UNDEFINED
    share = 100 * value
    digits = 0 if share in {0.0, 100.0} else 1 if share >= 1 else 2 - math.floor(math.log10(share)) - 1
    return f"{share:.{digits}f}\u202f%" if digits <= 4 else f"{power_of_ten(math.log10(share))}\u202f%"


def level(share: float) -> str:
    """The level of intervals, in whole percent."""
    return f"{100 * share:.0f}\u202f%"


def power_of_ten(log10_value: float) -> str:
    """A number as 2 × 10⁻³⁶, given by its logarithm."""
    exponent = math.floor(log10_value)
    mantissa = round(10 ** (log10_value - exponent))
    if mantissa == 10:
        mantissa, exponent = 1, exponent + 1
    return f"{mantissa}\u202f×\u202f10{str(exponent).translate(_SUPERSCRIPT)}"


def chance(probability: float, log10_probability: float | None) -> str:
    """A probability that may be far below what a float holds, or impossible."""
    if log10_probability is None:
        return "impossible"
    return percent(probability) if log10_probability > -5 else power_of_ten(log10_probability)


def duration(seconds: float) -> str:
    """A duration as 45 s, 3 min 20 s or 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.0f}\u202fs"
    if whole < 3600:
        return f"{whole // 60}\u202fmin {whole % 60:02d}\u202fs"
    return f"{whole // 3600}\u202fh {whole % 3600 // 60:02d}\u202fmin"


def short_names(recordings: Sequence[str]) -> dict[str, str]:
    """Recordings without their folders, where that leaves no two alike; by their ids."""
    short = {recording: recording.rsplit("/", maxsplit=1)[-1] for recording in recordings}
    return short if len(set(short.values())) == len(short) else {recording: recording for recording in recordings}


def clock(seconds: float) -> str:
    """A time from the start of a recording as h:mm:ss."""
    whole = math.floor(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def nice_step(extent: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that divides `extent` into at most so many steps."""
    power = 10.0 ** math.floor(math.log10(extent / most))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if extent / step <= most)


def any_value(name: str, value: object) -> str:
    """A value of a table whose columns are not known beforehand, by its type and its name."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        is_share = any(word in name for word in ("share", "prevalence", "chance", "probability", "batches_without"))
        return percent(value) if is_share else decimal(value)
    return str(value)


def compact(values: npt.NDArray[np.int64], separator: str = " ") -> str:
    """Whole numbers for an SVG path, without the separators that a minus sign makes needless."""
    return separator.join(map(str, values.tolist())).replace(f"{separator}-", "-")
