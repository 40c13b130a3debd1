"""The audit as a page: one file, every count on it, nothing of the corpus taken for markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictal.recipes.audit import Settings, audit_folder
from ictal.report.audit import SHOWN, render
from tests.reference.small_corpus import LABELS, write_edf, write_recording, write_tusz
from tests.report.pages import assert_whole, words


@pytest.fixture(scope="module", params=["clean", "faulty", "empty"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Pages of three corpora."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    if request.param != "empty":
        write_tusz(folder)
    if request.param == "faulty":
        edf = next(folder.rglob("*.edf"))
        edf.with_suffix(".csv_bi").write_text("<script>alert(1)</script>\n")
        write_edf(edf, labels=LABELS[1:])
    return render(audit_folder(folder, Settings(missing="mask"), deep=True)[1])


def test_the_page_is_whole_and_asks_nothing_of_the_network(page: str) -> None:
    """Nothing of a faulty annotation is taken for markup; both colour schemes."""
    assert_whole(page)
    assert "prefers-color-scheme: dark" in page


def test_the_page_says_what_was_found(tmp_path: Path) -> None:
    """The verdict first; findings with code and place; repairs; flat channels; strata; the type of the seizures."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    write_recording(tmp_path / "y_1.edf")
    write_edf(tmp_path / "y_1.edf", labels=[label for label in LABELS if "FZ" not in label])
    (tmp_path / "z_1.csv_bi").write_text("")
    shown = words(render(audit_folder(tmp_path, Settings(missing="interpolate"), deep=True)[1]))
    for text in ("3 findings", "1 × annotation-unpaired", "z_1.csv_bi", "y_1 Fz Fz", "fnsz", "seizure in part"):
        assert text in shown
    assert "2 recordings were read whole; 2 have a channel with a flag." in shown


def test_a_clean_corpus_is_called_so(tmp_path: Path) -> None:
    """And what was not looked at is said."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    shown = words(render(audit_folder(tmp_path, Settings())[1]))
    assert "Nothing was found wrong with this corpus." in shown
    assert "Not read: only a deep audit" in shown


def test_a_long_table_is_cut_and_says_so(tmp_path: Path) -> None:
    """A page of ten thousand rows opens nowhere."""
    write_recording(tmp_path / "x_1.edf", [(10, 20)])
    for number in range(SHOWN + 7):
        (tmp_path / f"u{number:03d}_1.csv_bi").write_text("")
    page = render(audit_folder(tmp_path, Settings())[1])
    assert page.count("annotation-unpaired</td>") == SHOWN
    assert "7 more rows" in words(page)
