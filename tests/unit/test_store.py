"""Tables and the snapshot: two writers, old readers, new columns, a moved folder."""

import dataclasses
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import duckdb
import duckdb_cli
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from archives import (
    DAY,
    at,
    coverage_rows,
    covered,
    days_from,
    files,
    open_wait_replace,
    publish,
    publish_days,
    version,
    write,
)
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from newsarchive import schema
from newsarchive.errors import ArchiveError, Conflict
from newsarchive.model import Removal
from newsarchive.schema import COVERAGE, TABLES, VERSIONS, Column, Table
from newsarchive.sources.load import Source
from newsarchive.store import snapshot, tables
from newsarchive.store.tables import Archive, committing, rows_of

NEXT = DAY + timedelta(days=1)
DUCKDB = str(Path(duckdb_cli.__file__).with_name("duckdb"))


def sources_of(root: Path, day: date = DAY) -> list[str]:
    return Archive(root).open("coverage").read([day])["source"].to_pylist()


# ------------------------------------------------------------------------------------------ tables


def test_a_table_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    target = Archive(tmp_path).open("versions")
    assert target.days() == [] and target.files() == []
    assert target.read().schema == VERSIONS.arrow
    assert target.read().num_rows == 0


def test_append_adds_and_replace_replaces_only_its_days(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.open("coverage").append(coverage_rows("a"))
    archive.open("coverage").append(coverage_rows("b"))
    archive.open("coverage").append(coverage_rows("c", day=NEXT))
    assert sorted(sources_of(tmp_path)) == ["a", "b"]
    archive.open("coverage").replace(coverage_rows("d"), [DAY])
    assert sources_of(tmp_path) == ["d"]
    assert sources_of(tmp_path, NEXT) == ["c"]
    assert archive.open("coverage").days() == [DAY, NEXT]


def test_one_commit_replaces_several_days_and_empties_one(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.open("coverage").append(coverage_rows("a"))
    archive.open("coverage").append(coverage_rows("b", day=NEXT))
    before = archive.open("coverage").version
    archive.open("coverage").replace(coverage_rows("c", day=NEXT), [DAY, NEXT])
    assert archive.open("coverage").version == before + 1
    assert sources_of(tmp_path) == [] and sources_of(tmp_path, NEXT) == ["c"]
    assert archive.open("coverage").days() == [NEXT]


def test_replacing_nothing_by_nothing_commits_nothing(tmp_path: Path) -> None:
    before = Archive(tmp_path).open("coverage").version
    Archive(tmp_path).open("coverage").replace(COVERAGE.arrow.empty_table(), [DAY])
    Archive(tmp_path).open("coverage").append(COVERAGE.arrow.empty_table())
    assert Archive(tmp_path).open("coverage").version == before


def test_a_replaced_day_is_one_file_with_its_rows_in_order(tmp_path: Path) -> None:
    made = [version(url=f"https://a.example/{n}", source=s) for n in (2, 1) for s in "zyx"]
    write(tmp_path, made)
    ((_, path),) = Archive(tmp_path).open("versions").files()
    rows = pq.read_table(tmp_path / path, partitioning=None).select(["source", "url"]).to_pylist()
    assert rows == sorted(rows, key=lambda r: (r["source"], r["url"]))
    codecs = pq.ParquetFile(tmp_path / path).metadata.row_group(0).column(0).compression
    assert codecs == "ZSTD"


def test_parts_made_one_by_one_are_one_commit_and_one_file(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.open("coverage").append(coverage_rows("z"))
    target = archive.open("coverage")
    names = [f"{n:04d}" for n in range(2000)]
    parts = [coverage_rows(*reversed(names[n : n + 100])) for n in range(0, len(names), 100)]
    target.replace((part for part in [*parts, coverage_rows()]), [DAY])
    (file,) = archive.open("coverage").files()
    assert pq.read_table(tmp_path / file[1])["source"].to_pylist() == names
    assert archive.open("coverage").version == target.version == 2
    archive.open("coverage").replace(iter(()), [DAY])
    assert sources_of(tmp_path) == []


def test_a_part_that_cannot_be_made_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.open("coverage").append(coverage_rows("a"))

    def parts() -> Iterator[pa.Table]:
        yield coverage_rows("b")
        raise ArchiveError("no more")

    with pytest.raises(ArchiveError, match="no more"):
        archive.open("coverage").replace(parts(), [DAY])
    with pytest.raises(ValueError, match="not of the days"):
        archive.open("coverage").replace(iter([coverage_rows("b", day=NEXT)]), [DAY])
    assert sources_of(tmp_path) == ["a"]


def test_an_article_removed_while_parts_are_made_is_not_written(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    rows = rows_of([version(), version(url="https://a.example/other")], VERSIONS)
    gone, left = rows["article_id"].to_pylist()
    tombstone = Removal(DAY, gone, "paper_a", at(DAY), "asked for", None, [gone], [], [])

    def parts() -> Iterator[pa.Table]:
        yield rows.slice(0, 1)
        target = archive.open("removals")
        target.replace(rows_of([tombstone], TABLES["removals"]), [DAY])
        yield rows.slice(1)

    with pytest.raises(CommitFailedError, match="removed meanwhile"):
        archive.open("versions").replace(parts(), [DAY])
    assert archive.open("versions").files() == []
    archive.open("versions").replace(iter([rows]), [DAY])
    assert archive.open("versions").read()["article_id"].to_pylist() == [left]


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    made = version(
        title="عنوان", authors=["أ", "ب"], evidence={"b": "meta", "a": "jsonld"}, keywords=[]
    )
    write(tmp_path, [made])
    (row,) = Archive(tmp_path).open("versions").read([DAY]).to_pylist()
    row |= {name: dict(row[name]) for name in ("evidence", "confidence")}
    assert row == dataclasses.asdict(made)


def test_reading_chooses_days_columns_and_rows(tmp_path: Path) -> None:
    write(tmp_path, [covered(d, s) for d in (DAY, NEXT) for s in ("a", "b")])
    target = Archive(tmp_path).open("coverage")
    read = target.read([NEXT], ["source"], pc.field("source") == "b")
    assert read.to_pylist() == [{"source": "b"}]
    assert target.read([DAY], ["run_day"]).to_pylist() == [{"run_day": DAY}] * 2
    assert target.read([]).num_rows == 0


def test_a_column_that_older_files_lack_is_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [covered(source="old")])
    newer = with_column(COVERAGE, Column("mood", pa.string(), "How the editor felt"))
    monkeypatch.setitem(TABLES, "coverage", newer)
    target = Archive(tmp_path).open("coverage")
    assert target.read([DAY], ["source", "mood"]).to_pylist() == [{"source": "old", "mood": None}]


def test_a_new_column_can_be_written_beside_older_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [covered(source="old")])
    first, *others = COVERAGE.columns
    told = dataclasses.replace(first, comment="In other words")
    reworded = dataclasses.replace(COVERAGE, columns=(told, *others))
    newer = with_column(reworded, Column("mood", pa.string(), "How the editor felt"))
    monkeypatch.setitem(TABLES, "coverage", newer)
    rows = coverage_rows("new", day=NEXT).append_column("mood", pa.array(["fine"]))
    Archive(tmp_path).open("coverage").replace(rows, [NEXT])
    read = Archive(tmp_path).open("coverage").read(columns=["source", "mood"]).to_pylist()
    assert read == [{"source": "old", "mood": None}, {"source": "new", "mood": "fine"}]


def test_a_table_that_a_newer_version_widened_is_not_written_by_an_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = with_column(COVERAGE, Column("mood", pa.string(), "How the editor felt"))
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "coverage", newer)
        Archive(tmp_path).open("coverage")
    with pytest.raises(ArchiveError, match="does not know \\(mood\\)"):
        Archive(tmp_path).open("coverage").append(coverage_rows("a"))


def with_column(table: Table, column: Column) -> Table:
    return dataclasses.replace(table, columns=(*table.columns, column))


def test_wrong_columns_raise_before_anything_is_written(tmp_path: Path) -> None:
    target = Archive(tmp_path).open("coverage")
    with pytest.raises(ValueError, match=r"coverage: columns are not the table's: \['note'\]"):
        target.append(coverage_rows("a").drop_columns(["note"]))
    rows = coverage_rows("a").append_column("extra", pa.array([1]))
    with pytest.raises(ValueError, match="extra"):
        target.replace(rows, [DAY])
    assert Archive(tmp_path).open("coverage").version == target.version
    assert not list(tmp_path.rglob("*.parquet"))


def test_null_in_a_required_column_raises_before_anything_is_written(tmp_path: Path) -> None:
    rows = coverage_rows("a")
    rows = rows.set_column(
        rows.schema.get_field_index("status"), "status", pa.array([None], pa.string())
    )
    with pytest.raises(ValueError, match=r"coverage\.status: 1 rows without a value"):
        Archive(tmp_path).open("coverage").append(rows)
    assert not list(tmp_path.rglob("*.parquet"))


def test_rows_of_another_day_raise_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"rows of {NEXT}"):
        Archive(tmp_path).open("coverage").replace(coverage_rows("a", day=NEXT), [DAY])
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_folder_that_is_no_table_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "coverage").write_text("not a folder")
    with pytest.raises(ArchiveError, match="coverage: cannot be opened as a table"):
        Archive(tmp_path).open("coverage")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_no_table_has_features_that_a_list_of_files_cannot_honour(
    tmp_path: Path, name: str
) -> None:
    Archive(tmp_path).open(name)
    delta = DeltaTable(str(tmp_path / name))
    protocol = delta.protocol()
    assert protocol.min_reader_version == 1
    assert not protocol.reader_features
    configuration = delta.metadata().configuration
    assert configuration["delta.enableDeletionVectors"] == "false"
    assert configuration["delta.columnMapping.mode"] == "none"
    assert delta.metadata().partition_columns == [TABLES[name].partition]
    kinds = [c.type for c in TABLES[name].columns]
    assert not any(pa.types.is_unsigned_integer(k) for k in kinds)


# ----------------------------------------------------------------------------------- two processes


def two_writers(root: Path, days: tuple[date, date]) -> tuple[str, str]:
    """Let two processes open, open, commit, commit; return what came of each."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(2, mp_context=context) as pool:
        flags = [manager.Event() for _ in range(4)]
        one = pool.submit(open_wait_replace, root, days[0], "one", flags[0], flags[1])
        two = pool.submit(open_wait_replace, root, days[1], "two", flags[2], flags[3])
        assert flags[0].wait(60) and flags[2].wait(60)
        flags[1].set()
        first = one.result()
        flags[3].set()
        return first, two.result()


def test_the_second_of_two_writers_on_one_partition_does_not_overwrite(tmp_path: Path) -> None:
    Archive(tmp_path).open("coverage").replace(coverage_rows("before"), [DAY])
    assert two_writers(tmp_path, (DAY, DAY)) == ("first", "second")
    assert sources_of(tmp_path) == ["one"]


def test_two_writers_on_different_days_both_land(tmp_path: Path) -> None:
    Archive(tmp_path).open("coverage").replace(coverage_rows("before"), [DAY])
    assert two_writers(tmp_path, (DAY, NEXT)) == ("first", "first")
    assert sources_of(tmp_path) == ["one"] and sources_of(tmp_path, NEXT) == ["two"]


def test_two_writers_on_a_partition_that_is_still_empty_do_not_both_land(tmp_path: Path) -> None:
    Archive(tmp_path).open("coverage")
    assert two_writers(tmp_path, (DAY, DAY)) == ("first", "second")
    assert sources_of(tmp_path) == ["one"]


def test_the_loser_does_its_work_again_from_fresh_state(tmp_path: Path) -> None:
    Archive(tmp_path).open("coverage").replace(coverage_rows("before"), [DAY])
    tries = []

    def work() -> None:
        target = Archive(tmp_path).open("coverage")
        there = target.read([DAY])
        if not tries:
            Archive(tmp_path).open("coverage").replace(coverage_rows("before", "other"), [DAY])
        tries.append(there["source"].to_pylist())
        target.replace(pa.concat_tables([there, coverage_rows("mine")]), [DAY])

    committing("test", work)
    assert tries == [["before"], ["before", "other"]]
    assert sorted(sources_of(tmp_path)) == ["before", "mine", "other"]


def test_who_loses_too_often_is_told_to_run_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.time, "sleep", lambda _: None)

    def work() -> None:
        raise CommitFailedError("another was first")

    with pytest.raises(Conflict, match="publish: another writer was first 12 times"):
        committing("publish", work)


def test_appends_beside_a_replace_of_another_day_land(tmp_path: Path) -> None:
    Archive(tmp_path).open("coverage").replace(coverage_rows("before"), [DAY])
    slow = Archive(tmp_path).open("coverage")
    Archive(tmp_path).open("coverage").append(coverage_rows("next", day=NEXT))
    slow.append(coverage_rows("also", day=NEXT))
    assert sorted(sources_of(tmp_path, NEXT)) == ["also", "next"]


def test_a_replace_does_not_swallow_what_was_appended_meanwhile(tmp_path: Path) -> None:
    Archive(tmp_path).open("coverage").append(coverage_rows("a"))
    slow = Archive(tmp_path).open("coverage")
    there = slow.read([DAY])
    Archive(tmp_path).open("coverage").append(coverage_rows("b"))
    with pytest.raises(CommitFailedError):
        slow.replace(there, [DAY])
    assert sorted(sources_of(tmp_path)) == ["a", "b"]


# ---------------------------------------------------------------------------------------- snapshot


def ask(root: Path, sql: str) -> list[tuple[object, ...]]:
    with snapshot.reading(root) as connection:
        return connection.execute(sql).fetchall()


def shell(database: Path, sql: str, folder: Path, *options: str) -> list[dict[str, object]]:
    """Ask plain DuckDB's command line, from some working directory."""
    command = [DUCKDB, "-no-init", "-readonly", *options, "-json", str(database), "-c", sql]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return json.loads(done.stdout or "[]")


def test_an_empty_archive_has_every_view_with_a_comment_on_each_column(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    snapshot.build(tmp_path / "archive", {}, [])
    views = dict(
        ask(
            tmp_path / "archive",
            "SELECT view_name, comment FROM duckdb_views() "
            "WHERE NOT internal AND view_name[1] != '_'",
        )
    )
    assert sorted(views) == sorted(snapshot.VIEWS)
    assert all(views.values())
    for view in views:
        assert len(ask(tmp_path / "archive", f"SELECT * FROM {view}")) == (view == "about")
    bare = ask(
        tmp_path / "archive",
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE NOT internal AND table_name[1] != '_' AND coalesce(comment, '') = ''",
    )
    assert bare == []


def test_the_views_have_the_columns_of_the_schema_in_its_order(tmp_path: Path) -> None:
    for root, named in (
        (tmp_path / "empty", {}),
        (tmp_path / "full", write(tmp_path / "full", [version(), covered()])),
    ):
        root.mkdir(exist_ok=True)
        publish(root, named)
        for table in (schema.VERSIONS, schema.COVERAGE, schema.ARTICLES):
            told = [row[:2] for row in ask(root, f"DESCRIBE {table.name}")]
            wanted = [(c.name, snapshot._ARROW_TO_SQL[c.type]) for c in table.columns]
            wanted = [(n, t.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE")) for n, t in wanted]
            if table is schema.COVERAGE:  # counted when it is read: articles of a day come late
                wanted.append(("articles", "BIGINT"))
            if table is schema.ARTICLES:  # of a table of its own
                wanted.append(("story_id", "VARCHAR"))
            assert sorted(told) == sorted(wanted)


def test_plain_duckdb_reads_it_from_any_working_directory(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "it's an archive", tmp_path / "elsewhere"
    elsewhere.mkdir()
    publish(root, write(root, [version(title="عنوان"), covered()]))
    rows = shell(root / snapshot.NAME, "SELECT title, run_day FROM versions", elsewhere)
    assert rows == [{"title": "عنوان", "run_day": "2026-03-01"}]
    assert shell(root / snapshot.NAME, "SELECT status FROM coverage", elsewhere)


def test_a_new_snapshot_is_the_one_before_plus_what_is_finished(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered(DAY, "a"), covered(NEXT, "a")]))
    publish(tmp_path, write(tmp_path, [covered(DAY, "b"), version()]))
    rows = ask(tmp_path, "SELECT run_day, source FROM coverage ORDER BY ALL")
    assert rows == [(DAY, "b"), (NEXT, "a")]
    assert ask(tmp_path, "SELECT count(*) FROM versions") == [(1,)]
    assert ask(tmp_path, "SELECT files, first_run_day FROM about") == [(3, DAY)]


def test_a_partition_that_became_empty_leaves_the_snapshot(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered(DAY), covered(NEXT)]))
    publish(tmp_path, {"coverage": {DAY: []}})
    assert ask(tmp_path, "SELECT run_day FROM coverage") == [(NEXT,)]


def test_a_lost_file_of_an_older_day_does_not_stop_the_next_publish(tmp_path: Path) -> None:
    days = days_from(DAY, 3)
    publish(tmp_path, write(tmp_path, [covered(day) for day in days]))
    ((_, lost),) = Archive(tmp_path).open("coverage").files([days[0]])
    (tmp_path / lost).unlink()
    publish(tmp_path, write(tmp_path, [covered(days[-1], "other")]))
    with pytest.raises(duckdb.IOException, match=re.escape(lost)):  # until `verify` mended it
        ask(tmp_path, "SELECT * FROM coverage")
    publish(tmp_path, {"coverage": {days[0]: []}})
    found = ask(tmp_path, "SELECT run_day, source FROM coverage ORDER BY ALL")
    assert found == [(days[1], "paper_a"), (days[2], "other")]


def test_what_is_committed_but_not_published_is_not_shown(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered(DAY, "a")]))
    write(tmp_path, [covered(DAY, "b"), covered(NEXT, "b")])
    assert ask(tmp_path, "SELECT source FROM coverage") == [("a",)]


def test_files_of_two_schema_versions_are_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, write(tmp_path, [covered(DAY, "old")]))
    newer = with_column(COVERAGE, Column("mood", pa.string(), "How the editor felt"))
    monkeypatch.setitem(TABLES, "coverage", newer)
    rows = coverage_rows("new", day=NEXT).append_column("mood", pa.array(["fine"]))
    Archive(tmp_path).open("coverage").replace(rows, [NEXT])
    publish(tmp_path, {"coverage": files(tmp_path, "coverage", [NEXT])})
    assert ask(tmp_path, "SELECT source, mood FROM coverage ORDER BY run_day") == [
        ("old", None),
        ("new", "fine"),
    ]
    # Old files alone have the new column too.
    publish(tmp_path, {"coverage": {NEXT: []}})
    assert ask(tmp_path, "SELECT source, mood FROM coverage") == [("old", None)]


def test_rows_of_before_a_column_was_kept_are_read_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = ("confidence", "cited_agencies")
    older = dataclasses.replace(
        VERSIONS, columns=tuple(c for c in VERSIONS.columns if c.name not in later)
    )
    with monkeypatch.context() as before:
        before.setitem(TABLES, "versions", older)
        rows = tables.rows_of([version()], older)
        Archive(tmp_path).open("versions").replace(rows, [DAY])
    publish(tmp_path, {"versions": files(tmp_path, "versions", [DAY])})
    assert ask(tmp_path, "SELECT confidence, cited_agencies FROM versions") == [(None, None)]
    target = Archive(tmp_path).open("versions")
    new = tables.rows_of([version(source="paper_b", cited_agencies=["Reuters"])], VERSIONS)
    target.replace(pa.concat_tables([target.read([DAY]), new]), [DAY])
    publish(tmp_path, {"versions": files(tmp_path, "versions", [DAY])})
    assert ask(tmp_path, "SELECT source, cited_agencies FROM versions ORDER BY source") == [
        ("paper_a", None),
        ("paper_b", ["Reuters"]),
    ]


def test_a_filter_on_the_day_opens_that_days_file_alone(tmp_path: Path) -> None:
    days = days_from(DAY, 10)
    publish(tmp_path, write(tmp_path, [version(d) for d in days]))
    wanted = days[4]
    (plan,) = ask(
        tmp_path, f"EXPLAIN ANALYZE SELECT title FROM versions WHERE run_day = DATE '{wanted}'"
    )
    assert re.search(r"Total Files Read: 1\b", str(plan[1]))
    (plan,) = ask(tmp_path, "EXPLAIN ANALYZE SELECT title FROM versions")
    assert re.search(r"Total Files Read: 10\b", str(plan[1]))


def test_the_day_is_a_date(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [version()]))
    assert ask(tmp_path, "SELECT run_day + 1, typeof(run_day) FROM versions") == [(NEXT, "DATE")]


def test_a_reader_that_opened_before_goes_on_with_what_it_saw(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered(DAY, "a")]))
    with snapshot.reading(tmp_path) as old:
        assert old.execute("SELECT source FROM coverage").fetchall() == [("a",)]
        publish(tmp_path, write(tmp_path, [covered(DAY, "b")]))
        assert old.execute("SELECT source FROM coverage").fetchall() == [("a",)]
        assert ask(tmp_path, "SELECT source FROM coverage") == [("b",)]
    plain = duckdb.connect(str(tmp_path / snapshot.NAME), read_only=True)
    with plain:
        publish(tmp_path, write(tmp_path, [covered(DAY, "c")]))
        assert plain.execute("SELECT source FROM coverage").fetchall() == [("b",)]


def test_readers_leave_nothing_behind(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered()]))
    before = sorted(p.name for p in tmp_path.iterdir())
    ask(tmp_path, "SELECT 1")
    with pytest.raises(duckdb.Error):
        ask(tmp_path, "no sql")
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_readers_cannot_change_it(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered()]))
    with pytest.raises(duckdb.Error, match="read-only"):
        ask(tmp_path, "CREATE TABLE mine (a INTEGER)")


def test_a_moved_archive_opens_where_it_lies_now(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    publish(old, write(old, [covered(source="a")]))
    shutil.move(old, new)
    assert ask(new, "SELECT source FROM coverage") == [("a",)]
    told = f"SET VARIABLE archive_root = '{new}/'"
    rows = shell(new / snapshot.NAME, "SELECT source FROM coverage", tmp_path, "-cmd", told)
    assert rows == [{"source": "a"}]


def test_a_snapshot_that_cannot_be_opened_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no archive here yet"), snapshot.reading(tmp_path):
        pass
    (tmp_path / snapshot.NAME).write_bytes(b"not a database at all" * 100)
    with pytest.raises(ArchiveError, match="cannot be opened"), snapshot.reading(tmp_path):
        pass


def test_publishers_in_two_processes_both_land(tmp_path: Path) -> None:
    later = DAY + timedelta(days=40)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        one = pool.submit(publish_days, tmp_path, DAY, 6)
        two = pool.submit(publish_days, tmp_path, later, 6)
        assert one.result() + two.result() == 12
    days = [row[0] for row in ask(tmp_path, "SELECT run_day FROM coverage ORDER BY run_day")]
    assert days == days_from(DAY, 6) + days_from(later, 6)


def test_who_waits_too_long_for_the_lease_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_PUBLISH_WAIT", 0.1)
    with (
        snapshot.publishing(tmp_path),
        pytest.raises(Conflict, match="another publish"),
        snapshot.publishing(tmp_path),
    ):
        pass


def test_the_log_of_a_table_repeats_no_values_of_its_rows(tmp_path: Path) -> None:
    write(tmp_path, [covered(DAY, "a newspaper of its own")])
    log = [p.read_text() for p in (tmp_path / "coverage" / "_delta_log").glob("*.json")]
    assert any('"numRecords\\":1' in entry for entry in log)
    assert not any("a newspaper of its own" in entry for entry in log)


def test_rows_are_found_in_any_partition(tmp_path: Path) -> None:
    write(tmp_path, [covered(DAY, "a"), covered(DAY, "b"), covered(NEXT, "a")])
    found = Archive(tmp_path).open("coverage").find("source", {"a", "c"})
    assert found.column_names == TABLES["coverage"].arrow.names
    assert sorted(found["run_day"].to_pylist()) == [DAY, NEXT]
    assert found["source"].to_pylist() == ["a", "a"]
    assert Archive(tmp_path).open("coverage").find("source", ()).num_rows == 0


def test_readers_of_parquet_give_back_what_they_free() -> None:
    program = "import newsarchive.steps, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    env = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "system\n"


def test_a_build_that_fails_leaves_the_snapshot_before_and_no_litter(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered()]))
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(ArchiveError):
        publish(tmp_path, {"coverage": {NEXT: ["coverage/run_day=2026-03-02/none.parquet"]}})
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert ask(tmp_path, "SELECT run_day FROM coverage") == [(DAY,)]


def test_sources_and_about_tell_of_the_archive(tmp_path: Path) -> None:
    source = Source.model_validate(
        {
            "name": "paper_a",
            "title": "جريدة",
            "url": "https://a.example/",
            "language": "ar",
            "timezone": "Africa/Cairo",
            "listing": [{"kind": "feed", "url": "https://a.example/feed"}],
            "version": "abc",
        }
    )
    publish(tmp_path, {}, [source])
    assert ask(tmp_path, "SELECT source, title, listings, source_version FROM sources") == [
        ("paper_a", "جريدة", ["https://a.example/feed"], "abc")
    ]
    assert ask(tmp_path, "SELECT declaration->>'$.timezone' FROM sources") == [("Africa/Cairo",)]
    ((version_, place),) = ask(tmp_path, "SELECT schema_version, built_in FROM about")
    assert (version_, place) == (schema.SCHEMA_VERSION, str(tmp_path))
