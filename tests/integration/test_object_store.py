"""The archive in an object store: the same rows as in a folder, whoever writes, dies or is down."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pytest
import time_machine
from command_line import Program
from command_line import program as _program
from days import changed, differences, program_for, settings_for
from object_store import BUCKET, ObjectStore, serving

from newsarchive import steps
from newsarchive.days import days_between
from newsarchive.errors import ArchiveError, Unavailable
from newsarchive.model import Capture, Version
from newsarchive.parsers import Job, parse_one
from newsarchive.sample.serve import SampleServer, start
from newsarchive.sample.truth import truth
from newsarchive.settings import Settings
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
DOCUMENT = """عنوان الخبر الأول
تاريخ النشر: 27th, December 2023 GMT
قال الناطق باسم الوزارة إن الأعمال في الطريق الساحلي انتهت قبل موعدها بأسبوعين كاملين.

وأضاف أن الحركة عادت إلى طبيعتها صباح الأربعاء بعد إزالة الحواجز من الاتجاهين.
"""
DAYS = days_between(date(2026, 11, 10), date(2026, 11, 12))

run = pytest.fixture(_program)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with serving(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture(scope="module")
def papers() -> Iterator[SampleServer]:
    with start(now=NOW) as server:
        yield server


def stored(folder: Path, papers: SampleServer, prefix: str, **more: Any) -> Settings:
    """Return settings for an archive in the store, with a state folder of their own."""
    given = {"archive": f"s3://{BUCKET}/{prefix}", "store_timeout": 20} | more
    return settings_for(folder, papers.server_port, **given)


@pytest.fixture(scope="module")
def three_days(
    store: ObjectStore, papers: SampleServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Settings]:
    """The same days in a folder and in the store."""
    folder = tmp_path_factory.mktemp("three-days")
    local = settings_for(folder / "local", papers.server_port)
    there = stored(folder / "there", papers, "three/days")
    for day in DAYS:
        for own in (local, there):
            steps.run(day, own)
    return local, there


def test_rows_equal_the_truth_and_those_of_a_folder(
    three_days: tuple[Settings, Settings], papers: SampleServer
) -> None:
    local, there = three_days
    assert differences(there.archive_path, truth(DAYS, NOW, papers.base_url)) == []
    assert changed(local.archive_path, there.archive_path) == []


def test_the_commands_read_it(
    three_days: tuple[Settings, Settings], run: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, there = three_days
    before = ["--archive", there.archive, "--state-dir", run.folder / "another machine"]
    ran = run(*before, "query", "SELECT version_id, url FROM versions ORDER BY 1", "--json")
    assert ran.code == 0, ran.err
    assert len(ran.json) > 30
    for row in ran.json[:2]:
        told = run(*before, "show", row["url"], "--json")
        assert told.code == 0, told.out + told.err
        assert {v["bytes"] for v in told.json["versions"]} == {"verified"}
        shown = run(*before, "show", row["version_id"])
        assert shown.code == 0 and f"aws s3 cp {there.archive}/raw/run_day=" in shown.out
    calendar = run(*before, "coverage", "--from", DAYS[0], "--to", DAYS[-1])
    assert calendar.code == 0 and "No gaps." in calendar.out
    refused = run(*before, "backup", "s3://news/copy")
    assert refused.code == 1 and "a backup goes to a folder" in refused.err
    assert not (run.folder / "s3:").exists()
    refused = run(*before, "shell")
    assert refused.code == 1 and "DuckDB's command line is not there" in refused.err
    assert refused.err.count("\n") == 1


def test_duckdbs_own_extension_reads_the_same(
    three_days: tuple[Settings, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    with duckdb.connect() as probe:
        try:
            probe.execute("LOAD httpfs")
        except duckdb.Error:
            pytest.skip("DuckDB's extension httpfs is not installed: our file system reads alone")
    root = three_days[1].archive_path
    sql = "SELECT * FROM articles ORDER BY article_id"
    with snapshot.reading(root) as reader:
        by_extension = reader.execute(sql).fetchall()
    monkeypatch.setattr(snapshot, "_has_httpfs", lambda *_: False)
    with snapshot.reading(root) as reader:
        assert reader.execute(sql).fetchall() == by_extension


def test_upkeep_keeps_the_rows(three_days: tuple[Settings, Settings], tmp_path: Path) -> None:
    local, there = three_days
    steps.run(DAYS[-1], there)
    done = steps.maintain(there)
    assert done.counts()["checkpoints"] and not done.notes
    found = steps.verify(there)
    assert (found.findings, found.unknown) == ([], [])
    assert found.files > 30
    assert changed(local.archive_path, there.archive_path) == []

    copied = steps.back_up(tmp_path / "copy", there)
    assert not copied.damaged and copied.files == copied.copied
    restored = settings_for(tmp_path, 1, archive=str(tmp_path / "copy"))
    assert steps.verify(restored).findings == []
    assert changed(local.archive_path, restored.archive_path) == []
    assert steps.back_up(tmp_path / "copy", there).copied == 0


def test_one_changed_byte_is_found_and_mended(
    papers: SampleServer, store: ObjectStore, tmp_path: Path
) -> None:
    own = stored(tmp_path, papers, "damaged")
    steps.run(DAYS[0], own)
    local = settings_for(tmp_path / "local", papers.server_port)
    steps.run(DAYS[0], local)
    root = own.archive_path
    victims = [
        next(p for p in root.rglob(pattern) if p.key.startswith(f"damaged/{below}"))
        for below, pattern in (("versions/run", "*.parquet"), ("raw/", "*.warc.gz"))
    ]
    kept = [v.read_bytes() for v in victims]
    for victim, data in zip(victims, kept, strict=True):
        victim.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    found = {str(root / f.path) for f in steps.verify(own).findings}
    assert found == {str(v) for v in victims}
    victims[1].write_bytes(kept[1])
    assert steps.verify(own, repairing=True).findings == []
    assert changed(local.archive_path, root) == []


def test_polls_imports_and_reparsing_give_the_same_rows(store: ObjectStore, run: Program) -> None:
    text = run.folder / "text.txt"
    text.write_text(DOCUMENT)
    with start() as papers:
        local = settings_for(run.folder / "local", papers.server_port)
        there = stored(run.folder / "there", papers, "by-the-hour")
        for hour in (8, 9, 10):
            at = datetime(2026, 11, 20, hour, tzinfo=UTC)
            papers.set_clock(at)
            with time_machine.travel(at, tick=True):
                steps.poll(local)
                steps.poll(there)
        for own in (local, there):
            steps.import_files([text], "agency_texts", own)
            steps.reparse(date(2026, 11, 20), date(2026, 11, 20), own)
    assert changed(local.archive_path, there.archive_path) == []
    assert steps.verify(there).findings == []
    with pytest.raises(ArchiveError, match=r"^s3://news/by-the-hour: --in-place is not there"):
        steps.import_warcs([text], in_place=True, settings=there)


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[ObjectStore]:
    with serving(tmp_path / "store") as server:
        yield server


class Newsroom:
    """The program on an archive in a store that has its bad days, and a folder to compare with."""

    def __init__(self, run: Program, papers: SampleServer) -> None:
        self.run = run
        self.local = settings_for(run.folder / "local", papers.server_port)
        self.own = stored(run.folder, papers, "bad-days")
        self.words = program_for(self.own.archive, self.own.state_dir, papers.server_port)[3:]
        self.hasty = [*self.words, "--set", "store_timeout=1"]

    def is_whole(self, *days: date) -> None:
        """Check that runs go on from whatever was left, and give what a folder has."""
        for day in days:
            ran = self.run(*self.words, "run", "--day", day)
            assert ran.code == 0, ran.out + ran.err
            steps.run(day, self.local)
        assert changed(self.local.archive_path, self.own.archive_path) == []
        assert steps.verify(self.own).findings == []


@pytest.fixture
def newsroom(run: Program, papers: SampleServer, own_store: ObjectStore) -> Newsroom:
    return Newsroom(run, papers)


def test_a_store_that_is_down_or_answers_nothing(
    newsroom: Newsroom, own_store: ObjectStore
) -> None:
    newsroom.is_whole(DAYS[0])
    for words in (["run", "--day", DAYS[1]], ["query", "FROM articles"], ["verify"]):
        own_store.stop()
        ran = newsroom.run(*newsroom.hasty, *words)
        assert ran.code == 1, ran.out + ran.err
        assert ran.err.startswith("newsarchive: s3://news/bad-days")
        assert ran.err.count("\n") == 1 and "does not answer" in ran.err
        with own_store.mute():
            ran = newsroom.run(*newsroom.hasty, *words)
        assert ran.code == 1 and ran.err.count("\n") == 1, ran.err
        assert "does not answer in time (setting store_timeout)" in ran.err
    assert changed(newsroom.local.archive_path, newsroom.own.archive_path) == []
    newsroom.is_whole(DAYS[1])


def test_a_page_whose_bytes_cannot_be_asked_for_is_no_reject(
    newsroom: Newsroom, own_store: ObjectStore
) -> None:
    newsroom.is_whole(DAYS[0])
    hasty = newsroom.own.model_copy(update={"store_timeout": 1.0}).archive_path
    of_page = (pc.field("kind") == "page") & (pc.field("outcome") == "ok")
    pages = Archive(hasty).open("captures").read([DAYS[0]], where=of_page).to_pylist()
    row = max(pages, key=lambda r: r["warc_length"])
    job = Job(hasty, Capture(**row), None, row["url"], None)
    own_store.stop()
    with pytest.raises(Unavailable, match="does not answer"):
        parse_one(job)
    own_store.start()
    assert isinstance(parse_one(job)[0], Version)


def test_nothing_is_damaged_because_the_store_goes_down(
    newsroom: Newsroom, own_store: ObjectStore
) -> None:
    newsroom.is_whole(DAYS[0])
    hasty = newsroom.own.model_copy(update={"store_timeout": 1.0})

    def down(*_: object) -> None:
        own_store.stop()

    with pytest.raises(OSError, match="does not answer"):
        steps.verify(hasty, down, repairing=True)
    own_store.start()
    with pytest.raises(ArchiveError, match="does not answer"):
        steps.back_up(newsroom.run.folder / "copy", hasty, down)
    own_store.start()
    assert steps.verify(newsroom.own).findings == []
    assert changed(newsroom.local.archive_path, newsroom.own.archive_path) == []


def test_keys_that_the_store_refuses(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret")
    ran = newsroom.run(*newsroom.hasty, "run", "--day", DAYS[0])
    assert ran.code == 1 and ran.err.count("\n") == 1, ran.err
    assert "refuses these keys" in ran.err and "a-wrong-secret" not in ran.err


def test_a_store_that_goes_down_amid_a_run(
    newsroom: Newsroom, own_store: ObjectStore, papers: SampleServer
) -> None:
    newsroom.is_whole(DAYS[0])
    for polite in (0.01, 0.05):
        words = [*newsroom.hasty, "--set", f"delay={polite}", "run", "--day", DAYS[1]]
        with newsroom.run.process(*words) as process:
            writing = newsroom.own.state_dir / "staging"
            while process.poll() is None and not list(writing.rglob("*.open")):
                time.sleep(0.01)
            own_store.stop()
            _, err = process.communicate(timeout=120)
        assert process.returncode == 1, err
        assert err.splitlines()[-1].startswith("newsarchive: s3://news/bad-days"), err
        assert "Traceback" not in err
        own_store.start()
        assert changed(newsroom.local.archive_path, newsroom.own.archive_path) == []
    newsroom.is_whole(DAYS[1])
    assert list((newsroom.own.state_dir / "staging").rglob("*.open")) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_run_killed_at_any_moment_is_finished_by_the_next(
    newsroom: Newsroom, draw: Callable[[Sequence[int], int], list[int]]
) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    kills = len(draw(range(200), 6))
    days = days_between(DAYS[0], DAYS[0] + timedelta(days=max(1, kills // 20)))
    began = time.monotonic()
    assert newsroom.run(*newsroom.words, "run", "--day", days[0]).code == 0
    took = time.monotonic() - began
    killed = 0
    while killed < kills:
        day = days[killed * len(days) // kills]
        with newsroom.run.process(*newsroom.words, "run", "--day", day) as process:
            time.sleep(chance.uniform(0, took))
            killed += process.poll() is None
            process.kill()
    newsroom.is_whole(*days)
    assert list((newsroom.own.state_dir / "staging").rglob("*.open")) == []
    print(f"killed {killed} times, {len(days)} days, seed {seed}")
