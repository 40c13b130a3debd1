"""The vocabulary of annotations: every label is a seizure, background, or unknown, and unknown stops.

Sources: TUSZ's seizure types (the corpus's DOCS) and HED-SCORE's `sz` tree (ILAE 2017) as SzCORE writes it. `nesz`, the
non-epileptic seizure, is unknown on purpose: whether it counts is a choice that must be stated.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_FOCAL_ONSETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "m": ("automatisms", "atonic", "clonic", "hyperkinetic", "myoclonic", "spasms", "tonic"),
        "nm": ("autonomic", "behavior", "cognitive", "emotional", "sensory"),
    }
)
_GENERALIZED_ONSETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "m": ("tonicClonic", "atonic", "clonic", "myoclonic", "spasms", "tonic"),
        "nm": ("typical", "atypical", "myoclonic"),
    }
)
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "m": "motor",
        "nm": "non-motor",
        "tonicClonic": "tonic-clonic",
        "spasms": "epileptic spasms",
        "behavior": "behaviour arrest",
        "typical": "typical absence",
        "atypical": "atypical absence",
    }
)


@dataclass(frozen=True, kw_only=True)
class SeizureType:
    """A type of seizure by the ILAE's classification of 2017.

    Args:
        label: HED-SCORE's word for it.
        title: The same for people.
        group: Where it begins.
    """

    label: str
    title: str
    group: str


def _onsets(label: str, title: str, group: str, onsets: Mapping[str, Sequence[str]]) -> Iterator[SeizureType]:
    """A type, and those that it divides into by what is seen at its onset."""
    yield SeizureType(label=label, title=title, group=group)
    for kind, signs in onsets.items():
        yield SeizureType(label=f"{label}_{kind}", title=f"{title}, {_WORDS[kind]}", group=group)
        for sign in signs:
            word = f"{title}, {_WORDS[kind]}: {_WORDS.get(sign, sign)}"
            yield SeizureType(label=f"{label}_{kind}_{sign}", title=word, group=group)


SEIZURE_TYPES: tuple[SeizureType, ...] = (
    SeizureType(label="sz", title="not stated", group="Seizure"),
    SeizureType(label="sz_foc", title="focal", group="Focal onset"),
    SeizureType(label="sz_foc_f2b", title="focal to bilateral tonic-clonic", group="Focal onset"),
    *_onsets("sz_foc_a", "focal aware", "Focal onset", _FOCAL_ONSETS),
    *_onsets("sz_foc_ia", "focal, awareness impaired", "Focal onset", _FOCAL_ONSETS),
    *_onsets("sz_gen", "generalised", "Generalised onset", _GENERALIZED_ONSETS),
    *_onsets("sz_uo", "unknown onset", "Unknown onset", {"m": (), "nm": ()}),
)
"""Types that a reviewer can choose; an annotation may name others."""
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
