"""What a backfill will take, told before anything is asked."""

from datetime import date, timedelta
from typing import Any

import pytest

from newsarchive.days import days_between
from newsarchive.discover.ccnews import CcNews
from newsarchive.discover.gdelt import Gdelt
from newsarchive.discover.index import Index
from newsarchive.discover.wayback import Wayback
from newsarchive.planning import SHARED, Known, Line, plan
from newsarchive.sources.load import Source

FIRST, LAST = date(2024, 1, 30), date(2024, 2, 2)
DAYS = days_between(FIRST, LAST)
TODAY = date(2024, 6, 1)
INDEXES: tuple[Index, ...] = (
    Gdelt("https://g.example"),
    Wayback("https://w.example"),
    CcNews("https://c.example", 3),
)
NEWEST = {index: index.newest(TODAY, 3) for index in INDEXES}


def source(name: str = "paper", **more: Any) -> Source:
    values = {
        "name": name,
        "title": name,
        "url": f"https://{name}.example/",
        "language": "en",
        "timezone": "UTC",
        "listing": [{"kind": "feed", "url": f"https://{name}.example/feed"}],
    }
    return Source.model_validate(values | more)


def planned(*sources: Source, days: list[date] = DAYS, **more: Any) -> list[Line]:
    return plan({d: list(sources) for d in days}, NEWEST, more.get("known", {}), {}).lines


def of(lines: list[Line], listing: str) -> list[tuple[int, int, int, int]]:
    """Return month, days that it answers for, of how many, and requests, of a listing's lines."""
    return [(x.month.month, x.days, x.of, x.requests) for x in lines if x.listing == listing]


def test_a_feed_alone_has_nothing_to_ask() -> None:
    lines = planned(source())
    assert of(lines, "https://paper.example/feed") == [(1, 0, 2, 0), (2, 0, 2, 0)]
    assert of(lines, "pages") == [(1, 0, 2, 0), (2, 0, 2, 0)]
    assert lines[0].note == "knows only the present"


def test_days_that_were_polled_can_be_had() -> None:
    known = {"paper": Known(polled=frozenset({FIRST}), pages_a_day=9)}
    lines = planned(source(), known=known)
    assert of(lines, "https://paper.example/feed") == [(1, 1, 2, 0), (2, 0, 2, 0)]
    assert of(lines, "pages") == [(1, 1, 2, 9), (2, 0, 2, 0)]


@pytest.mark.parametrize(("zone", "each"), [("UTC", 1), ("Asia/Tokyo", 2)])
def test_dated_listings_are_asked_for_each_local_date(zone: str, each: int) -> None:
    url = "https://paper.example/s-{date:%Y-%m-%d}.xml"
    paper = source(timezone=zone, listing=[{"kind": "dated", "url": url}])
    assert of(planned(paper), url) == [(1, 2, 2, 2 * each), (2, 2, 2, 2 * each)]


def test_indexes() -> None:
    lines = planned(
        source(indexes=["gdelt", "wayback", "ccnews"], domains=["a.example", "b.example"]),
        source("other", indexes=["gdelt"]),
    )
    mine = [x for x in lines if x.source == "paper"]
    assert of(mine, "wayback") == [(1, 2, 2, 8), (2, 2, 2, 8)]
    assert of(mine, "gdelt") == [(1, 2, 2, 0), (2, 2, 2, 0)]
    shared = [x for x in lines if x.source == SHARED]
    # Read once for both; the files of CC-NEWS of three days more.
    assert of(shared, "gdelt") == [(1, 2, 2, 2880), (2, 2, 2, 2880)]
    assert [(x.month.month, x.days) for x in shared if x.listing == "ccnews"] == [(1, 2), (2, 5)]


def test_days_that_an_index_does_not_reach() -> None:
    days = [date(2019, 12, 31), date(2020, 1, 1), TODAY - timedelta(days=2)]
    lines = planned(source(indexes=["gdelt"]), days=days)
    assert of([x for x in lines if x.source == "paper"], "gdelt") == [
        (12, 0, 1, 0),
        (1, 1, 1, 0),
        (5, 0, 1, 0),
    ]


def test_pages_are_those_that_are_not_here() -> None:
    known = {"paper": Known(pages_a_day=10, page_bytes=1000, links={FIRST: 12}, held={FIRST: 5})}
    paper = source(indexes=["gdelt"])
    (january, february) = [x for x in planned(paper, known=known) if x.listing == "pages"]
    assert (january.requests, january.bytes) == (7 + 10, 17_000)
    assert february.requests == 20


def test_expected_articles_stand_in_for_what_is_not_known() -> None:
    paper = source(indexes=["gdelt"], expected={"min": 20, "max": 40})
    assert of(planned(paper), "pages") == [(1, 2, 2, 60), (2, 2, 2, 60)]


def test_the_slowest_host_decides_the_time() -> None:
    wanted = {FIRST: [source(indexes=["gdelt"]), source("other", indexes=["gdelt"])]}
    known = {"paper": Known(pages_a_day=100), "other": Known(pages_a_day=10)}
    quick = plan(wanted, NEWEST, known, {"paper": 0.0, "other": 0.0, "gdelt": 0.0})
    slow = plan(wanted, NEWEST, known, {"paper": 0.0, "other": 600.0, "gdelt": 0.0})
    assert slow.seconds > quick.seconds + 5000
    assert slow.requests == quick.requests == 1440 + 110


def test_nothing_to_do() -> None:
    found = plan({}, NEWEST, {}, {})
    assert (found.days, found.requests, found.bytes, found.seconds) == (0, 0, 0, 0.0)
