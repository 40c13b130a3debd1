"""What every test shares: real recordings where this machine has them, a browser, a small corpus, a finished run."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from playwright.sync_api import Browser, sync_playwright

from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus
from tests.end_to_end.commands import FinishedRun, Terminal, finish
from tests.object_store import Server, google_server, s3_server

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
# One failing example is enough to find a planted fault: no time goes into a smaller one, and none into luck.
settings.register_profile("mutants", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])

SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings and annotations beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data: {SHARED_DATA} is absent")
    return SHARED_DATA


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no browser: apt install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def synthetic_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 patients, two with seizures in each part; not to be changed (see `commands.linked`)."""
    out = tmp_path_factory.mktemp("synthetic") / "corpus"
    write_corpus(out, SynthConfig(patients=12, hours=0.8, seed=0, seizure_share=0.05), workers=1)
    return out


@pytest.fixture(scope="session")
def terminal() -> Terminal:
    """Runs commands in this process."""
    return Terminal()


@pytest.fixture(scope="session")
def finished_run(synthetic_corpus: Path, terminal: Terminal, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A quick run on the synthetic corpus; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    return finish(terminal, folder / "run", synthetic_corpus, folder / "store")


@pytest.fixture(scope="session")
def _s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="session")
def _gs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with google_server(tmp_path_factory.mktemp("gs")) as running:
        yield running


@pytest.fixture(params=["s3", "gs"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A real object store, which this test's environment names; so does that of processes which it starts."""
    running: Server = request.getfixturevalue(f"_{request.param}_server")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        forkserver._forkserver._stop()  # one of an earlier test would know an earlier environment
        yield running
    forkserver._forkserver._stop()


@pytest.fixture
def bucket_url(server: Server) -> str:
    """A prefix in a bucket of its own."""
    return server.make(f"bucket-{secrets.token_hex(4)}")
