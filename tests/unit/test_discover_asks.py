"""Which addresses are asked for listings, and which files of an index."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from newsarchive.discover import Ask, Child, Page, asks, children_for, polls
from newsarchive.sources import Source

DAY = date(2026, 11, 22)
FEED = "https://paper.example/feed.xml"
SITEMAP = "https://paper.example/sitemap.xml"
DATED = "https://paper.example/s-{date:%Y-%m-%d}.xml"


def source(timezone: str = "Africa/Cairo", **listings: Any) -> Source:
    declared = listings or {"feed": FEED, "sitemap": SITEMAP, "dated": DATED}
    return Source.model_validate(
        {
            "name": "paper",
            "title": "جريدة",
            "url": "https://paper.example/",
            "language": "ar",
            "timezone": timezone,
            "listing": [{"kind": kind, "url": url} for kind, url in declared.items()],
        }
    )


def test_a_poll_asks_feeds_and_sitemaps() -> None:
    assert polls(source()) == [
        Ask(FEED, FEED, "feed", "feed"),
        Ask(SITEMAP, SITEMAP, "sitemap", "sitemap"),
    ]


@pytest.mark.parametrize(
    ("timezone", "days"),
    [
        ("UTC", ["2026-11-22"]),
        ("Africa/Cairo", ["2026-11-22", "2026-11-23"]),
        ("Pacific/Kiritimati", ["2026-11-22", "2026-11-23"]),
        ("America/New_York", ["2026-11-21", "2026-11-22"]),
    ],
)
def test_a_run_asks_every_local_date_that_overlaps_and_never_a_feed(
    timezone: str, days: list[str]
) -> None:
    found = asks(source(timezone), DAY)
    assert found == [
        Ask(SITEMAP, SITEMAP, "sitemap", "sitemap"),
        *(Ask(f"https://paper.example/s-{d}.xml", DATED, "dated", "sitemap") for d in days),
    ]


def test_a_listing_by_month_is_asked_once() -> None:
    template = "https://paper.example/{date:%Y}/{date:%m}.xml"
    found = asks(source(dated=template), DAY)
    assert [a.url for a in found] == ["https://paper.example/2026/11.xml"]
    found = asks(source(dated=template), date(2026, 11, 30))
    assert [a.url[-6:] for a in found] == ["11.xml", "12.xml"]


def children(*listed: tuple[str, datetime | date | None] | str) -> Page:
    found = []
    for one in listed:
        name, lastmod = one if isinstance(one, tuple) else (one, None)
        at = lastmod if isinstance(lastmod, datetime) else None
        day = lastmod.date() if isinstance(lastmod, datetime) else lastmod
        found.append(Child(f"https://paper.example/{name}", at, day))
    return Page([], found, None)


def chosen(page: Page, run_day: date = DAY, timezone: str | None = None, **more: int) -> list[str]:
    found = children_for(page, run_day, timezone, **more)
    return [url.removeprefix("https://paper.example/") for url in found]


def test_a_date_in_the_address_decides_whatever_lastmod_says() -> None:
    page = children(
        ("s-2026-11-20.xml", datetime(2026, 12, 1, tzinfo=UTC)),
        ("s-2026-11-22.xml", date(2020, 1, 1)),
        "s-2026-11-21.xml",
        "s-2026-11-23.xml",
        "s-2026-11-24.xml",
    )
    assert chosen(page) == ["s-2026-11-22.xml", "s-2026-11-21.xml", "s-2026-11-23.xml"]
    assert chosen(page, timezone="UTC") == ["s-2026-11-22.xml"]
    assert chosen(page, timezone="Africa/Cairo") == ["s-2026-11-22.xml", "s-2026-11-23.xml"]


def test_months_and_years_in_addresses() -> None:
    page = children("2025.xml", "2026.xml", "m/202610.xml", "m/202611.xml", "m/202612.xml")
    assert chosen(page) == ["m/202611.xml", "2026.xml"]
    assert chosen(page, date(2026, 11, 30)) == ["m/202611.xml", "m/202612.xml", "2026.xml"]


def test_part_numbers_are_no_years() -> None:
    page = children(*(f"part-{n}.xml" for n in (1, 2, 1999, 2000, 2026)))
    assert len(chosen(page)) == 5
    page = children("part-2026-11.xml", "part-2026-12.xml", "part-2026-37.xml")
    assert len(chosen(page)) == 3


def test_lastmod_rules_out_what_was_finished_before() -> None:
    page = children(
        ("a.xml", datetime(2026, 11, 21, 23, 59, tzinfo=UTC)),
        ("b.xml", datetime(2026, 11, 25, tzinfo=UTC)),
        ("c.xml", datetime(2026, 11, 22, 0, 0, tzinfo=UTC)),
        ("d.xml", date(2026, 11, 21)),  # may be the 22nd in UTC
        ("e.xml", date(2026, 11, 20)),
        "f.xml",
    )
    assert chosen(page) == ["d.xml", "c.xml", "b.xml", "f.xml"]


def test_no_more_than_a_number_of_children_the_likeliest_first() -> None:
    page = children(
        *(f"n-{i}.xml" for i in range(60)),
        *((f"p{i}.xml", date(2027, 1, 1)) for i in range(60)),
        "s-2026-11-22.xml",
    )
    assert len(chosen(page)) == 50
    assert chosen(page)[:2] == ["s-2026-11-22.xml", "p0.xml"]
    assert chosen(page, most=1) == ["s-2026-11-22.xml"]


def test_of_parts_that_nothing_tells_apart_those_at_both_ends_come_first() -> None:
    page = children(*((f"p{i}.xml", datetime(2026, 11, 23, tzinfo=UTC)) for i in range(300)))
    assert chosen(page, most=4) == ["p0.xml", "p299.xml", "p1.xml", "p298.xml"]


def test_lastmod_that_is_one_for_all_and_long_past_tells_nothing() -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    assert chosen(children(*((f"p{c}.xml", old) for c in "abc"))) == ["pa.xml", "pb.xml", "pc.xml"]
    rebuilt = datetime(2026, 11, 21, 23, tzinfo=UTC)  # last night: there is nothing newer
    assert len(chosen(children(*((f"p{c}.xml", rebuilt) for c in "abc")))) == 3
    ages = [datetime(2020, 1, n, tzinfo=UTC) for n in (1, 3, 2)]
    page = children(*((f"p{n}.xml", at) for n, at in enumerate(ages)))
    assert chosen(page) == ["p1.xml"], "the latest is asked for in any case"


def test_each_child_once() -> None:
    assert chosen(children("a.xml", "a.xml")) == ["a.xml"]
