"""Hours and days of the sample newspapers by a clock that the test drives."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from days import changed, files_per_partition, rows, settings_for

from newsarchive import steps
from newsarchive.sample.serve import SampleServer, start
from newsarchive.sample.truth import truth
from newsarchive.settings import Settings
from newsarchive.store.tables import Archive

DAY = date(2026, 11, 10)
MIDNIGHT = datetime(2026, 11, 10, tzinfo=UTC)


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start(now=MIDNIGHT) as server:
        yield server


class Clock:
    """One clock for the newspapers and for the archive."""

    def __init__(self, server: SampleServer, chosen: Settings) -> None:
        self.server, self.chosen = server, chosen

    def do(self, now: datetime, step: Any, *given: Any) -> Any:
        self.server.set_clock(now)
        with time_machine.travel(now, tick=True):
            return step(*given, self.chosen)

    def poll(self, now: datetime) -> Any:
        return self.do(now, steps.poll)

    def run(self, day: date, now: datetime) -> Any:
        return self.do(now, steps.run, day)


def test_articles_are_at_most_an_hour_behind(samples: SampleServer, tmp_path: Path) -> None:
    clock = Clock(samples, settings_for(tmp_path, samples.server_port))
    clock.run(DAY - timedelta(days=1), MIDNIGHT + timedelta(minutes=5))
    archive = clock.chosen.archive_path
    for hour in range(1, 13):
        now = MIDNIGHT + timedelta(hours=hour)
        clock.poll(now)
        published = {link["url"] for link in truth([DAY], now, samples.base_url)["links"]}
        ended = {r["url"] for v in ("versions", "rejects") for r in rows(archive, v)}
        # A page that fails for now is left to the day's end; the samples have a few that do.
        assert len(published - ended) <= 1, f"{hour}: {published - ended}"
    assert max(files_per_partition(archive)) > 1, "an hour adds files, it does not rewrite"
    captures = Archive(archive).open("captures")
    assert len(captures.files([DAY])) <= 13, "nor does it leave more and more of them"

    clock.run(DAY, MIDNIGHT + timedelta(days=1, minutes=5))
    assert set(files_per_partition(archive)) == {1}
    wanted = truth([DAY], MIDNIGHT + timedelta(days=1, minutes=5), samples.base_url)["articles"]
    have = {r["article_id"] for r in rows(archive, "articles")}
    assert {r["article_id"] for r in wanted} <= have


def test_an_hourly_day_ends_as_one_that_was_only_polled(
    samples: SampleServer, tmp_path: Path
) -> None:
    """What was fetched within the hour and what the day's run fetched are the same rows."""
    hourly = Clock(samples, settings_for(tmp_path / "hourly", samples.server_port))
    late = Clock(samples, settings_for(tmp_path / "late", samples.server_port))
    end = MIDNIGHT + timedelta(days=1, minutes=5)
    for hour in range(0, 24, 3):
        hourly.poll(MIDNIGHT + timedelta(hours=hour))
    hourly.run(DAY, end)
    for hour in range(0, 24, 3):
        late.poll(MIDNIGHT + timedelta(hours=hour, minutes=20))
    late.run(DAY, end)
    assert changed(hourly.chosen.archive_path, late.chosen.archive_path) == []


def test_revisits_tell_what_changed(samples: SampleServer, tmp_path: Path) -> None:
    clock = Clock(samples, settings_for(tmp_path, samples.server_port))
    archive = clock.chosen.archive_path
    days = [DAY + timedelta(days=n) for n in range(4)]
    for day in days:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=5)
        clock.run(day, midnight)
    versions = [r for r in rows(archive, "versions") if r["run_day"] in map(str, days[:2])]
    first = [r for r in versions if r["visit"] == "first"]
    later = [r for r in versions if r["visit"] != "first"]
    # The samples correct some texts more than a day later: each such page has one more version.
    assert later, "no correction within the days looked at"
    assert all(r["changes"] and "text" in r["changes"] for r in later)
    assert len({r["article_id"] for r in first}) == len(first)
    for row in rows(archive, "articles"):
        own = [r for r in versions if r["article_id"] == row["article_id"]]
        if len(own) > 1:
            assert row["versions"] == len(own)
            assert row["text"] == max(own, key=lambda r: r["captured_at"])["text"]
    # An unchanged page costs a 304 and no version.
    captures = [r for r in rows(archive, "captures") if r["visit"] == "1d"]
    assert {r["outcome"] for r in captures} >= {"not_modified"}
    unchanged = {r["link_id"] for r in captures if r["outcome"] == "not_modified"}
    assert not [v for v in versions if v["link_id"] in unchanged and v["visit"] == "1d"]
