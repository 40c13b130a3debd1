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
