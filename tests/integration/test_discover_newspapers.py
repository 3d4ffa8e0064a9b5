"""Discovery over the listings of real newspapers, served on loopback as they would be live."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import pytest
import requests
from newspapers import serving

from newsarchive.discover import asks, children_for, polls, read
from newsarchive.discover.links import Archived, discover
from newsarchive.sources import Source


@pytest.fixture(scope="module")
def newspapers() -> Iterator[tuple[requests.Session, dict[str, Any]]]:
    with serving() as served:
        yield served.session, served.get("/")


def source(address: str) -> Source:
    return Source.model_validate(
        {
            "name": "paper",
            "title": address,
            "url": f"{address}/",
            "language": "ar",
            "timezone": "UTC",
            "allow_private": True,
            "listing": [
                {"kind": "feed", "url": f"{address}/feed.xml"},
                {"kind": "sitemap", "url": f"{address}/sitemap.xml"},
                {"kind": "dated", "url": address + "/sitemap-{date:%Y-%m-%d}.xml"},
            ],
        }
    )


def archived(session: requests.Session, ask: Any, when: datetime, url: str = "") -> Archived | None:
    answer = session.get(url or ask.url, timeout=10)
    if answer.status_code != 200:
        return None
    page = read(answer.content, url or ask.url, answer.headers["Content-Type"])
    assert page.problem is None
    return Archived(when, ask.listing, ask.route, url or ask.url, page, str(hash(answer.content)))


def test_the_same_links_come_by_sitemap_and_by_dated_listing(
    newspapers: tuple[requests.Session, dict[str, Any]],
) -> None:
    session, papers = newspapers
    biggest = sorted(papers.values(), key=lambda p: -(p["pages"] - p["undated"]))[:12]
    for paper in biggest:
        declared = source(paper["address"])
        for day in {date.fromisoformat(d) for d in paper["days"]}:
            after = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
            files = [archived(session, ask, after) for ask in asks(declared, day)]
            index = next(f for f in files if f is not None and f.route == "sitemap")
            ask = next(a for a in asks(declared, day) if a.route == "sitemap")
            children = children_for(index.page, day)
            assert f"{paper['address']}/sitemap-{day}.xml" == children[0]
            files += [archived(session, ask, after, url) for url in children]
            found = discover(declared, day, [f for f in files if f is not None])
            assert found.links and not found.gaps and not found.dropped
            for link in found.links:
                assert link.routes == ["dated", "sitemap"]
                assert link.listed_day == day and link.listed_title
                assert session.get(link.url, timeout=10).status_code == 200


def test_a_poll_shows_what_the_feed_holds(
    newspapers: tuple[requests.Session, dict[str, Any]],
) -> None:
    session, papers = newspapers
    paper = max(papers.values(), key=lambda p: p["pages"] - p["undated"])
    declared = source(paper["address"])
    (ask, _) = polls(declared)
    today = datetime(2026, 11, 22, 3, tzinfo=UTC)
    file = archived(session, ask, today)
    assert file is not None and len(file.page.entries) == min(20, paper["pages"] - paper["undated"])
    found = discover(declared, today.date(), [file])
    assert len(found.links) == len({quote(e.url, safe="%/:?=&") for e in file.page.entries})
    assert all(link.listed_at and link.listed_title for link in found.links)
    assert discover(declared, date(2026, 11, 23), [], [file]).links == []


def test_undated_feeds_are_read_too(
    newspapers: tuple[requests.Session, dict[str, Any]],
) -> None:
    session, papers = newspapers
    paper = max(papers.values(), key=lambda p: p["undated"])
    answer = session.get(f"{paper['address']}/undated.xml", timeout=10)
    page = read(answer.content, f"{paper['address']}/undated.xml", None)
    assert page.problem is None and len(page.entries) == paper["undated"]
    assert not any(e.listed_day for e in page.entries)
