"""Which versions are read to make an article again: all of it, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from archives import DAY, version, write

from newsarchive.model import Alias, Version
from newsarchive.schema import ALIASES, VERSIONS
from newsarchive.steps.merging import (
    Touched,
    file_index,
    index_rows,
    merged,
    touched_by,
    with_others,
)
from newsarchive.store.tables import Archive, rows_of

OLD, NEW, OTHER = (f"https://a.example/{name}" for name in ("old", "new", "other"))
DAYS = [DAY + timedelta(days=n) for n in (0, 1, 40)]


def page(day: Any, url: str) -> list[Version]:
    """Return the versions of a page that holds another article whole."""
    own = version(day, url, article_id=f"{url[18:]}")
    inner = replace(
        own,
        part=1,
        article_id=f"{own.article_id}.1",
        version_id=f"{own.version_id[:20]}.1",
        parent_article_id=own.article_id,
    )
    return [own, inner]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return one with an old, a new and another page, each of a day of its own."""
    write(tmp_path, [v for d, u in zip(DAYS, (OLD, NEW, OTHER), strict=True) for v in page(d, u)])
    return Archive(tmp_path)


def alias(archive: Archive, *pairs: tuple[str, str]) -> None:
    rows = [Alias(DAYS[0], new, old, "moved") for new, old in pairs]
    archive.open("aliases").replace(rows_of(rows, ALIASES), [DAYS[0]])


def published(archive: Archive, *numbers: int) -> list[Touched]:
    """Index the articles of some days as `publish` does."""
    done = []
    for number in numbers:
        targets = archive.open_all("article_index", "aliases", "versions")
        day = DAYS[number]
        ids = set(targets["versions"].read([day])["article_id"].to_pylist())
        filed = targets["article_index"].read()
        ids |= set(filed.filter(pc.field("run_day") == day)["article_id"].to_pylist())
        aliases = targets["aliases"].read([day])
        ids |= {*aliases["alias_id"].to_pylist(), *aliases["article_id"].to_pylist()}
        touched = touched_by(targets, day, ids)
        made = [a for part in merged(targets, touched, {}) for a in part.to_pylist()]
        days = {a["article_id"]: a["article_day"] for a in made}
        assert touched.article_days() == days
        rows = index_rows(touched, days, touched.ids)
        file_index(targets["article_index"], touched, rows, touched.ids)
        done.append(touched)
    return done


def articles(archive: Archive, touched: Touched) -> pa.Table:
    return pa.concat_tables(merged(archive.open_all("versions"), touched, {}))


def index(archive: Archive) -> set[tuple[Any, ...]]:
    columns = ("article_id", "run_day", "shown_as")
    table = archive.open("article_index").read()
    return {tuple(r[c] for c in columns) for r in table.to_pylist()}


def test_without_a_move_a_day_touches_its_own_articles(archive: Archive) -> None:
    first, second, third = published(archive, 0, 1, 2)
    assert [t.ids for t in (first, second, third)] == [
        {"old", "old.1"}, {"new", "new.1"}, {"other", "other.1"}
    ]  # fmt: skip
    assert not first.shown_as
    assert first.versions.num_rows == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_a_move_leads_to_the_other_address_and_to_what_is_in_its_page(
    archive: Archive, order: tuple[int, ...]
) -> None:
    """Though the embedded article itself is an alias of nothing, its parent's id changes."""
    alias(archive, ("new", "old"))
    *_, last = published(archive, *order, 1)
    assert last.ids == {"old", "new", "old.1", "new.1"}
    assert last.shown_as == {"new": "old"}
    parents = {a["article_id"]: a["parent_article_id"] for a in articles(archive, last).to_pylist()}
    assert parents == {"old": None, "old.1": "old", "new.1": "old"}
    assert index(archive) == {
        ("old", DAYS[0], None), ("old.1", DAYS[0], None), ("new", DAYS[0], "old"),
        ("new", DAYS[1], "old"), ("new.1", DAYS[1], None),
        ("other", DAYS[2], None), ("other.1", DAYS[2], None),
    }  # fmt: skip


def test_a_move_that_is_told_no_longer_is_undone(archive: Archive) -> None:
    alias(archive, ("new", "old"))
    published(archive, 0, 1, 2)
    archive.open("aliases").replace(ALIASES.arrow.empty_table(), [DAYS[0]])
    (touched,) = published(archive, 0)
    assert {"old", "new"} <= touched.ids and not touched.shown_as
    assert {row for row in index(archive) if row[0] == "new"} == {("new", DAYS[1], None)}


@pytest.fixture
def several(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Return one with articles of other sources, before and after, of which one is read at once."""
    monkeypatch.setattr("newsarchive.steps.place._GROUP", 1)
    names = ("paper_0", "paper_a", "paper_b")
    more = [
        version(DAYS[0], f"https://{n}.example/{k}", source=n, article_id=f"{n}.{k}")
        for n in names
        for k in range(3)
    ]
    there = archive.open("versions").read([DAYS[0]])
    archive.open("versions").replace(pa.concat_tables([there, rows_of(more, VERSIONS)]), [DAYS[0]])
    return archive


def test_some_sources_at_a_time_make_the_same_articles(several: Archive) -> None:
    alias(several, ("new", "old"))
    published(several, 0)
    published(several, 1)
    (touched,) = published(several, 0)
    targets = several.open_all("versions")
    parts = list(merged(targets, touched, {}))
    assert [set(p["source"].to_pylist()) for p in parts] == [{"paper_0"}, {"paper_a"}, {"paper_b"}]
    ids = articles(several, touched)["article_id"].to_pylist()
    own = ["new.1", "old", "old.1"]
    assert sorted(ids) == own + [f"paper_{n}.{k}" for n in "0ab" for k in range(3)]
    shown = touched.shown.to_pylist()
    assert {(r["source"], r["article_id"]) for r in shown} == {
        (r["source"], r["article_id"]) for p in parts for r in p.to_pylist()
    } and len(shown) == len(ids)  # fmt: skip


def test_a_day_keeps_the_articles_that_are_not_touched(several: Archive) -> None:
    (touched,) = published(several, 0)
    targets = several.open_all("versions", "articles")
    targets["articles"].replace(articles(several, touched), [DAYS[0]])
    some = touched_by(several.open_all("article_index", "aliases", "versions"), DAYS[0], ["old"])
    targets = several.open_all("versions", "articles")
    parts = list(with_others(targets, some, {}, [DAYS[0]]))
    sources = [pc.unique(p["source"]).to_pylist() for p in parts]
    assert sources == [["paper_0"], ["paper_a"], ["paper_b"]]
    before = targets["articles"].read([DAYS[0]])
    targets["articles"].replace(iter(parts), [DAYS[0]])
    assert several.open("articles").read([DAYS[0]]).to_pylist() == before.to_pylist()
