"""The quality of the fields does not fall: a small run of the yardstick, and of our own pages."""

import importlib.util
import re
import tomllib
from collections import Counter
from pathlib import Path
from statistics import fmean
from types import ModuleType

import pytest
from golden.expected import expected
from golden.test_pages import PAGES, address_of

from newsarchive.cli.extract import fields_of
from newsarchive.text.decode import decode

TESTS = Path(__file__).parent.parent
SHARED = TESTS.parent.parent / "shared"
FLOORS = tomllib.loads((TESTS / "quality_floors.toml").read_text("utf-8"))
PAGES_OF_A_SET = 25
OWN = {"arabic": "ar_", "others": ""}


@pytest.fixture(scope="module")
def yardstick() -> ModuleType:
    path = SHARED / "bench" / "extraction.py"
    if not path.exists():
        pytest.skip(f"no labelled pages: {path} is not there")
    spec = importlib.util.spec_from_file_location("extraction", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(FLOORS["labelled"]))
def test_a_sample_of_labelled_pages_stays_above_its_floors(
    yardstick: ModuleType, name: str
) -> None:
    pages = yardstick.load(
        SHARED / "newspaper" / "pages.jsonl.gz", sets=[name], sample=PAGES_OF_A_SET
    )
    rows = [yardstick.score_page(p["label"], fields_of(p["url"], p["html"])) for p in pages]
    reached = yardstick.summary(rows, boot=2)
    short = {
        field: (round(reached[field], 4), floor)
        for field, floor in FLOORS["labelled"][name].items()
        if reached[field] < floor
    }
    assert not short, f"{name}: reached and floor of {short}"


@pytest.mark.parametrize("group", sorted(FLOORS["own"]))
def test_our_own_pages_stay_above_their_floors(group: str) -> None:
    arabic = OWN["arabic"]
    files = [f for f in PAGES if f.stem.startswith(arabic) == (group == "arabic")]
    rows: list[tuple[float, bool, bool]] = []
    for file in files:
        wanted = expected(file)
        if not isinstance(wanted, list):
            continue
        first = wanted[0]
        found = fields_of(address_of(file), decode(file.read_bytes(), "text/html"))
        rows.append(
            (
                likeness(" ".join(first["text"]), found["text"]),
                first["title"] == found["title"],
                (first.get("published_day") or "") == found["published"],
            )
        )
    text, title, published = (fmean(column) for column in zip(*rows, strict=True))
    reached = {"f1": text, "title": title, "date": published}
    floors = FLOORS["own"][group]
    assert {k: v for k, v in reached.items() if v < floors[k]} == {}


def likeness(wanted: str, found: str) -> float:
    """F1 of the words of two texts."""
    ours, theirs = (Counter(re.findall(r"\w+", text)) for text in (found, wanted))
    both = (ours & theirs).total()
    return 2 * both / max(1, ours.total() + theirs.total())
