"""The guide to adding a source says what is so."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from newsarchive.sources import load_file, load_sources
from newsarchive.sources.load import Expected, Listing, Politeness, Rule, Source

GUIDE = (Path(__file__).parents[2] / "docs" / "adding_a_source.md").read_text("utf-8")
EXAMPLE = max(re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL), key=len)


def test_the_example_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "example.toml"
    file.write_text(EXAMPLE, "utf-8")
    source = load_file(file)
    assert {li.kind for li in source.listing} == {"feed", "sitemap", "dated"}
    assert len(source.rules) == 2


@pytest.mark.parametrize("model", [Source, Expected, Politeness, Rule])
def test_the_example_has_every_key(model: type[BaseModel]) -> None:
    own = {"version", "file"}  # set on loading
    for key in set(model.model_fields) - own - {"listing", "rules", "politeness"}:
        assert re.search(rf"(?m)(^|[{{,] ?){key} = ", EXAMPLE), key


def test_it_names_every_project_that_sources_were_found_in() -> None:
    real = [s for s in load_sources().values() if not s.name.startswith("sample_")]
    languages = {s.language for s in real}
    assert f"with {len(real)} of them in {len(languages)} languages" in GUIDE
    projects = {
        p for s in real for p in re.findall(r"github\.com/[\w.-]+/[\w.-]+", s.found_in or "")
    }
    named = set(re.findall(r"(?m)^\| (github\.com/[\w.-]+/[\w.-]+) \|", GUIDE))
    assert projects == named


PAGES = next(e for e in re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL) if '"section"' in e)


def test_the_example_of_a_site_without_feeds_is_a_source_and_has_every_key(tmp_path: Path) -> None:
    file = tmp_path / "example.toml"
    file.write_text(PAGES, "utf-8")
    source = load_file(file)
    assert [(li.kind, li.is_page) for li in source.listing] == [("section", True), ("dated", True)]
    for key in Listing.model_fields:
        assert re.search(rf"(?m)^{key} = |\b{key} = ", PAGES), key
