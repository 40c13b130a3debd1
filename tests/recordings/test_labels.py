"""The vocabulary: seizure, background, or unknown, and unknown stops."""

from __future__ import annotations

import pytest

from ictal.errors import InputError
from ictal.recordings.labels import SEIZURE_TYPES, TUSZ_SEIZURES, Kind, hed_score, kind_of


@pytest.mark.parametrize("label", sorted(TUSZ_SEIZURES))
def test_every_seizure_type_of_tusz_is_a_seizure(label):
    """Incident a3: a label set that held only `seiz`, later one without `mysz`."""
    assert kind_of(label, where="x.csv:7") is Kind.SEIZURE


@pytest.mark.parametrize("label", ["sz", "sz_foc", "sz_foc_ia", "sz_foc_f2b", "sz_gen_m_tonicClonic", "sz_uo_nm"])
def test_every_type_of_the_hed_score_tree_is_a_seizure(label):
    """ILAE 2017, as SzCORE spells it."""
    assert kind_of(label, where="x_events.tsv:2") is Kind.SEIZURE


def test_background_is_background():
    """One word in both formats."""
    assert kind_of("bckg", where="x.csv:7") is Kind.BACKGROUND


@pytest.mark.parametrize("label", ["nesz", "spkz", "SEIZ", "seizure", "szfoo", "sz_", "artf", "", "n/a", "impd"])
def test_any_other_label_stops_and_names_place_and_option(label):
    """Unknown is never background, and a wrong case is unknown."""
    with pytest.raises(InputError, match="neither a seizure nor background") as caught:
        kind_of(label, where="x.csv:7")
    assert caught.value.code == "label-unknown"
    assert caught.value.where == "x.csv:7"
    assert f"--corpus.label_mapping.{label} bckg" in caught.value.remedy


@pytest.mark.parametrize(("to", "kind"), [("bckg", Kind.BACKGROUND), ("seiz", Kind.SEIZURE)])
def test_a_stated_choice_decides_an_unknown_label(to, kind):
    """Whether a non-epileptic seizure counts is for the user to say."""
    assert kind_of("nesz", where="x", mapping={"nesz": to}) is kind


def test_a_choice_that_names_an_unknown_label_stops():
    """The message shows both."""
    with pytest.raises(InputError, match="'nesz', mapped to 'background'"):
        kind_of("nesz", where="x", mapping={"nesz": "background"})


def test_types_that_can_be_chosen_are_words_of_hed_score():
    """Each is a seizure, none is there twice, and TUSZ's types are among them."""
    offered = [one.label for one in SEIZURE_TYPES]
    assert len(set(offered)) == len(offered) == len({one.title for one in SEIZURE_TYPES})
    assert all(kind_of(label, where="") is Kind.SEIZURE for label in offered)
    assert {hed_score(label) for label in TUSZ_SEIZURES} <= set(offered)
