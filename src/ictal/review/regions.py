"""Where on the head a channel lies, for its colour: chains of the double banana, which other montages follow."""

from __future__ import annotations

import functools
import re

from ictal.recordings.channels import canonical

_ELECTRODE = re.compile(r"(Fp|AF|F|FC|FT|C|T|CP|TP|P|PO|O|I|A|M|N)(\d+|z)")
_TEMPORAL = frozenset({"F7", "F8", "T3", "T4", "T5", "T6", "T1", "T2", "A1", "A2", "FT9", "FT10"})
_DERIVED = frozenset({"Avg", "Lap"})


@functools.cache
def region(channel: str) -> str:
    """`left-temporal`, `left`, `midline`, `right`, `right-temporal`; `other` for what is no electrode.

    A pair is temporal if one of its electrodes is, and on the side of the first that has one.
    """
    electrodes = [part for part in canonical(channel).split("-") if part not in _DERIVED]
    if not electrodes or not all(_ELECTRODE.fullmatch(part) for part in electrodes):
        return "other"
    lateral = next((part for part in electrodes if part[-1].isdigit()), None)
    if lateral is None:
        return "midline"
    side = "left" if int(lateral[-1]) % 2 else "right"
    return f"{side}-temporal" if _TEMPORAL & set(electrodes) else side
