"""An archive that an older version wrote: it opens, it is checked, and the next day joins it.

tests/fixtures/archive-schema-3.tar.xz has one day of the Arabic sample newspaper, as the last
version with schema 3 wrote it: without `cited_agencies`, `stories` and sums.
"""

import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from days import rows, settings_for

from newsarchive import steps
from newsarchive.sample.serve import SampleServer, start
from newsarchive.schema import SCHEMA_VERSION, TABLES
from newsarchive.settings import Settings
from newsarchive.store import snapshot

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 10, 1)
OLD = Path(__file__).parents[1] / "fixtures" / "archive-schema-3.tar.xz"


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start(0, NOW) as server:
        yield server


@pytest.fixture
def given(tmp_path: Path, samples: SampleServer) -> Settings:
    with tarfile.open(OLD) as file:
        file.extractall(tmp_path, filter="data")
    return settings_for(tmp_path, samples.server_port, sources="sample_ar")


def test_its_snapshot_opens_where_it_lies_now(given: Settings) -> None:
    root = given.archive_path
    assert len(rows(root, "articles")) == 8
    with closing(duckdb.connect(str(root / snapshot.NAME), read_only=True)) as plain:
        plain.execute(f"SET VARIABLE archive_root = '{root}/'")
        assert plain.execute("SELECT count(*) FROM articles WHERE text <> ''").fetchone() == (8,)


def test_the_next_day_joins_it(given: Settings) -> None:
    before = {r["article_id"]: r for r in rows(given.archive_path, "articles")}
    steps.run(DAY + timedelta(days=1), given)
    now = {r["article_id"]: r for r in rows(given.archive_path, "articles")}
    assert now.keys() > before.keys()
    assert {i: (now[i]["title"], now[i]["text"]) for i in before} == {
        i: (r["title"], r["text"]) for i, r in before.items()
    }
    with snapshot.reading(given.archive_path) as reader:
        assert reader.execute("SELECT schema_version FROM about").fetchone() == (SCHEMA_VERSION,)
        for view in ("articles", "versions", "links", "rejects", "coverage"):
            described = reader.execute(f"DESCRIBE {view}").fetchall()
            assert {c.name for c in TABLES[view].columns} <= {d[0] for d in described}
    # a second schema costs a second list of files, and a day of another is NULL, not an error
    added = [r for r in now.values() if r["first_run_day"] > str(DAY)]
    assert all(r["cited_agencies"] is not None for r in added)


def test_reparse_brings_it_up_to_date(given: Settings, tmp_path: Path) -> None:
    steps.reparse(DAY, DAY, given)
    fresh = given.model_copy(update={"archive": str(tmp_path / "fresh")})
    steps.run(DAY, fresh)
    # the newspaper is served at another port each time, which is in every address and id
    names = ("title", "text", "section", "keywords", "cited_agencies", "parser_version")
    old, new = (
        sorted(str([row[n] for n in names]) for row in rows(folder, "articles"))
        for folder in (given.archive_path, fresh.archive_path)
    )
    assert old == new


def test_verify_adopts_what_has_no_sums(given: Settings) -> None:
    found = steps.verify(given)
    assert found.findings == []
    assert len(found.unknown) == found.files
    assert steps.verify(given, adopt=True).unknown == []
    assert steps.verify(given).unknown == []
