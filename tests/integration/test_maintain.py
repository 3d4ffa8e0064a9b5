"""Upkeep changes no row, disturbs no reader and no writer, and removes nothing that is needed."""

import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from archives import DAY, coverage_rows, covered, publish, version, write
from archives import files as files_of
from command_line import Program
from command_line import program as _program
from days import files_per_partition, lasting, rows, settings_for
from deltalake import DeltaTable

from newsarchive import steps
from newsarchive.errors import ArchiveError
from newsarchive.settings import Settings
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive

NEXT = DAY + timedelta(days=1)
run = pytest.fixture(_program)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, 1)


@pytest.fixture
def root(settings: Settings) -> Path:
    """Return the archive: two published days, the first of three files, the second of one."""
    root = settings.archive_path
    append(root, DAY, "paper_c", "paper_a", "paper_b")
    append(root, NEXT, "paper_a")
    show(root, DAY, NEXT)
    return root


def append(root: Path, day: date, *sources: str) -> None:
    for source in sources:
        Archive(root).append("coverage", coverage_rows(source, day=day))


def show(root: Path, *days: date) -> None:
    publish(root, {"coverage": files_of(root, "coverage", days)})


def sources(root: Path) -> list[str]:
    return sorted(f"{r['run_day']} {r['source']}" for r in rows(root, "coverage"))


def named(root: Path) -> list[str]:
    return sorted(f.path for f in snapshot.named_files(root))


def live(root: Path) -> list[str]:
    return sorted(path for _, path in Archive(root).open("coverage").files())


def state(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(p.relative_to(root)): (p.stat().st_size, p.stat().st_mtime_ns)
        for p in root.rglob("*")
        if p.is_file() and p.name != ".publish.lock"
    }


def age(settings: Settings, hours: float, *, shown: bool = True) -> None:
    """Let everything that was done to an archive have been done so many hours before."""
    root = settings.archive_path
    back = int(hours * 3600)
    for entry in root.glob("*/_delta_log/*.json"):
        lines = [json.loads(line) for line in entry.read_text().splitlines()]
        for line in lines:
            if "remove" in line:
                line["remove"]["deletionTimestamp"] -= back * 1000
        entry.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in root.glob("*/_delta_log/*checkpoint*"):
        if (path.parent / f"{0:020d}.json").exists():
            path.unlink()  # it has the times too, and all entries are there
    for path in root.rglob("*"):
        at = path.stat().st_mtime - back
        os.utime(path, (at, at))
    if shown:
        with closing(duckdb.connect(str(root / snapshot.NAME))) as connection:
            connection.execute(f"UPDATE _left SET left_at = left_at - INTERVAL {back} SECOND")
    shutil.rmtree(root / "sums")
    steps.verify(settings, adopt=True)


def test_a_day_becomes_one_file_in_its_order_and_the_snapshot_names_it(
    settings: Settings, root: Path
) -> None:
    before = sources(root)
    assert sorted(files_per_partition(root)) == [1, 3]
    counts = steps.maintain(settings).counts()
    assert (counts["days compacted"], counts["files joined"]) == (1, 3)
    assert list(files_per_partition(root)) == [1, 1]
    assert named(root) == live(root)
    assert sources(root) == before
    (path,) = files_of(root, "coverage", [DAY])[DAY]
    order = Archive(root).open("coverage").read([DAY])["source"].to_pylist()
    assert order == ["paper_a", "paper_b", "paper_c"], path
    again = steps.maintain(settings)
    assert {k: v for k, v in again.counts().items() if v} == {}
    verified = steps.verify(settings)
    assert (verified.findings, verified.unknown) == ([], [])


def test_rows_that_are_not_published_are_not_shown_by_it(settings: Settings, root: Path) -> None:
    before = sources(root)
    append(root, DAY, "paper_d")
    steps.maintain(settings)
    assert sources(root) == before
    assert len(live(root)) == 2
    show(root, DAY)
    assert sources(root) == sorted([*before, f"{DAY} paper_d"])
    assert named(root) == live(root)


def test_a_compaction_that_died_before_the_snapshot_moved_is_finished(
    settings: Settings, root: Path
) -> None:
    before = sources(root)
    Archive(root).open("coverage").compact(DAY)
    assert named(root) != live(root)
    steps.maintain(settings)
    assert named(root) == live(root)
    assert sources(root) == before


def test_a_reader_that_is_open_goes_on(settings: Settings, root: Path) -> None:
    before = sources(root)
    with (
        closing(duckdb.connect(str(root / snapshot.NAME), read_only=True)) as plain,
        snapshot.reading(root) as reader,
    ):
        for _ in range(2):
            for connection in (plain, reader):
                sql = "SELECT run_day || ' ' || source FROM coverage ORDER BY 1"
                assert [r for (r,) in connection.execute(sql).fetchall()] == before
            steps.maintain(settings)


def test_a_dry_run_changes_nothing_and_says_what_would_be(
    settings: Settings, root: Path, run: Program
) -> None:
    show(root, DAY)
    Archive(root).open("coverage").compact(NEXT, most=0)
    show(root, NEXT)
    age(settings, 200)
    before = state(root)
    ran = run("--archive", root, "--json", "maintain", "--dry-run")
    assert ran.code == 0
    assert state(root) == before
    promised = ran.json["by_table"]["coverage"]
    assert promised["days compacted"] == 1
    assert promised["files removed"] == 1
    assert promised["bytes removed"] > 1000
    done = steps.maintain(settings).by_source["coverage"]
    assert {k: v for k, v in done.items() if v} == {k: v for k, v in promised.items() if v}
    for words in ("nothing to do", "nothing was changed"):
        assert words in run("--archive", root, "maintain", "--dry-run").err


def test_what_left_its_table_goes_after_the_retention(settings: Settings, root: Path) -> None:
    steps.maintain(settings)
    left = Archive(root).open("coverage").left()
    assert len(left) == 3
    age(settings, settings.retention_hours - 1)
    assert "files removed" not in steps.maintain(settings).counts()
    age(settings, 2)
    assert steps.maintain(settings).counts()["files removed"] == 3
    assert not any((root / path).exists() for path in left)
    assert steps.verify(settings).findings == []


def test_no_file_that_the_snapshot_names_goes_whatever_its_age(
    settings: Settings, root: Path
) -> None:
    before = sources(root)
    write(root, [covered(DAY, "paper_x")])  # replaces the day, and is not published
    age(settings, 10_000)
    steps.maintain(settings)
    assert sources(root) == before
    assert len(named(root)) == 4


def test_nor_one_that_it_named_within_the_retention(settings: Settings, root: Path) -> None:
    write(root, [covered(DAY, "paper_x")])
    with snapshot.reading(root) as reader:
        age(settings, 10_000)
        show(root, DAY)  # the files left their table long ago, and the snapshot just now
        assert len(snapshot.left_files(root)) == 3
        steps.maintain(settings)
        assert reader.execute("SELECT count(*) FROM coverage").fetchone() == (4,)
    age(settings, settings.retention_hours + 1)
    assert steps.maintain(settings).counts()["files removed"] == 3
    show(root, DAY)
    assert snapshot.left_files(root) == {}


def test_a_snapshot_of_before_is_taken_over(settings: Settings, root: Path) -> None:
    before = sources(root)
    with closing(duckdb.connect(str(root / snapshot.NAME))) as connection:
        connection.execute("DROP TABLE _left")
    assert snapshot.left_files(root) == {}
    steps.maintain(settings)
    assert len(snapshot.left_files(root)) == 3
    assert sources(root) == before


def test_what_killed_writers_left_goes_after_the_retention(settings: Settings, root: Path) -> None:
    strays = [
        root / "coverage" / f"run_day={DAY}" / "part-never-committed.parquet",
        root / "coverage" / f"run_day={DAY}" / "part-half.parquet#1",
        root / "coverage" / "_delta_log" / f"{99:020d}.json#1",
        root / "sums" / f".{'ab' * 16}",
    ]
    for path in strays:
        path.write_bytes(b"x")
    steps.maintain(settings)
    assert all(path.exists() for path in strays)
    for path in strays:
        os.utime(path, (1, 1))
    assert len(steps.verify(settings).findings) == 4
    steps.maintain(settings)
    assert not any(path.exists() for path in strays)
    assert steps.verify(settings).findings == []


def test_old_entries_of_a_log_go_and_the_table_stays_what_it_is(
    settings: Settings, root: Path
) -> None:
    for n in range(55):
        write(root, [covered(NEXT, f"paper_{n}")])
    show(root, NEXT)
    before, log = sources(root), root / "coverage" / "_delta_log"
    assert steps.maintain(settings).counts()["log entries removed"] == 0
    old = time.time() - 40 * 86400
    for path in log.iterdir():
        os.utime(path, (old, old))
    append(root, DAY, "paper_z")
    show(root, DAY)
    dry = steps.maintain(settings, dry_run=True).counts()["log entries removed"]
    assert steps.maintain(settings).counts()["log entries removed"] > 50
    assert dry > 50
    assert len(list(log.iterdir())) < 10
    assert sources(root) == sorted([*before, f"{DAY} paper_z"])
    verified = steps.verify(settings)
    assert (verified.findings, verified.unknown) == ([], [])
    append(root, DAY, "paper_y")
    assert len(Archive(root).open("coverage").read([DAY])) == 5


def test_a_table_that_an_older_version_made_gets_the_properties_of_a_new_one(
    settings: Settings, root: Path
) -> None:
    folder = root / "coverage"
    DeltaTable(folder).alter.set_table_properties({"delta.dataSkippingNumIndexedCols": "32"})
    steps.verify(settings, adopt=True)
    before = sources(root)
    steps.maintain(settings)
    write(root, [covered(DAY, "a newspaper of its own")])
    newest = max(folder.glob("_delta_log/*.json")).read_text()
    assert '"add"' in newest
    assert "a newspaper of its own" not in newest
    assert sources(root) == before
    assert steps.verify(settings).findings == []


def test_files_without_a_sum_are_given_one(settings: Settings, root: Path) -> None:
    shutil.rmtree(root / "sums")
    assert steps.maintain(settings).counts()["sums adopted"] > 4
    verified = steps.verify(settings)
    assert (verified.findings, verified.unknown) == ([], [])
    assert len(list((root / "sums").iterdir())) == 1


def test_damaged_rows_are_not_written_again(settings: Settings, root: Path) -> None:
    path = root / files_of(root, "coverage", [DAY])[DAY][0]
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=f"{path.name}: damaged"):
        steps.maintain(settings)
    assert len(live(root)) == 4


def test_a_writer_beside_it(settings: Settings, root: Path) -> None:
    over = threading.Event()
    wrong: list[Any] = []

    def commit() -> Iterator[str]:
        try:
            for n in range(15):
                append(root, DAY, f"paper_{n}")
                write(root, [covered(NEXT, f"paper_{n}")])
                with snapshot.publishing(root):
                    days = files_of(root, "coverage", [DAY, NEXT])
                    snapshot.build(root, {"coverage": days}, [])
                yield ""
        except BaseException as error:
            wrong.append(error)
            raise
        finally:
            over.set()

    writer = threading.Thread(target=lambda: list(commit()))
    writer.start()
    rounds = 0
    while not over.is_set():
        steps.maintain(settings)
        assert len([s for s in sources(root) if s.startswith(str(NEXT))]) == 1
        rounds += 1
    writer.join()
    assert wrong == []
    assert rounds > 1
    steps.maintain(settings)
    assert len(sources(root)) == 3 + 15 + 1
    assert named(root) == live(root)
    verified = steps.verify(settings)
    assert (verified.findings, verified.unknown) == ([], [])


@pytest.mark.long
def test_killed_at_any_moment_it_is_finished_by_the_next(
    tmp_path: Path,
    run: Program,
    draw: Callable[[Sequence[int], int], list[int]],
) -> None:
    whole = settings_for(tmp_path / "whole", 1)
    for n in range(8):
        for day in (DAY, NEXT):
            write(
                whole.archive_path,
                [version(day, f"https://a.example/{day}/{n}/{k}") for k in range(n)],
            )
            steps.publish(day, whole)
            append(whole.archive_path, day, f"paper_{n}")
    for day in (DAY, NEXT):
        steps.publish(day, whole)
    append(whole.archive_path, DAY, "paper_z")
    publish(whole.archive_path, {"coverage": files_of(whole.archive_path, "coverage", [DAY])})
    age(whole, 24 * 40)
    for case in draw(range(50), 4):
        folder = tmp_path / f"case-{case}"
        shutil.copytree(tmp_path / "whole", folder)
        copy = settings_for(folder, 1)
        before = lasting(copy.archive_path)
        words = ("--archive", copy.archive_path, "--sources", "sample_*", "maintain")
        with run.process(*words) as process:
            time.sleep(random.Random(case).uniform(0.5, 2.5))
            process.send_signal(signal.SIGKILL)
        assert lasting(copy.archive_path) == before, case
        steps.maintain(copy)
        assert lasting(copy.archive_path) == before, case
        verified = steps.verify(copy)
        assert (verified.findings, verified.unknown) == ([], []), case
        assert set(files_per_partition(copy.archive_path)) == {1}, case
        shutil.rmtree(folder)


def test_there_is_nothing_to_maintain_without_an_archive(run: Program) -> None:
    ran = run("maintain")
    assert ran.code == 1
    assert "no archive here yet" in ran.err
