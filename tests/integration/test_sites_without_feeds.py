"""Sites without feeds: section pages polled as time goes on, archive pages by date."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from days import lasting, rows
from small_site import Answer, Site, archiving, article, html, serving

from newsarchive import steps
from newsarchive.settings import Settings

DAY = date(2026, 11, 10)
MIDNIGHT = datetime(2026, 11, 10, tzinfo=UTC)
BY_PAGE = 5


class Paper:
    """A paper that shows its newest articles, five a page, by its own clock."""

    def __init__(self) -> None:
        self.articles: list[tuple[int, datetime]] = []
        self.now = MIDNIGHT

    def publish(self, number: int, at: datetime) -> None:
        count = len(self.articles)
        self.articles += [(count + n, at) for n in range(1, number + 1)]

    def __call__(self, path: str) -> Answer | None:
        name, _, query = path.partition("?page=")
        if name == "/news/":
            return self._section(int(query or 1))
        if name.startswith("/n/"):
            return article(f"The story of number {name[3:]} in four words")
        if name.startswith("/archive/"):
            return self._archive(name.removeprefix("/archive/"), int(query or 1))
        return None

    def _section(self, page: int) -> Answer:
        newest = sorted(self.articles, reverse=True)[(page - 1) * BY_PAGE : page * BY_PAGE]
        items = "".join(
            f"<article><h2><a href='/n/{n}'>The story of number {n} in four words</a></h2>"
            f"<span>{(self.now - at) // timedelta(hours=1)} hours ago</span></article>"
            for n, at in newest
        )
        return html(f"<html><body><h1>News</h1>{items}</body></html>")

    def _archive(self, day: str, page: int) -> Answer | None:
        of_day = [n for n, at in self.articles if f"{at:%Y-%m-%d}" == day]
        if not of_day:
            return None
        shown = of_day[(page - 1) * BY_PAGE : page * BY_PAGE]
        links = "".join(f"<li><a href=/n/{n}>Number {n}</a>" for n in shown)
        more = f"<a rel=next href='?page={page + 1}'>more</a>" if of_day[page * BY_PAGE :] else ""
        return html(f"<html><body><ul>{links}</ul>{more}<a href=/about>About</a></body></html>")


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def site(paper: Paper) -> Iterator[Site]:
    with serving(paper) as server:
        yield server


def do(paper: Paper, chosen: Settings, now: datetime, step: Any, *given: Any) -> None:
    paper.now = now
    with time_machine.travel(now, tick=True):
        step(*given, chosen)


def numbers(archive: Path, view: str, day: date) -> list[int]:
    return sorted(
        int(r["url"].rpartition("/")[2]) for r in rows(archive, view) if r["run_day"] == str(day)
    )


SECTION = """[[listing]]
kind = "section"
url = "{url}/news/"
pages = "?page={{page}}"
most_pages = 3
"""


def test_a_paper_that_has_only_a_section_page(paper: Paper, site: Site, tmp_path: Path) -> None:
    chosen = archiving(tmp_path, site.url, SECTION.format(url=site.url))
    archive = chosen.archive_path
    before = DAY - timedelta(days=1)

    def listed() -> list[str]:
        asked = [p for p in site.asked if p.startswith("/news/")]
        site.asked.clear()
        return asked

    paper.publish(12, MIDNIGHT - timedelta(hours=9))
    do(paper, chosen, MIDNIGHT - timedelta(hours=1), steps.poll)
    assert listed() == ["/news/", "/news/?page=2", "/news/?page=3"]
    assert numbers(archive, "links", before) == list(range(1, 13))

    paper.publish(7, MIDNIGHT + timedelta(hours=1))
    do(paper, chosen, MIDNIGHT + timedelta(hours=3, minutes=20), steps.poll)
    assert listed() == ["/news/", "/news/?page=2"], "the second ends with what is known"
    assert numbers(archive, "links", DAY) == list(range(13, 20)), "by the poll that showed it first"
    assert numbers(archive, "versions", DAY) == list(range(13, 20)), "within the hour"

    do(paper, chosen, MIDNIGHT + timedelta(hours=4, minutes=20), steps.poll)
    assert listed() == ["/news/"], "an hour with nothing new is one request"

    do(paper, chosen, MIDNIGHT + timedelta(days=1, minutes=5), steps.run, DAY)
    assert listed() == [], "it knows nothing of a day that is over"
    assert numbers(archive, "links", DAY) == list(range(13, 20))
    (covered,) = [r for r in rows(archive, "coverage") if r["run_day"] == str(DAY)]
    assert (covered["status"], covered["routes"], covered["kept"]) == ("complete", ["section"], 7)

    link = next(r for r in rows(archive, "links") if r["url"].endswith("/n/13"))
    assert link["listed_at"] == "2026-11-10T01:20:00Z", "two hours before the poll"
    assert link["listed_title"] == "The story of number 13 in four words"
    assert (link["routes"], link["listings"]) == (["section"], [f"{site.url}/news/"])
    shown = next(r for r in rows(archive, "articles") if r["url"].endswith("/n/13"))
    assert (shown["published_at"], shown["published_precision"]) == (link["listed_at"], "minute")
    assert dict(shown["evidence"])["published_at"] == "section", "its page has no date"
    kinds = {(r["kind"], r["route"]) for r in rows(archive, "captures") if r["listing"]}
    assert kinds == {("section", "section")}

    same = lasting(archive)
    do(paper, chosen, MIDNIGHT + timedelta(days=1, minutes=9), steps.run, DAY)
    assert lasting(archive) == same


def test_more_than_its_pages_hold_is_a_gap(paper: Paper, site: Site, tmp_path: Path) -> None:
    chosen = archiving(tmp_path, site.url, SECTION.format(url=site.url))
    paper.publish(5, MIDNIGHT)
    do(paper, chosen, MIDNIGHT + timedelta(hours=1), steps.poll)
    paper.publish(16, MIDNIGHT + timedelta(hours=2))
    do(paper, chosen, MIDNIGHT + timedelta(hours=9), steps.poll)
    do(paper, chosen, MIDNIGHT + timedelta(days=1, minutes=5), steps.run, DAY)
    assert numbers(chosen.archive_path, "links", DAY) == [*range(1, 6), *range(7, 22)]
    (covered,) = [r for r in rows(chosen.archive_path, "coverage") if r["run_day"] == str(DAY)]
    assert covered["status"] == "partial"
    assert covered["note"] == "1 poll shares no entry with the one before: some may be lost"


def test_a_section_page_that_changed_its_looks_did_not_publish_nothing(
    paper: Paper, site: Site, tmp_path: Path
) -> None:
    listing = SECTION.format(url=site.url) + 'links = ".old a"\n'
    chosen = archiving(tmp_path, site.url, listing)
    paper.publish(5, MIDNIGHT)
    do(paper, chosen, MIDNIGHT + timedelta(hours=1), steps.poll)
    do(paper, chosen, MIDNIGHT + timedelta(days=1, minutes=5), steps.run, DAY)
    (covered,) = [r for r in rows(chosen.archive_path, "coverage") if r["run_day"] == str(DAY)]
    assert covered["status"] == "failed"
    (state,) = rows(chosen.archive_path, "listings")
    assert (state["status"], state["problem"]) == ("failed", "no link fits links = '.old a'")


def test_archive_pages_by_date_answer_for_past_days(
    paper: Paper, site: Site, tmp_path: Path
) -> None:
    listing = f"""[[listing]]
kind = "dated"
url = "{site.url}/archive/{{date:%Y-%m-%d}}"
links = "li a"
next = "a[rel=next]"
"""
    chosen = archiving(tmp_path, site.url, listing)
    paper.publish(12, MIDNIGHT + timedelta(hours=9))
    paper.publish(3, MIDNIGHT + timedelta(hours=33))
    for day, expected in ((DAY, range(1, 13)), (DAY + timedelta(days=1), range(13, 16))):
        do(paper, chosen, MIDNIGHT + timedelta(days=30), steps.run, day)
        assert numbers(chosen.archive_path, "versions", day) == list(expected)
    empty = DAY + timedelta(days=5)
    do(paper, chosen, MIDNIGHT + timedelta(days=30), steps.run, empty)
    status = {r["run_day"]: r["status"] for r in rows(chosen.archive_path, "coverage")}
    assert status[str(DAY)] == "complete" and status[str(empty)] == "not_available"
    links = [r for r in rows(chosen.archive_path, "links") if r["run_day"] == str(DAY)]
    assert {(r["listed_day"], r["listed_at"]) for r in links} == {(str(DAY), None)}
    asked = [p for p in site.asked if p.startswith(f"/archive/{DAY}")]
    assert asked == [f"/archive/{DAY}", f"/archive/{DAY}?page=2", f"/archive/{DAY}?page=3"]
