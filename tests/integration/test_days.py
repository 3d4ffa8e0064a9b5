"""Whole days over loopback: rows equal the truth, whatever the order and however often."""

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from days import changed, differences, files_per_partition, lasting, live_files, rows, settings_for

from newsarchive import parsers, steps
from newsarchive.days import days_between, today
from newsarchive.errors import ArchiveError
from newsarchive.parsers import Job, Parsers
from newsarchive.sample.serve import SampleServer, start
from newsarchive.sample.truth import truth
from newsarchive.steps import place
from newsarchive.store import snapshot

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
DAYS = days_between(date(2026, 11, 10), date(2026, 11, 19))


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start(now=NOW) as server:
        yield server


@pytest.fixture(scope="module")
def ten_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SampleServer, Path]]:
    """Ten days, archived in their order, and the server they came from."""
    folder = tmp_path_factory.mktemp("ten-days")
    with start(now=NOW) as server:
        chosen = settings_for(folder, server.server_port)
        for day in DAYS:
            steps.run(day, chosen)
        yield server, chosen.archive_path


def test_rows_equal_the_truth(ten_days: tuple[SampleServer, Path]) -> None:
    server, archive = ten_days
    wanted = truth(DAYS, NOW, server.base_url)
    assert len(wanted["articles"]) > 100
    assert differences(archive, wanted) == []


def test_every_day_is_complete_and_adds_up(ten_days: tuple[SampleServer, Path]) -> None:
    _, archive = ten_days
    covered = rows(archive, "coverage")
    assert {(r["source"], r["status"]) for r in covered} == {
        ("sample_ar", "complete"),
        ("sample_en", "complete"),
    }
    assert len(covered) == 2 * len(DAYS)
    for row in covered:
        assert row["listed"] == row["kept"] + row["rejected"]
        assert row["missing"] == 0
    assert sum(r["kept"] for r in covered) == sum(1 for r in rows(archive, "versions"))


def test_one_file_per_table_and_day(ten_days: tuple[SampleServer, Path]) -> None:
    assert set(files_per_partition(ten_days[1])) == {1}


def test_ten_days_in_any_order_give_the_same_archive(
    ten_days: tuple[SampleServer, Path], tmp_path: Path
) -> None:
    server, archive = ten_days
    seed = random.randrange(10**6)
    shuffled = random.Random(seed).sample(DAYS, len(DAYS))
    chosen = settings_for(tmp_path, server.server_port)
    for day in shuffled:
        steps.run(day, chosen)
    assert lasting(chosen.archive_path) == lasting(archive), f"seed {seed}"
    assert live_files(chosen.archive_path) == live_files(archive)


def test_the_same_day_twice_gives_the_same_rows(samples: SampleServer, tmp_path: Path) -> None:
    chosen = settings_for(tmp_path, samples.server_port)
    day = DAYS[3]
    steps.run(day, chosen)
    before, files = lasting(chosen.archive_path), live_files(chosen.archive_path)
    captured = len(rows(chosen.archive_path, "captures"))
    samples.reset()
    steps.run(day, chosen)
    assert lasting(chosen.archive_path) == before
    assert live_files(chosen.archive_path) == files
    asked = samples.counts()
    # Listings are asked again, by their validators; pages whose bytes are there are not.
    assert asked["requests"].get("page", 0) == 0
    assert len(rows(chosen.archive_path, "captures")) - captured == sum(asked["statuses"].values())


def test_pages_are_parsed_while_others_are_fetched_with_the_same_rows(
    samples: SampleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepwise = settings_for(tmp_path / "stepwise", samples.server_port)
    for step in (steps.discover, steps.fetch, steps.parse, steps.publish):
        step(DAYS[3], settings=stepwise)
    monkeypatch.setattr(parsers, "_PARALLEL_FROM", 1)
    monkeypatch.setattr(place, "_GROUP", 1)  # one source at a time
    begun: list[bool] = []
    waiting: list[Job] = []

    def parse(self: Parsers, jobs: Sequence[Job], expected: int) -> Iterator[Any]:
        waiting.extend(self._waiting)
        for job in (job for job in jobs if job.capture.outcome == "ok"):
            ahead = self._begun.get(job.capture.capture_id)
            begun.append(job in waiting or bool(ahead and ahead.is_(job)))
        return whole(self, jobs, expected)

    whole = Parsers.parse
    monkeypatch.setattr(Parsers, "parse", parse)
    at_once = settings_for(tmp_path / "at-once", samples.server_port)
    steps.run(DAYS[3], at_once)
    assert lasting(at_once.archive_path) == lasting(stepwise.archive_path)
    # Equal in all that parsing goes by, or it would have been done again.
    assert begun
    assert all(begun)


def test_two_processes_at_once_give_the_same_rows(samples: SampleServer, tmp_path: Path) -> None:
    alone = settings_for(tmp_path / "alone", samples.server_port)
    beside = settings_for(tmp_path / "beside", samples.server_port)
    for day in DAYS[:2]:
        steps.run(day, alone)
    samples.reset()
    program = (
        "import sys; from datetime import date; from pathlib import Path; "
        "sys.path.insert(0, sys.argv[3]); "
        "from days import settings_for; from newsarchive import steps; "
        "chosen = settings_for(Path(sys.argv[1]), int(sys.argv[2])); "
        "[steps.run(date.fromisoformat(d), chosen) for d in sys.argv[4:]]"
    )
    folder = str(Path(__file__).parent.parent)
    orders = [[d.isoformat() for d in DAYS[:2]], [d.isoformat() for d in reversed(DAYS[:2])]]
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                program,
                str(tmp_path / "beside"),
                str(samples.server_port),
                folder,
                *order,
            ]
        )
        for order in orders
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    assert changed(beside.archive_path, alone.archive_path) == []
    assert lasting(beside.archive_path) == lasting(alone.archive_path)
    assert samples.counts()["most_at_once"] == 1


def test_nothing_forbidden_is_asked(ten_days: tuple[SampleServer, Path]) -> None:
    server, archive = ten_days
    assert server.counts()["forbidden"] == 0
    assert any(r["reason"] == "robots" for r in rows(archive, "rejects"))


def test_lineage_leads_to_the_bytes(ten_days: tuple[SampleServer, Path]) -> None:
    import hashlib

    from newsarchive.fetch.warc import read_record

    _, archive = ten_days
    for row in rows(archive, "articles")[:20]:
        with (archive / row["warc_path"]).open("rb") as file:
            file.seek(row["warc_offset"])
            member = file.read(row["warc_length"])
        assert hashlib.sha256(member).hexdigest() == row["record_sha256"]
        record = read_record(archive, row["warc_path"], row["warc_offset"], row["warc_length"])
        assert hashlib.sha256(record.body).hexdigest() == row["payload_sha256"]


def test_recent_days_are_redone(samples: SampleServer, tmp_path: Path) -> None:
    """A page that is published late, under yesterday's date, is found by the next day's run."""
    first, second = today() - timedelta(days=2), today() - timedelta(days=1)
    chosen = settings_for(tmp_path, samples.server_port)
    noon = datetime(first.year, first.month, first.day, 12, tzinfo=UTC)
    samples.set_clock(noon)  # the second half of the first day is not out yet
    steps.run(first, chosen)
    early = {r["url"] for r in rows(chosen.archive_path, "links")}
    now = datetime.now(UTC)
    samples.set_clock(now)
    steps.run(second, chosen)
    links = rows(chosen.archive_path, "links")
    late = {r["url"] for r in links if r["run_day"] == first.isoformat()} - early
    assert late
    # An address that was listed at noon stays a link, though its story moved or went since.
    wanted = [truth([first], noon, samples.base_url), truth([first, second], now, samples.base_url)]
    assert {r["url"] for r in links} == {r["url"] for told in wanted for r in told["links"]}
    kept = {r["run_day"]: r["status"] for r in rows(chosen.archive_path, "coverage")}
    assert set(kept) == {first.isoformat(), second.isoformat()}


def test_a_day_long_past_redoes_nothing_before_it(samples: SampleServer, tmp_path: Path) -> None:
    chosen = settings_for(tmp_path, samples.server_port)
    steps.run(DAYS[0], chosen)
    samples.reset()
    steps.run(DAYS[1], chosen)
    captures = rows(chosen.archive_path, "captures")
    first = [r for r in captures if r["run_day"] == DAYS[0].isoformat()]
    assert len({(r["url"], r["attempt"], r["hop"]) for r in first}) == len(first)


def test_parsing_needs_no_network(samples: SampleServer, tmp_path: Path) -> None:
    chosen = settings_for(tmp_path, samples.server_port)
    steps.run(DAYS[0], chosen)
    before = lasting(chosen.archive_path)
    samples.reset()
    steps.reparse(DAYS[0], DAYS[-1], chosen)
    assert lasting(chosen.archive_path) == before
    assert samples.counts()["requests"] == {}


def test_no_source_that_is_on_is_an_error(tmp_path: Path) -> None:
    chosen = settings_for(tmp_path, 1, sources="nobody")
    with pytest.raises(ArchiveError, match="no source is on"):
        steps.run(DAYS[0], chosen)


def test_a_source_that_does_not_answer_is_failed_and_stops_no_other(
    samples: SampleServer, tmp_path: Path
) -> None:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "silent.toml").write_text(
        'name = "silent"\ntitle = "Silent"\nurl = "http://127.0.0.9:9/"\nlanguage = "en"\n'
        'timezone = "UTC"\nallow_private = true\n'
        '[[listing]]\nkind = "dated"\nurl = "http://127.0.0.9:9/{date:%Y%m%d}.xml"\n'
        "[politeness]\ndelay = 0.0\n"
    )
    chosen = settings_for(
        tmp_path,
        samples.server_port,
        sources="sample_en,silent",
        sources_dir=folder,
        max_attempts=1,
    )
    steps.run(DAYS[0], chosen)
    status = {r["source"]: r["status"] for r in rows(chosen.archive_path, "coverage")}
    assert status == {"sample_en": "complete", "silent": "failed"}


FEED_ONLY = """
name = "feed_only"
title = "Feed only"
url = "http://127.0.0.1:{port}/en/"
language = "en"
timezone = "UTC"
allow_private = true
[[listing]]
kind = "feed"
url = "http://127.0.0.1:{port}/en/feed.xml"
[politeness]
delay = 0.0
"""


def test_a_feed_is_never_asked_for_a_past_day(samples: SampleServer, tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "feed_only.toml").write_text(FEED_ONLY.format(port=samples.server_port))
    chosen = settings_for(
        tmp_path, samples.server_port, sources="feed_only", sources_dir=tmp_path / "sources"
    )
    steps.run(DAYS[0], chosen)
    assert samples.counts()["requests"] == {}
    assert [r["status"] for r in rows(chosen.archive_path, "coverage")] == ["not_available"]
    assert all(not rows(chosen.archive_path, v) for v in ("links", "captures", "articles"))


def test_polls_file_a_feeds_links_under_the_day_they_were_first_shown(
    samples: SampleServer, tmp_path: Path
) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "feed_only.toml").write_text(FEED_ONLY.format(port=samples.server_port))
    chosen = settings_for(
        tmp_path, samples.server_port, sources="feed_only", sources_dir=tmp_path / "sources"
    )
    samples.set_clock(NOW)
    steps.poll(chosen)
    steps.poll(chosen)
    assert samples.counts()["statuses"].get("304") == 1, "an unchanged feed costs a 304"
    samples.set_clock(NOW + timedelta(hours=6))
    steps.poll(chosen)
    steps.run(today(), chosen)
    links = rows(chosen.archive_path, "links")
    assert len(links) > 20, "the feed shows 20; the second poll brought more"
    assert {r["run_day"] for r in links} == {today().isoformat()}
    assert {tuple(r["routes"]) for r in links} == {("feed",)}
    covered = rows(chosen.archive_path, "coverage")[0]
    assert covered["listings_answered"] == 1
    assert covered["listed"] == len(links) == covered["kept"] + covered["rejected"]


def test_an_empty_archive_has_all_views(tmp_path: Path) -> None:
    snapshot.build(tmp_path, {}, [])
    with snapshot.reading(tmp_path) as connection:
        for view in snapshot.VIEWS:
            connection.execute(f"SELECT * FROM {view}").fetchall()
