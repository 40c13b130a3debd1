"""`ictal export`: a folder that detects as its run does, says where it comes from, and keeps what is private."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ictal.models.detector import Detector
from ictal.recipes import detector as detectors
from ictal.recipes import graph
from tests.end_to_end.commands import FinishedRun, Terminal, recordings

LIMITS = "Made in a test: it knows nothing."


@pytest.fixture(scope="module")
def model(finished_run: FinishedRun, terminal: Terminal, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run's model folder; not to be changed."""
    out = tmp_path_factory.mktemp("models") / "mine"
    said = terminal("export", finished_run.folder, out, "--licence", "Apache-2.0", "--limits", LIMITS)
    assert said.code == 0, said.err
    return out


@pytest.fixture
def edf(finished_run: FinishedRun) -> Path:
    return recordings(finished_run.corpus, "eval", ictal=True)[0]


def test_a_model_folder_detects_as_its_run_does(
    terminal: Terminal, finished_run: FinishedRun, model: Path, edf: Path, tmp_path: Path
) -> None:
    """Byte for byte; only the model says what its limits are, once."""
    by_run = terminal("detect", edf, tmp_path / "run.tsv", "--run", finished_run.folder)
    by_model = terminal("detect", edf, tmp_path / "model.tsv", "--model", model)
    assert (tmp_path / "run.tsv").read_bytes() == (tmp_path / "model.tsv").read_bytes()
    assert (by_run.err.count(LIMITS), by_model.err.count(LIMITS)) == (0, 1)
    as_json = terminal("detect", edf, tmp_path / "again.tsv", "--model", model, "--json")
    assert as_json.document["limits"] == LIMITS
    assert as_json.err.count(LIMITS) == 1


def test_where_it_comes_from_is_kept(finished_run: FinishedRun, model: Path) -> None:
    """Hashes of plan and corpus, licence and scores are those of the run."""
    provenance = json.loads((model / "provenance.json").read_text())
    plan, evaluation = finished_run.json("plan.json"), finished_run.json("evaluation.json")
    assert [provenance[name] for name in ("corpus_hash", "plan_hash", "batches_hash")] == [
        plan[name] for name in ("index_hash", "plan_hash", "batches_hash")
    ]
    assert (provenance["licence"], provenance["limits"]) == ("Apache-2.0", LIMITS)
    assert torch.__version__.startswith(provenance["versions"]["torch"])  # a build may be named after a +
    assert provenance["training"]["backend"] == finished_run.json("backend.json")["ran"]
    assert provenance["evaluation"]["backend"] == evaluation["backend"] == "fused"
    scored, kept = evaluation["scorers"]["szcore_event"], provenance["evaluation"]["scorers"]["szcore_event"]
    assert kept.items() <= scored.items()
    assert kept["reference"] > 0


def test_what_is_private_stays_behind(finished_run: FinishedRun, model: Path) -> None:
    """No name of a patient or recording, no path, no command line."""
    truth = json.loads((finished_run.corpus / "truth.json").read_text())
    private = {one["patient"] for one in truth["recordings"]} | {str(finished_run.corpus), str(finished_run.store)}
    text = "".join((model / name).read_text() for name in ("README.md", "detector.json", "provenance.json"))
    assert {word for word in private if word in text} == set()
    assert "command" not in json.loads((model / "provenance.json").read_text())["versions"]


def test_the_card_states_what_the_run_found(finished_run: FinishedRun, model: Path) -> None:
    """Its tables are the run's numbers; that two seizures are few is said."""
    card = (model / "README.md").read_text()
    score = finished_run.json("evaluation.json")["scorers"]["szcore_event"]
    row = next(line for line in card.splitlines() if line.startswith("| szcore_event"))
    lower, upper = (score["intervals"]["sensitivity"][end] for end in ("lower", "upper"))
    assert f"| {score['sensitivity']:.2f} ({lower:.2f} to {upper:.2f}) |" in row
    assert row.endswith(f"| {score['true_positives']} of {score['reference']} |")
    parts = finished_run.json("plan.json")["splits"]
    for part, held in parts.items():
        line = f"| {part} | {held['patients']} | {held['recordings']} | {held['hours']:.2f} | {held['seizures']} |"
        assert line in card
    for said in (LIMITS, "Not for clinical use", "seizures were scored: the intervals are wide", "apache-2.0"):
        assert said in card


def test_the_card_says_how_a_logit_becomes_a_probability(model: Path) -> None:
    """By the numbers that it prints, as the detector does it."""
    card = " ".join((model / "README.md").read_text().split())
    offset, temperature, bias = (
        float(card.split(before)[1].split()[0].rstrip(",")) for before in ("add ", "divide by ", ", add ")
    )
    detector = detectors.load(model)
    raw = np.array([-3.0, 0.0, 2.0])
    prior = detector.prior
    natural, drawn = prior.natural.time_step, prior.drawn.time_step
    corrected = raw + np.log(natural / (1 - natural)) - np.log(drawn / (1 - drawn))
    by_hand = 1 / (1 + np.exp(-((raw + offset) / temperature + bias)))
    np.testing.assert_allclose(by_hand, detector.probability(corrected), atol=1e-4)


def test_a_model_folder_is_exported_again(terminal: Terminal, model: Path, tmp_path: Path) -> None:
    """With its provenance, and another licence where one is given; whose data it is from stands in the card too."""
    words = ("--licence", "CC0-1.0", "--attribution", "The recordings of A. Person")
    assert terminal("export", model, tmp_path / "again", *words).code == 0
    before, after = (json.loads((folder / "provenance.json").read_text()) for folder in (model, tmp_path / "again"))
    assert after == {**before, "licence": "CC0-1.0", "attribution": "The recordings of A. Person"}
    cards = [(folder / "README.md").read_text() for folder in (model, tmp_path / "again")]
    assert [card.count("| made from | The recordings of A. Person |") for card in cards] == [0, 1]
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()


def test_other_weights_get_no_provenance(terminal: Terminal, model: Path, tmp_path: Path) -> None:
    """Hashes, scores and licence are of the weights that they were written with; nothing is left of a failed export."""
    other = shutil.copytree(model, tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    save_file({name: value + 1 for name, value in weights.items()}, other / "model.safetensors")
    (tmp_path / "again.partial").mkdir()
    (tmp_path / "again.partial" / "thesis.txt").write_text("mine")
    said = terminal("export", other, tmp_path / "again")
    assert (said.code, "as it was written" in said.err) == (2, True)
    assert terminal("export", model, tmp_path / "again").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"other", "again", "again.partial"}
    assert (tmp_path / "again.partial" / "thesis.txt").read_text() == "mine"


def test_the_hash_is_of_the_weights_that_are_exported(model: Path) -> None:
    """Whoever has the folder can check it."""
    assert json.loads((model / "provenance.json").read_text())["weights_hash"] == weights_hash(model)


@pytest.mark.parametrize("form", ["torch-export", "onnx"])
def test_a_graph_answers_as_the_network_does(terminal: Terminal, model: Path, tmp_path: Path, form: graph.Form) -> None:
    """On windows that the export did not look at, of any length."""
    said = terminal("export", model, tmp_path / "out", "--to", form, "--json")
    assert said.code == 0, said.err
    differences = said.document["graph"]["differences"]
    assert list(differences) == [graph.LOGITS]
    assert 0 <= differences[graph.LOGITS] <= graph.TOLERANCE
    detector = detectors.load(model)
    samples = detector.config.windows.grid(detector.config.signals.rate_hz).length_samples
    generator = torch.Generator().manual_seed(7)
    for valid, lacking in ((samples, 0), (samples // 3, 2)):
        signal_uv = torch.randn((1, len(detector.channels), samples), generator=generator) * 30
        window = signal_uv, torch.tensor([valid]), torch.arange(len(detector.channels))[None] >= lacking
        with torch.no_grad():
            expected = detector.model.eval()(*window).numpy()
        answered = answers(tmp_path / "out", form, *window)
        assert list(answered) == ["logits"]
        np.testing.assert_allclose(answered["logits"], expected, atol=1e-4)


def answers(
    folder: Path, form: graph.Form, signal_uv: torch.Tensor, valid: torch.Tensor, channels: torch.Tensor
) -> dict[str, np.ndarray]:
    if form == "torch-export":
        with torch.no_grad():
            found = torch.export.load(folder / "model.pt2").module()(signal_uv, valid, channels)
        return {name: one.numpy() for name, one in found.items()}
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    fed = {"signal_uv": signal_uv.numpy(), "valid_samples": valid.numpy(), "valid_channels": channels.numpy()}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, fed), strict=True))


def weights_hash(folder: Path) -> str:
    return hashlib.blake2b((folder / "model.safetensors").read_bytes(), digest_size=16).hexdigest()


def changed(model: Path, folder: Path, **settings: object) -> Path:
    """A model folder whose network has other settings, and untrained weights."""
    card = json.loads((model / "detector.json").read_text())
    card["config"]["model"] |= settings
    shutil.copytree(model, folder)
    network = detectors.build(detectors.configs.check(card["config"], "test").model, len(card["channels"]), 0.5)
    (folder / "detector.json").write_text(json.dumps(card))
    (folder / "model.safetensors").write_bytes(detectors.serialised(dict(network.state_dict())))
    provenance = json.loads((folder / "provenance.json").read_text()) | {"weights_hash": weights_hash(folder)}
    (folder / "provenance.json").write_text(json.dumps(provenance))
    return folder


@pytest.mark.parametrize("form", ["torch-export", "onnx"])
def test_a_graph_names_types_too(terminal: Terminal, model: Path, tmp_path: Path, form: graph.Form) -> None:
    """Both outputs by name, each as the network gives it, each compared before the file is kept."""
    typed = changed(model, tmp_path / "typed", seizure_types=["fnsz", "gnsz", "absz"], steps_per_row=2)
    said = terminal("export", typed, tmp_path / "out", "--to", form, "--json")
    assert said.code == 0, said.err
    differences = said.document["graph"]["differences"]
    assert list(differences) == ["logits", "type_log_probabilities"]
    assert max(differences.values()) <= graph.TOLERANCE
    detector = detectors.load(typed)
    samples = detector.config.windows.grid(detector.config.signals.rate_hz).length_samples
    window = (
        torch.randn((1, len(detector.channels), samples), generator=torch.Generator().manual_seed(3)) * 30,
        torch.tensor([samples - 40]),
        torch.ones(1, len(detector.channels), dtype=torch.bool),
    )
    assert isinstance(detector.model, Detector)
    with torch.no_grad():
        logits, types = detector.model.eval().answers(*window)
    answered = answers(tmp_path / "out", form, *window)
    assert list(answered) == list(differences)
    np.testing.assert_allclose(answered["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(answered["type_log_probabilities"], types, atol=1e-4)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| types of seizures | fnsz, gnsz, absz:" in card
    assert card.count("`type_log_probabilities` within") == 1


@pytest.mark.parametrize("wrong", [1.001, torch.nan])
def test_each_output_is_compared(
    terminal: Terminal, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    """One that differs is named, and one that is no number differs."""
    typed = changed(model, tmp_path / "typed", seizure_types=["fnsz", "gnsz"])
    written = graph._torch_export

    def wrongly(target: Path, program: torch.export.ExportedProgram) -> graph._Graph:
        read = written(target, program)
        return lambda *window: {**(said := read(*window)), graph.TYPES: said[graph.TYPES] * wrong}

    monkeypatch.setattr(graph, "_torch_export", wrongly)
    said = terminal("export", typed, tmp_path / "out", "--to", "torch-export")
    assert (said.code, "type_log_probabilities that differ" in said.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_graph_that_differs_is_not_kept(
    terminal: Terminal, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor anything beside it."""
    monkeypatch.setattr(graph, "TOLERANCE", -1.0)
    said = terminal("export", model, tmp_path / "out", "--to", "torch-export")
    assert (said.code, "answers otherwise" in said.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_gru_is_written_too(terminal: Terminal, model: Path, tmp_path: Path) -> None:
    """As ONNX's own, not as a loop unrolled; answers are compared before the file is kept."""
    gru = changed(model, tmp_path / "gru", kind="gru")
    said = terminal("export", gru, tmp_path / "out", "--to", "onnx", "--json")
    assert said.code == 0, said.err
    assert max(said.document["graph"]["differences"].values()) <= graph.TOLERANCE
    assert (tmp_path / "out" / "model.onnx").stat().st_size < 2e6


def test_without_its_packages_onnx_is_refused(
    terminal: Terminal, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the extra that has them, and nothing is left behind."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    said = terminal("export", model, tmp_path / "out", "--to", "onnx")
    assert (said.code, "ictal[onnx]" in said.err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_no_weights_are_unpickled(terminal: Terminal, model: Path, edf: Path, tmp_path: Path) -> None:
    """A file that would run code as it is unpickled is refused, and its code does not run."""

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    folder = shutil.copytree(model, tmp_path / "trapped")
    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    said = terminal("detect", edf, tmp_path / "x.tsv", "--model", folder)
    assert (said.code, "weights" in said.err) == (2, True)
    assert not (tmp_path / "sprung").exists()
    pickle.loads((folder / "model.safetensors").read_bytes())  # noqa: S301 - the trap works
    assert (tmp_path / "sprung").exists()


def test_only_an_evaluated_detector_is_exported(terminal: Terminal, finished_run: FinishedRun, tmp_path: Path) -> None:
    """With the evaluation that its threshold comes from, and into a free place."""
    run = shutil.copytree(finished_run.folder, tmp_path / "run")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis").write_text("mine")
    assert "taken" in terminal("export", run, tmp_path / "taken").err
    evaluation = json.loads((run / "evaluation.json").read_text())
    evaluation["operating_point"]["threshold"] /= 2
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    assert "not of this detector" in terminal("export", run, tmp_path / "out").err
    (run / "evaluation.json").unlink()
    assert "ictal evaluate" in terminal("export", run, tmp_path / "out").err
    card = json.loads((run / "detector.json").read_text())
    (run / "detector.json").write_text(json.dumps({**card, "operating_point": None}))
    said = terminal("export", run, tmp_path / "out")
    assert (said.code, "no threshold yet" in said.err, (tmp_path / "out").exists()) == (2, True, False)
