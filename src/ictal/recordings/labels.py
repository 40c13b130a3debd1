"""The vocabulary of annotations: every label is a seizure, background, or unknown, and unknown stops.

Sources: TUSZ's seizure types (the corpus's DOCS) and HED-SCORE's `sz` tree (ILAE 2017) as SzCORE writes it. `nesz`, the
non-epileptic seizure, is unknown on purpose: whether it counts is a choice that must be stated.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType

from ictal.errors import InputError

TUSZ_SEIZURES = frozenset(["seiz", "fnsz", "gnsz", "spsz", "cpsz", "absz", "tnsz", "cnsz", "tcsz", "atsz", "mysz"])
BACKGROUND = "bckg"
UNTYPED = "seiz"
"""TUSZ's label for a seizure of no stated type."""
NO_MAPPING: Mapping[str, str] = MappingProxyType({})

_HED_SCORE: Mapping[str, str] = MappingProxyType(
    {
        "seiz": "sz",
        "fnsz": "sz_foc",
        "spsz": "sz_foc_a",
        "cpsz": "sz_foc_ia",
        "gnsz": "sz_gen",
        "absz": "sz_gen_nm",
        "tnsz": "sz_gen_m_tonic",
        "cnsz": "sz_gen_m_clonic",
        "tcsz": "sz_gen_m_tonicClonic",
        "atsz": "sz_gen_m_atonic",
        "mysz": "sz_gen_m_myoclonic",
    }
)
"""TUSZ's types; a simple partial seizure is focal with awareness, a complex one with impaired awareness (ILAE 2017)."""
_HED_SCORE_SEIZURE = re.compile(r"sz(_[A-Za-z0-9]+)*")  # sz, sz_foc_ia, sz_foc_f2b, sz_gen_m_tonicClonic


class Kind(enum.Enum):
    """What a label says about the time it covers."""

    SEIZURE = "seizure"
    BACKGROUND = "background"


def kind_of(label: str, *, where: str, mapping: Mapping[str, str] = NO_MAPPING) -> Kind:
    """What a label means.

    Args:
        label: The label as it stands in the file.
        where: File and line, for the message.
        mapping: Labels to read as another label (`corpus.label_mapping`), for example `{"nesz": "bckg"}`.

    Raises:
        InputError: if the label is neither a seizure nor background (code `label-unknown`).
    """
    known = _known(mapping.get(label, label))
    if known is None:
        raise _unknown(label, where, mapping)
    return known


def hed_score(label: str) -> str:
    """A seizure label in HED-SCORE's words, as SzCORE writes them; HED-SCORE's own are left as they are."""
    return _HED_SCORE.get(label, label)


def is_known(label: str) -> bool:
    """Whether a label says by itself that it is a seizure or background."""
    return _known(label) is not None


def _known(label: str) -> Kind | None:
    if label == BACKGROUND:
        return Kind.BACKGROUND
    if label in TUSZ_SEIZURES or _HED_SCORE_SEIZURE.fullmatch(label):
        return Kind.SEIZURE
    return None


def _unknown(label: str, where: str, mapping: Mapping[str, str]) -> InputError:
    mapped = f", mapped to {mapping[label]!r}" if label in mapping else ""
    return InputError(
        f"The label {label!r} is neither a seizure nor background",
        where=where,
        got=f"{label!r}{mapped}",
        expected=f"{BACKGROUND}, {', '.join(sorted(TUSZ_SEIZURES))} or an HED-SCORE type sz, sz_foc, sz_gen, ...",
        remedy=f"say what it means: --corpus.label_mapping.{label} {BACKGROUND} (or seiz); audit: --label-mapping",
        code="label-unknown",
    )
