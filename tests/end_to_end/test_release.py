"""What a release hands out: wheel and sdist, built, installed apart from this checkout, and used as by a stranger."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from ictal.recordings.annotations import bids
from tests.end_to_end.commands import Terminal, recordings

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
ENTRY = ROOT / "container" / "detect"
OFFLINE = """
import socket
def refuse(*_):
    raise SystemExit("something wanted to use the network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


def run(*words: object, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command with nothing in its environment but what is named."""
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=check, env=environment, cwd="/"
    )


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, PATH=os.defpath)
    return out


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel, this one's packages, and no way into the network."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    python, (wheel,) = folder / "bin" / "python", dist.glob("*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, PATH=os.defpath)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    (packages / "sitecustomize.py").write_text(OFFLINE)
    asked = run(python, "-c", "import socket; socket.getaddrinfo('localhost', 80)", check=False)
    assert "wanted to use the network" in asked.stderr
    return folder / "bin"


def stranger(installed: Path) -> dict[str, str]:
    """The environment of somebody who owns nothing on this machine."""
    return {
        "PATH": f"{installed}:{os.defpath}",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_the_wheel_holds_the_package_and_nothing_else(dist: Path) -> None:
    """Every file of src/ictal, `py.typed`, templates and the shipped model among them; licence; less than 5 MB."""
    (wheel,) = dist.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    about = f"ictal-{VERSION}.dist-info/"
    source = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*") if path.is_file()}
    assert {name for name in held if not name.startswith(about)} == {n for n in source if "__pycache__" not in n}
    assert {"ictal/py.typed", "ictal/recipes/shipped/tiny/model.safetensors"} <= held
    assert f"{about}licenses/LICENSE" in held
    assert wheel.stat().st_size < 5_000_000


def test_the_sdist_holds_what_it_takes_to_test(dist: Path) -> None:
    """Sources, tests, documentation; nothing that git ignores."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "LICENSE", "Makefile", "constraints.txt", "docs/index.md", "tests/conftest.py"} <= names
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.endswith("/")}
    assert ignored >= {".venv", ".hypothesis", "demo", "site", "pretrained"}
    assert {name.partition("/")[0] for name in names}.isdisjoint(ignored)


def test_everybody_states_one_version(installed: Path) -> None:
    """The command, the settings and the citation."""
    assert run(installed / "ictal", "--version", **stranger(installed)).stdout.strip() == VERSION
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == VERSION


def test_the_installed_command_detects_as_this_checkout_does(
    installed: Path, terminal: Terminal, synthetic_corpus: Path, tmp_path: Path
) -> None:
    """With the model that comes with it, offline, without a home."""
    source = recordings(synthetic_corpus, "eval", ictal=True)[0]
    said = run(installed / "ictal", "detect", source, tmp_path / "installed.tsv", **stranger(installed))
    assert "It has learnt from synthetic EEG" in said.stderr
    assert terminal("detect", source, tmp_path / "here.tsv").code == 0
    assert (tmp_path / "installed.tsv").read_bytes() == (tmp_path / "here.tsv").read_bytes()


@pytest.fixture
def volumes(synthetic_corpus: Path, tmp_path: Path) -> tuple[Path, Path]:
    """What stands for /data and /output."""
    (tmp_path / "data" / "sub-01").mkdir(parents=True)
    shutil.copy(recordings(synthetic_corpus, "eval", ictal=True)[0], tmp_path / "data" / "sub-01" / "x_eeg.edf")
    (tmp_path / "data" / "noise.edf").write_bytes(b"noise")
    (tmp_path / "output").mkdir()
    return tmp_path / "data", tmp_path / "output"


def test_the_container_reads_input_and_writes_output(installed: Path, volumes: tuple[Path, Path]) -> None:
    """The path below each volume is the variable's; rows are what SzCORE's container contract asks for."""
    environment = {**stranger(installed), "INPUT": "sub-01/x_eeg.edf", "OUTPUT": "sub-01/eeg/x_events.tsv"}
    said = run("sh", ENTRY, *volumes, PYTHONPROFILEIMPORTTIME="1", **environment).stderr
    assert "ictal.recipes.detect" in said
    assert "matplotlib" not in said  # it wants a folder that it can write to, which a container need not have
    written = volumes[1] / "sub-01" / "eeg" / "x_events.tsv"
    header, *rows = written.read_text().splitlines()
    assert header == "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration"
    assert rows
    for row in rows:
        onset, duration, event, confidence, channels, started, length = row.split("\t")
        assert re.fullmatch(r"\d+\.\d+", onset)
        assert float(onset) + float(duration) <= float(length) + 1e-3
        assert event in {"sz", "bckg"}
        assert confidence == "n/a" or 0 <= float(confidence) <= 1
        assert channels == "n/a"
        dt.datetime.strptime(started, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the format has no zone
    assert bids.read(written).duration_s == float(length)


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({"OUTPUT": "x.tsv"}, 2, "INPUT"),
        ({"INPUT": "", "OUTPUT": "x.tsv"}, 2, "INPUT"),
        ({"INPUT": "sub-01/x_eeg.edf"}, 2, "OUTPUT"),
        ({"INPUT": "nothing.edf", "OUTPUT": "x.tsv"}, 2, "nothing.edf"),
        ({"INPUT": "noise.edf", "OUTPUT": "x.tsv"}, 2, "noise.edf"),
        ({"INPUT": "sub-01/x_eeg.edf", "OUTPUT": "x.tsv", "MODEL": "/none"}, 2, "/none"),
    ],
)
def test_the_container_never_answers_by_mistake(
    installed: Path, volumes: tuple[Path, Path], variables: dict[str, str], code: int, said: str
) -> None:
    """What cannot be done ends with an error that names it, and no file."""
    done = run("sh", ENTRY, *volumes, check=False, **stranger(installed), **variables)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert list(volumes[1].rglob("*.tsv")) == []


def test_the_container_is_built_from_what_is_here() -> None:
    """Files that it copies exist and are not ignored; nobody in particular runs the entry point that was tested."""
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    copied = [words for name, rest in steps if name == "COPY" and not (words := rest.split())[0].startswith("--from")]
    sources = [source for *those, _ in copied for source in those]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    assert {source.partition("/")[0] for source in sources} <= kept
    assert all("=" in rest for name, rest in steps if name == "ARG")  # built without arguments, from public places
    last = dict(steps)
    assert int(last["USER"]) > 0
    assert last["VOLUME"] == '["/data", "/output"]'
    assert [ENTRY.relative_to(ROOT).as_posix(), *re.findall(r'"(.+)"', last["CMD"])] in copied
    assert os.access(ENTRY, os.X_OK)
