"""What every test shares: real recordings where this machine has them, a browser, a small corpus, a finished run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from playwright.sync_api import Browser, sync_playwright

from ictal.recordings.synthetic.corpus import SynthConfig, write_corpus
from tests.end_to_end.commands import FinishedRun, Terminal, finish

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
