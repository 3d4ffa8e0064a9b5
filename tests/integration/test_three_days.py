"""Three days of the sample newspapers by the hour, and what their pages became a week later."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from days import rows, settings_for
from visiting import TIMES, Expected, at_midnight, differences

from newsarchive import steps
from newsarchive.sample.generate import ARABIC, ENGLISH, NO_ARTICLE, Paper, day
from newsarchive.sample.listings import BRIEF_LENGTH, newest
from newsarchive.sample.serve import SampleServer, start
from newsarchive.settings import Settings
from newsarchive.sources.load import BUNDLED, SAMPLE_HOST


@dataclass(frozen=True)
class Case:
    """Three days of a newspaper, and how its polls go."""

    paper: Paper
    first: date
    late: int = 0  # minutes
    lost: int | None = None  # the hour, counted from the first, whose poll is not made

    def __str__(self) -> str:
        return f"{self.paper.name} {self.first} late {self.late} lost {self.lost}"

    def times(self) -> Iterator[tuple[str, datetime, date | None]]:
        """Tell what is done when: poll or run, and of which day."""
        midnight = at_midnight(self.first)
        for hour in range(72):
            if hour and hour % 24 == 0:
                done = self.first + timedelta(days=hour // 24 - 1)
                yield "run", midnight + timedelta(hours=hour, minutes=5), done
            if hour != self.lost:
                yield "poll", midnight + timedelta(hours=hour, minutes=self.late), None
        for later in (2, 7, 8, 9):
            ran = self.first + timedelta(days=later)
            yield "run", midnight + timedelta(days=later + 1, minutes=5), ran

    def expected(self, base_url: str) -> Expected:
        """Return what must have been found."""
        told = Expected(base_url, [self.paper])
        for _, at, ran in self.times():
            if ran is None:
                told.poll(at)
            else:
                told.run(ran, at)
        return told


# Days in which every kind of change is found, and nothing happens in the minutes that would make a
# late or lost poll tell another day or another state of a page.
ON_TIME = [Case(ARABIC, date(2026, 11, 6)), Case(ENGLISH, date(2026, 11, 4))]
CASES = [
    case
    for c in ON_TIME
    for case in (c, Case(c.paper, c.first, late=20), Case(c.paper, c.first, lost=30))
]


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start() as server:
        yield server


def do(server: SampleServer, at: datetime, step: Any, *given: Any) -> Any:
    """Do a step with the newspapers' clock and the archive's at the same time."""
    server.set_clock(at)
    with time_machine.travel(at, tick=True):
        return step(*given)


def lasting(truth: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{k: v for k, v in row.items() if k not in TIMES} for row in table]
        for name, table in truth.items()
    }


@pytest.mark.parametrize("case", ON_TIME, ids=str)
def test_the_days_have_every_kind_of_change(case: Case) -> None:
    versions = case.expected("http://127.0.0.1:8090").truth()["versions"]
    found = {(word, r["visit"].split()[0]) for r in versions for word in r["changes"]}
    assert {word for word, _ in found} == {"title", "text", "date", "gone", "moved"}
    assert {visit for _, visit in found} == {"1d", "7d", "updated"}


def test_a_story_is_listed_at_both_its_addresses() -> None:
    """What moved was found at the old link, and by itself: the truth has one article of it."""
    truth = ON_TIME[1].expected("http://127.0.0.1:8090").truth()
    addresses: dict[str, set[str]] = {}
    for row in truth["versions"]:
        addresses.setdefault(row["article_id"], set()).add(row["url"])
    assert any(len(urls) == 2 for urls in addresses.values())
    urls = [row["url"] for row in truth["articles"]]
    assert len(urls) == len(set(urls)) == len(addresses)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_late_and_lost_polls_must_give_the_same_rows(case: Case) -> None:
    """With the next test: the archive of such polls has the rows of the one whose were on time."""
    base_url = "http://127.0.0.1:8090"
    on_time = Case(case.paper, case.first).expected(base_url).truth()
    assert lasting(case.expected(base_url).truth()) == lasting(on_time)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_versions_equal_the_truth(
    samples: SampleServer, tmp_path: Path, draw: Callable[[Sequence[Case], int], list[Case]]
) -> None:
    for number, case in enumerate(draw(CASES, 1)):
        chosen = settings_for(tmp_path / str(number), samples.server_port, sources=case.paper.name)
        for what, at, ran in case.times():
            do(samples, at, getattr(steps, what), *([ran] if ran else []), chosen)
        truth = case.expected(samples.base_url).truth()
        assert differences(chosen.archive_path, truth) == [], str(case)
        covered = {r["run_day"]: r["status"] for r in rows(chosen.archive_path, "coverage")}
        assert set(covered.values()) == {"complete"}, str(case)


DAILY = ("6h", "1d", "2d", "3d")


def source_file(folder: Path, text: str, name: str, port: int) -> Path:
    folder.mkdir(parents=True)
    (folder / f"{name}.toml").write_text(text.replace(SAMPLE_HOST, f"127.0.0.1:{port}"))
    return folder


def test_an_unchanged_page_has_one_version_after_five_visits(
    samples: SampleServer, tmp_path: Path
) -> None:
    first = date(2026, 11, 9)
    text = (BUNDLED / "sample_en.toml").read_text().replace("sample_en", "daily_en")
    text = text.replace('["1d", "7d"]', str(list(DAILY)).replace("'", '"'))
    folder = source_file(tmp_path / "sources", text, "daily_en", samples.server_port)
    chosen = settings_for(tmp_path, samples.server_port, sources="daily_en", sources_dir=folder)
    # The day is run again the morning after it; then come the days that follow.
    done = at_midnight(first) + timedelta(days=1, minutes=5)
    do(samples, done, steps.run, first, chosen)
    do(samples, done + timedelta(hours=8), steps.run, first, chosen)
    for n in (1, 2, 3):
        do(samples, done + timedelta(days=n), steps.run, first + timedelta(days=n), chosen)

    visits: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(rows(chosen.archive_path, "captures"), key=lambda r: r["captured_at"]):
        if row["kind"] == "page" and row["outcome"] in ("ok", "not_modified"):
            visits.setdefault(row["link_id"], []).append((row["visit"], row["outcome"]))
    versions = rows(chosen.archive_path, "versions")
    unchanged = [
        s
        for s in day(ENGLISH, first)
        if s.state(done) == s.state(done + timedelta(days=3))
        and s.run_day == first
        and s.kind not in NO_ARTICLE
    ]
    assert len(unchanged) >= 4
    for story in unchanged:
        (only,) = (r for r in versions if r["url"].endswith(story.listed_path(done)))
        assert visits[only["link_id"]] == [
            ("first", "ok"),
            *((label, "not_modified") for label in DAILY),
        ]
        assert only["seen_until"][:10] == (first + timedelta(days=4)).isoformat()


BRIEF = """
name = "brief"
title = "Newest three"
url = "http://127.0.0.1:8090/en/"
language = "en"
timezone = "UTC"
allow_private = true
[[listing]]
kind = "feed"
url = "http://127.0.0.1:8090/en/brief.xml"
[politeness]
delay = 0.0
"""


@pytest.mark.parametrize("lost", [False, True], ids=["all polls", "one lost"])
def test_a_lost_poll_makes_a_day_partial_where_nothing_else_has_its_entries(
    samples: SampleServer, tmp_path: Path, lost: bool
) -> None:
    on = date(2026, 11, 10)
    polls = [at_midnight(on) + timedelta(hours=4 * n) for n in range(-1, 6)]
    shown = [{s.number for s in newest(ENGLISH, at, length=BRIEF_LENGTH)} for at in polls]
    assert all(a & b for a, b in pairwise(shown)), "choose another day"
    missed = next(n for n in range(1, 6) if not shown[n - 1] & shown[n + 1])
    folder = source_file(tmp_path / "sources", BRIEF, "brief", samples.server_port)
    chosen: Settings = settings_for(
        tmp_path, samples.server_port, sources="brief,sample_en", sources_dir=folder
    )
    for n, at in enumerate(polls):
        if not (lost and n == missed):
            do(samples, at, steps.poll, chosen)
    do(samples, at_midnight(on) + timedelta(days=1, minutes=5), steps.run, on, chosen)
    covered = {
        r["source"]: (r["status"], r["note"])
        for r in rows(chosen.archive_path, "coverage")
        if r["run_day"] == on.isoformat()
    }
    assert covered["sample_en"] == ("complete", None)
    status, note = covered["brief"]
    if lost:
        assert status == "partial"
        assert "shares no entry with the one before" in note
    else:
        assert (status, note) == ("complete", None)
