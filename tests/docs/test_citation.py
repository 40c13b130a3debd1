"""`CITATION.cff` follows the Citation File Format 1.2.0 and says what the settings of the package say."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

REQUIRED = {"cff-version", "message", "title", "authors"}
OPTIONAL = {
    *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url"),
    *("preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url"),
    "version",
}
"""Keys of the schema's top level."""


def test_the_citation_file_is_valid_and_true() -> None:
    """Required keys are there, no other than known ones; title, version, licence and keywords are the package's."""
    citation = yaml.safe_load(Path("CITATION.cff").read_text())
    package = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert citation.keys() >= REQUIRED
    assert citation.keys() <= REQUIRED | OPTIONAL
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert citation["title"].partition(": ")[::2] == (package["name"], package["description"].replace("Train", "train"))
    assert citation["version"] == package["version"]
    assert citation["license"] == package["license"]
    assert citation["keywords"] == package["keywords"]
    assert all(author.keys() & {"name", "family-names", "given-names"} for author in citation["authors"])
