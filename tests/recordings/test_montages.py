"""Montages derived from what was recorded, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ictal.errors import InputError
from ictal.recordings import edf
from ictal.recordings.channels import SCALP_19
from ictal.recordings.montages import MONTAGES, derive, missing, named
from tests.reference.edf_bytes import Channel, constant, edf_bytes

TUSZ = [f"EEG {name.upper()}-REF" for name in SCALP_19]
BANANA = MONTAGES["double-banana-18"].channels


def header_of(folder: Path, channels: list[Channel]) -> edf.Header:
    path = folder / "x.edf"
    path.write_bytes(edf_bytes(channels))
    return edf.read_header(path)


def numbered(labels: list[str]) -> list[Channel]:
    return [constant(label, value=10 * (number + 1)) for number, label in enumerate(labels)]


def derived(name: str, header: edf.Header) -> dict[str, float]:
    derivation = derive(MONTAGES[name], header)
    values = derivation.matrix @ edf.read_uv(header, derivation.labels)
    return dict(zip(derivation.channels, values[:, 0].tolist(), strict=True))


def test_referential_is_the_electrodes_in_the_montages_order(tmp_path):
    """The file's order and its extra channels do not matter."""
    header = header_of(tmp_path, numbered(["EKG1", *reversed(TUSZ)]))
    got = derived("referential-19", header)
    assert list(got) == list(SCALP_19)
    assert got["O2"] == pytest.approx(2.0, abs=1e-4)
    assert got["Fp1"] == pytest.approx(20.0, abs=1e-4)


def test_average_is_against_the_mean_of_the_19(tmp_path):
    """The channels of an average montage sum to zero."""
    got = derived("average-19", header_of(tmp_path, numbered(TUSZ)))
    assert sum(got.values()) == pytest.approx(0, abs=1e-3)
    assert got["Fp1-Avg"] == pytest.approx(1 - 10, abs=1e-3)


def test_a_pair_is_the_difference_of_two_electrodes(tmp_path):
    """All 18, from a referential recording."""
    values = dict(zip(SCALP_19, range(1, 20), strict=True))
    got = derived("double-banana-18", header_of(tmp_path, numbered(TUSZ)))
    assert list(got) == list(BANANA)
    for pair, value in got.items():
        first, second = pair.split("-")
        assert value == pytest.approx(values[first] - values[second], abs=1e-3)


def test_a_pair_of_a_bipolar_recording_is_the_channel_itself(tmp_path):
    """CHB-MIT: newer names, a label twice, a dummy channel, further pairs."""
    chb = [pair.upper().replace("T3", "T7").replace("T4", "T8") for pair in BANANA]
    chb = [pair.replace("T5", "P7").replace("T6", "P8") for pair in chb]
    header = header_of(tmp_path, numbered([*chb, "P7-T7", "-", "T8-P8"]))
    derivation = derive(MONTAGES["double-banana-18"], header)
    np.testing.assert_array_equal(derivation.matrix, np.eye(18, dtype=np.float32))
    got = derived("double-banana-18", header)
    assert got["T4-T6"] == pytest.approx(1 + chb.index("T8-P8"), abs=1e-4)


@pytest.mark.parametrize("name", ["referential-19", "average-19"])
def test_electrodes_cannot_come_from_pairs(tmp_path, name):
    """Incident c9: refused by name, with the montage that works; never an empty result."""
    header = header_of(tmp_path, numbered(list(BANANA)))
    with pytest.raises(InputError, match="lacks Fp1, F3") as caught:
        derive(MONTAGES[name], header)
    assert caught.value.code == "channel-missing"
    assert caught.value.remedy == "use montage double-banana-18"


def test_missing_electrodes_are_refused_by_name(tmp_path):
    """Incident c7: exactly Fz and Pz are missing in 249 files of TUSZ; they are not filled in."""
    labels = [label for label in TUSZ if label not in {"EEG FZ-REF", "EEG PZ-REF"}]
    header = header_of(tmp_path, numbered([*labels, "EEG EKG1-REF"]))
    for montage in MONTAGES.values():
        if montage.name.startswith("tcp"):
            continue  # made without Fz and Pz
        assert set(missing(montage, header)) == {"Fz", "Pz"}
        with pytest.raises(InputError, match=r"lacks .*Fz"):
            derive(montage, header)


def test_two_labels_for_one_electrode_are_refused(tmp_path):
    """Which of T3 and T7 is meant cannot be known."""
    header = header_of(tmp_path, numbered([*TUSZ, "EEG T7-REF"]))
    with pytest.raises(InputError, match="Two channels are both T3") as caught:
        derive(MONTAGES["referential-19"], header)
    assert caught.value.code == "channel-ambiguous"


def test_electrodes_of_two_rates_are_refused_but_extras_may_have_their_own(tmp_path):
    """Only the channels of the montage need one rate."""
    extra = constant("EKG1", samples=9)
    assert derive(MONTAGES["referential-19"], header_of(tmp_path, [*numbered(TUSZ), extra])).rate_hz == 4
    odd = [*numbered(TUSZ[:-1]), constant(TUSZ[-1], samples=8)]
    with pytest.raises(InputError, match="different rates"):
        derive(MONTAGES["referential-19"], header_of(tmp_path, odd))


def test_an_unknown_montage_is_refused_with_the_list():
    """Names come from configuration."""
    assert named("average-19") is MONTAGES["average-19"]
    with pytest.raises(InputError, match="referential-19, average-19, laplacian-19, double-banana-18, tcp-ar-22"):
        named("banana")


def without(*names: str) -> list[str]:
    return [label for label in TUSZ if label.split()[1].split("-")[0] not in {name.upper() for name in names}]


def policy_values(name: str, header: edf.Header, policy: str) -> tuple[dict[str, float], dict[str, str]]:
    derivation = derive(MONTAGES[name], header, policy=policy)
    values = derivation.matrix @ edf.read_uv(header, derivation.labels)
    channels = derivation.channels
    return dict(zip(channels, values[:, 0].tolist(), strict=True)), dict(
        zip(channels, derivation.validity, strict=True)
    )


def test_a_laplacian_is_against_the_mean_of_the_neighbours(tmp_path):
    """Hjorth's local source derivation: what all electrodes share is gone."""
    header = header_of(tmp_path, [constant(label, value=700 if "CZ" in label else 300) for label in TUSZ])
    got = derived("laplacian-19", header)
    assert got["Cz-Lap"] == pytest.approx(40, abs=1e-2)
    assert got["Fz-Lap"] == pytest.approx(-40 / 3, abs=1e-2)
    assert got["O1-Lap"] == pytest.approx(0, abs=1e-2)


def test_tcp_needs_the_ears_in_ar_and_not_in_ar_a(tmp_path):
    """TUSZ: 22 pairs, or 20 without A1 and A2."""
    bare = header_of(tmp_path, numbered(TUSZ))
    assert len(derive(MONTAGES["tcp-ar-a-20"], bare).channels) == 20
    with pytest.raises(InputError, match="lacks A1, A2"):
        derive(MONTAGES["tcp-ar-22"], bare, policy="interpolate")
    ears = header_of(tmp_path, numbered([*TUSZ, "EEG A1-REF", "EEG A2-REF"]))
    assert derive(MONTAGES["tcp-ar-22"], ears).channels[8] == "A1-T3"


def test_a_masked_channel_is_absent_and_the_others_are_measured(tmp_path):
    """The validity travels with the data."""
    header = header_of(tmp_path, numbered(without("Fz", "Pz")))
    got, validity = policy_values("double-banana-18", header, "mask")
    assert {name for name, state in validity.items() if state == "absent"} == {"Fz-Cz", "Cz-Pz"}
    assert (got["Fz-Cz"], got["Cz-Pz"]) == (0, 0)
    assert set(policy_values("double-banana-18", header_of(tmp_path, numbered(TUSZ)), "mask")[1].values()) == {
        "measured"
    }


@pytest.mark.parametrize("policy", ["mask", "interpolate"])
def test_an_average_is_of_measured_electrodes(tmp_path, policy):
    """Incident c8: zeros for what is missing would move the average of all."""
    header = header_of(tmp_path, [constant(label, value=500) for label in without("Fz", "Pz")])
    got, validity = policy_values("average-19", header, policy)
    assert got == pytest.approx(dict.fromkeys(got, 0.0), abs=1e-3)
    assert {name for name, state in validity.items() if state != "measured"} == {"Fz-Avg", "Pz-Avg"}


def test_an_interpolated_electrode_is_made_of_the_scalp_alone(tmp_path):
    """Incident c7: an EKG a thousand times as large changes nothing."""
    labels = without("Fz", "Pz")
    bare, validity = policy_values("referential-19", header_of(tmp_path, numbered(labels)), "interpolate")
    loud = [*numbered(labels), constant("EEG EKG1-REF", value=30000)]
    assert policy_values("referential-19", header_of(tmp_path, loud), "interpolate")[0] == bare
    assert {name for name, state in validity.items() if state == "interpolated"} == {"Fz", "Pz"}
    assert bare["Fz"] != 0


def test_too_much_missing_is_refused_under_any_policy(tmp_path):
    """Five of 19 are not guessed from 14, and nothing at all is no result."""
    with pytest.raises(InputError, match="lacks"):
        derive(MONTAGES["referential-19"], header_of(tmp_path, numbered(TUSZ[5:])), policy="interpolate")
    for policy in ("mask", "interpolate"):
        with pytest.raises(InputError, match="lacks"):
            derive(MONTAGES["referential-19"], header_of(tmp_path, numbered(list(BANANA))), policy=policy)


def test_electrodes_of_two_references_are_refused(tmp_path):
    """Their differences would be of the references too; the one reference is kept."""
    assert derive(MONTAGES["referential-19"], header_of(tmp_path, numbered(TUSZ))).reference == "REF"
    mixed = [*TUSZ[:-1], TUSZ[-1].replace("REF", "LE")]
    with pytest.raises(InputError, match="not against one reference"):
        derive(MONTAGES["double-banana-18"], header_of(tmp_path, numbered(mixed)))


WRITTEN_OUT = {
    "referential-19": "Fp1 F3 C3 P3 F7 T3 T5 O1 Fz Cz Pz Fp2 F4 C4 P4 F8 T4 T6 O2",
    "average-19": "Fp1-Avg F3-Avg C3-Avg P3-Avg F7-Avg T3-Avg T5-Avg O1-Avg Fz-Avg Cz-Avg Pz-Avg Fp2-Avg F4-Avg C4-Avg "
    "P4-Avg F8-Avg T4-Avg T6-Avg O2-Avg",
    "laplacian-19": "Fp1-Lap F3-Lap C3-Lap P3-Lap F7-Lap T3-Lap T5-Lap O1-Lap Fz-Lap Cz-Lap Pz-Lap Fp2-Lap F4-Lap "
    "C4-Lap P4-Lap F8-Lap T4-Lap T6-Lap O2-Lap",
    "double-banana-18": "Fp1-F7 F7-T3 T3-T5 T5-O1 Fp1-F3 F3-C3 C3-P3 P3-O1 Fp2-F4 F4-C4 C4-P4 P4-O2 Fp2-F8 F8-T4 T4-T6 "
    "T6-O2 Fz-Cz Cz-Pz",
    "tcp-ar-22": "Fp1-F7 F7-T3 T3-T5 T5-O1 Fp2-F8 F8-T4 T4-T6 T6-O2 A1-T3 T3-C3 C3-Cz Cz-C4 C4-T4 T4-A2 Fp1-F3 F3-C3 "
    "C3-P3 P3-O1 Fp2-F4 F4-C4 C4-P4 P4-O2",
    "tcp-ar-a-20": "Fp1-F7 F7-T3 T3-T5 T5-O1 Fp2-F8 F8-T4 T4-T6 T6-O2 T3-C3 C3-Cz Cz-C4 C4-T4 Fp1-F3 F3-C3 C3-P3 P3-O1 "
    "Fp2-F4 F4-C4 C4-P4 P4-O2",
}
"""The channels of every montage, in their order: of the incident's parent project, of ACNS and of TUSZ's documents."""
NEIGHBOURS = """
Fp1: Fp2 F3 F7 | Fp2: Fp1 F4 F8 | F7: Fp1 F3 T3 | F3: Fp1 F7 Fz C3 | Fz: F3 F4 Cz | F4: Fp2 F8 Fz C4 | F8: Fp2 F4 T4
T3: F7 C3 T5 | C3: F3 T3 Cz P3 | Cz: Fz C3 C4 Pz | C4: F4 T4 Cz P4 | T4: F8 C4 T6
T5: T3 P3 O1 | P3: C3 T5 Pz O1 | Pz: Cz P3 P4 | P4: C4 T6 Pz O2 | T6: T4 P4 O2 | O1: O2 P3 T5 | O2: O1 P4 T6
"""
"""Nearest electrodes of the 10-20 grid, in each direction in which there is one."""


def test_there_are_no_montages_but_these():
    """A montage without a written-out expectation would be untested."""
    assert {name: " ".join(montage.channels) for name, montage in MONTAGES.items()} == WRITTEN_OUT


def _expected(channel: str, uv: dict[str, float]) -> float:
    """What a channel is, worked out from its name alone."""
    electrode, _, against = channel.partition("-")
    if against == "Avg":
        return uv[electrode] - sum(uv[name] for name in SCALP_19) / 19
    if against == "Lap":
        around = _neighbours()[electrode]
        return uv[electrode] - sum(uv[name] for name in around) / len(around)
    return uv[electrode] - uv[against] if against else uv[electrode]


def _neighbours() -> dict[str, list[str]]:
    entries = NEIGHBOURS.replace("\n", "|").split("|")
    return {
        name.strip(): around.split() for name, colon, around in (entry.partition(":") for entry in entries) if colon
    }


@pytest.mark.parametrize("name", MONTAGES)
def test_every_channel_of_every_montage_is_what_its_name_says(tmp_path, name):
    """Thousands of random potentials would say no more than one: the derivation is linear and each weight is seen."""
    potentials = np.random.default_rng(5).permutation(3000)[: 19 + 3] - 1500
    labels = [*TUSZ, "EEG A1-REF", "EEG A2-REF", "EEG EKG1-REF"]
    channels = [constant(label, value=int(value)) for label, value in zip(labels, potentials, strict=True)]
    uv = dict(zip((*SCALP_19, "A1", "A2"), (0.1 * potentials[:-1]).tolist(), strict=True))
    got = derived(name, header_of(tmp_path, channels))
    assert got == pytest.approx({channel: _expected(channel, uv) for channel in WRITTEN_OUT[name].split()}, abs=1e-3)


def test_being_a_neighbour_is_mutual():
    """The Laplacian's table has no one-sided slip, and left mirrors right."""
    around = _neighbours()
    assert set(around) == set(SCALP_19)
    assert all(name in around[other] for name, others in around.items() for other in others)
    mirror = str.maketrans("12345678", "21436587")
    assert all(
        {o.translate(mirror) for o in others} == set(around[n.translate(mirror)]) for n, others in around.items()
    )


@pytest.mark.parametrize("electrode", SCALP_19)
def test_an_electrode_under_two_labels_is_refused_whichever_it_is(tmp_path, electrode):
    """Against two references, or with an older and a newer name: which is meant cannot be known."""
    header = header_of(tmp_path, numbered([*TUSZ, f"{electrode}-LE"]))
    for name in ("referential-19", "average-19", "laplacian-19"):
        with pytest.raises(InputError, match=f"Two channels are both {electrode}") as caught:
            derive(MONTAGES[name], header)
        assert caught.value.code == "channel-ambiguous"


def test_a_pair_under_two_labels_is_refused(tmp_path):
    """`T8-P8` and `T4-T6` are one pair; the same label twice is one channel."""
    header = header_of(tmp_path, numbered([*BANANA, "T8-P8"]))
    with pytest.raises(InputError, match="Two channels are both T4-T6"):
        derive(MONTAGES["double-banana-18"], header)
