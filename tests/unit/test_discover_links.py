"""Which links belong to a run day."""

import random
from datetime import UTC, date, datetime, timedelta
from time import process_time
from typing import Any

import pytest

from newsarchive.discover import Page
from newsarchive.discover.links import Archived, Discovered, discover
from newsarchive.model import Entry
from newsarchive.sources import Source
from newsarchive.text.identity import link_id

DAY = date(2026, 11, 22)
HOME = "https://paper.example"
FEED = f"{HOME}/feed.xml"
FEED_2 = f"{HOME}/sport.xml"
SITEMAP = f"{HOME}/sitemap.xml"
DATED = HOME + "/s-{date:%Y-%m-%d}.xml"
SECTION = f"{HOME}/politics/"
MONTHLY = HOME + "/m-{date:%Y-%m}.xml"
SOURCE = Source.model_validate(
    {
        "name": "paper",
        "title": "جريدة",
        "url": f"{HOME}/",
        "language": "ar",
        "timezone": "Africa/Cairo",
        "listing": [
            {"kind": "feed", "url": FEED},
            {"kind": "feed", "url": FEED_2},
            {"kind": "sitemap", "url": SITEMAP},
            {"kind": "dated", "url": DATED},
            {"kind": "dated", "url": MONTHLY},
            {"kind": "section", "url": SECTION, "pages": "?page={page}", "most_pages": 3},
        ],
    }
)


def at(hour: int, minute: int = 0, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def archived(route: str, when: datetime, *entries: str | Entry, **more: Any) -> Archived:
    listing = {"feed": FEED, "sitemap": SITEMAP, "dated": DATED, "section": SECTION}[route]
    listing = more.get("listing", listing)
    listed = [e if isinstance(e, Entry) else Entry(f"{HOME}/{e}") for e in entries]
    return Archived(
        captured_at=when,
        listing=listing,
        route=route,
        url=more.get("url") or listing.format(date=DAY),
        page=Page(listed, [], None),
        payload_sha256=f"{hash(tuple(listed)):x}",
    )


def poll(when: datetime, *entries: str | Entry, **more: Any) -> Archived:
    return archived("feed", when, *entries, **more)


def paths(found: Discovered) -> list[str]:
    return [link.url.removeprefix(f"{HOME}/") for link in found.links]


# --- feeds


def test_a_feed_entry_belongs_to_the_day_of_the_poll_that_first_showed_it() -> None:
    old = Entry(f"{HOME}/b", listed_at=at(9, day=1))  # its listed date does not matter
    found = discover(SOURCE, DAY, [poll(at(1), "a", old), poll(at(2), old, "c")])
    assert paths(found) == ["a", "b", "c"]
    assert found.links[1].listed_at == at(9, day=1)


def test_what_an_earlier_poll_showed_is_not_new() -> None:
    memory = [poll(at(23, day=21), "a"), poll(at(5, day=20), "b", listing=FEED_2)]
    found = discover(SOURCE, DAY, [poll(at(1), "a", "b", "c")], memory)
    assert paths(found) == ["c"]


def test_what_a_later_poll_showed_is_no_memory() -> None:
    found = discover(SOURCE, DAY, [poll(at(1), "a")], [poll(at(1, day=23), "a")])
    assert paths(found) == ["a"]


def test_trackers_and_fragments_do_not_make_an_entry_new() -> None:
    memory = [poll(at(23, day=21), "a?utm_source=rss#top")]
    assert paths(discover(SOURCE, DAY, [poll(at(1), "a", "b?id=1&utm_medium=x")], memory)) == [
        "b?id=1"
    ]


def test_a_feed_asked_after_the_day_says_nothing_of_it() -> None:
    assert paths(discover(SOURCE, DAY, [poll(at(0, day=23), "a"), poll(at(23, 59), "b")])) == ["b"]


def test_a_poll_filed_late_counts_as_memory_if_it_was_before() -> None:
    assert paths(discover(SOURCE, DAY, [poll(at(23, day=21), "a"), poll(at(0), "a", "b")])) == ["b"]


# --- sitemaps


def news(path: str, **more: Any) -> Entry:
    return Entry(f"{HOME}/{path}", **more)


def test_a_sitemap_entry_goes_by_its_utc_time_or_its_date_as_it_stands() -> None:
    entries = [
        news("late", listed_at=at(22, 30, day=21), listed_day=date(2026, 11, 22)),
        news("early", listed_at=at(0), listed_day=date(2026, 11, 22)),
        news("evening", listed_at=at(23, 59), listed_day=date(2026, 11, 23)),
        news("day", listed_day=DAY),
        news("other", listed_day=date(2026, 11, 23)),
    ]
    # asked on the day after: the entries carry their dates
    found = discover(SOURCE, DAY, [archived("sitemap", at(3, day=23), *entries)])
    assert paths(found) == ["day", "early", "evening"]
    assert paths(
        discover(SOURCE, date(2026, 11, 21), [archived("sitemap", at(3, day=23), *entries)])
    ) == ["late"]


def test_a_time_without_zone_is_in_the_sources_zone() -> None:
    entries = [
        news("a", listed_at=datetime(2026, 11, 23, 1, 59), listed_day=date(2026, 11, 23)),
        news("b", listed_at=datetime(2026, 11, 23, 2, 0), listed_day=date(2026, 11, 23)),
    ]
    found = discover(SOURCE, DAY, [archived("sitemap", at(3, day=23), *entries)])
    assert paths(found) == ["a"]
    assert found.links[0].listed_at == at(23, 59)
    assert found.links[0].listed_day == date(2026, 11, 23)


def test_an_address_with_a_date_is_better_than_lastmod() -> None:
    entries = [
        news("2026/11/22/a", updated_at=at(9, day=25)),
        news("2026/11/21/b", updated_at=at(9)),
        news("c", updated_at=at(9)),
        news("d", updated_day=DAY),
        news("e", updated_at=at(9, day=23), updated_day=DAY),
        news("f", updated_at=datetime(2026, 11, 23, 1, 30)),
        news("2026/11/22/g", listed_day=date(2026, 11, 23)),
    ]
    found = discover(SOURCE, DAY, [archived("sitemap", at(3, day=26), *entries)])
    assert paths(found) == ["2026/11/22/a", "c", "d", "f"]
    a, c, d, f = found.links
    assert (a.listed_day, a.updated_at) == (DAY, at(9, day=25))
    for link in (c, d, f):
        assert link.listed_at is None and link.listed_day is None, "lastmod is no publication"
    assert (c.updated_at, f.updated_at) == (at(9), at(23, 30))


def test_a_sitemap_entry_without_any_date_is_filed_as_a_feeds() -> None:
    memory = [archived("sitemap", at(23, day=21), "a"), poll(at(2, day=20), "b")]
    found = discover(SOURCE, DAY, [archived("sitemap", at(1), "a", "b", "c")], memory)
    assert paths(found) == ["c"]
    assert discover(SOURCE, DAY, [archived("sitemap", at(1, day=23), "c")]).links == []


# --- section pages


def seen(when: datetime, *entries: str | Entry, page: int = 1) -> Archived:
    return archived("section", when, *entries, url=SECTION + ("" if page == 1 else f"?page={page}"))


def test_a_section_entry_belongs_to_the_day_of_the_poll_that_first_showed_it() -> None:
    old = news("b", listed_at=at(9, day=1), listed_day=date(2026, 11, 1))
    memory = [seen(at(23, day=21), "a"), seen(at(22, day=21), "z", page=2)]
    found = discover(SOURCE, DAY, [seen(at(1), "c", old, "a"), seen(at(1), "z", page=2)], memory)
    assert paths(found) == ["b", "c"]
    assert (found.links[0].listed_at, found.links[0].routes) == (at(9, day=1), ["section"])
    assert found.links[0].listings == [SECTION]


def test_a_section_asked_after_the_day_says_nothing_of_it() -> None:
    entry = news("a", listed_at=at(9), listed_day=DAY)
    assert discover(SOURCE, DAY, [seen(at(1, day=23), entry)]).links == []


def test_a_section_page_names_no_other_sites_nor_its_own_pages() -> None:
    entries = ["a", Entry("https://shop.example/advertisement"), "politics/?page=2", "politics/"]
    found = discover(SOURCE, DAY, [seen(at(1), *entries), seen(at(1), "b", page=2)])
    assert paths(found) == ["a", "b"]
    assert found.dropped == {"another site": 1, "no article": 2}


def test_the_earliest_of_times_that_count_from_now_is_nearest_to_the_truth() -> None:
    entries = [news("a", listed_at=at(9, 59)), news("a", listed_at=at(9, 10))]
    files = [seen(at(10 + n), e) for n, e in enumerate(entries)]
    assert discover(SOURCE, DAY, files).links[0].listed_at == at(9, 10)


# --- dated listings


def test_the_file_of_a_dated_listing_gives_its_day_to_entries_that_say_none() -> None:
    entries = [
        news("a"),
        news("2026/11/20/b", updated_at=at(9, day=25)),  # lastmod lies
        news("c", listed_at=at(23), listed_day=date(2026, 11, 23)),
        news("d", listed_at=at(22, 30, day=21), listed_day=DAY),
        news("e", listed_day=date(2026, 11, 20)),
    ]
    found = discover(SOURCE, DAY, [archived("dated", at(3, day=23), *entries)])
    assert paths(found) == ["2026/11/20/b", "a", "c"]
    assert [link.listed_day for link in found.links] == [DAY, DAY, date(2026, 11, 23)]
    assert found.links[0].updated_at == at(9, day=25)


def test_of_two_local_dates_each_file_gives_its_own() -> None:
    next_day = HOME + "/s-2026-11-23.xml"
    files = [
        archived("dated", at(3, day=23), "a"),
        archived(
            "dated",
            at(3, day=23),
            "b",
            news("c", listed_at=at(22, 30), listed_day=date(2026, 11, 23)),
            url=next_day,
        ),
    ]
    assert paths(discover(SOURCE, DAY, files)) == ["a", "c"]


def test_a_redirected_or_nested_dated_file_still_tells_its_day() -> None:
    for url in (f"{HOME}/archive/2026/11/22.xml", f"{HOME}/part1-20261122.xml"):
        assert paths(discover(SOURCE, DAY, [archived("dated", at(3, day=23), "a", url=url)])) == [
            "a"
        ]


def test_a_listing_by_month_gives_no_day() -> None:
    more = {"listing": MONTHLY, "url": HOME + "/m-2026-11.xml"}
    entries = ["a", news("b", updated_at=at(9)), news("c", updated_at=at(9, day=21))]
    assert paths(discover(SOURCE, DAY, [archived("dated", at(3), *entries, **more)])) == ["b"]


def test_a_template_of_an_older_source_file_does_no_harm() -> None:
    more = {"listing": HOME + "/{day}/{0}.xml", "url": HOME + "/2026-11-22.xml"}
    assert paths(discover(SOURCE, DAY, [archived("dated", at(3), "a", **more)])) == ["a"]


# --- lastmod that lies


def test_one_lastmod_for_all_tells_nothing() -> None:
    now = [news(f"n{i}", updated_at=at(5, 0) + timedelta(seconds=i)) for i in range(30)]
    memory = [archived("sitemap", at(23, day=21), *(news(f"n{i}") for i in range(29)))]
    found = discover(SOURCE, DAY, [archived("sitemap", at(5, 1), *now)], memory)
    assert paths(found) == ["n29"], "what no earlier poll showed"
    assert found.links[0].updated_at is None, "nor has it changed since"
    past = discover(SOURCE, DAY, [archived("sitemap", at(5, day=25), *now)])
    assert past.links == [], "a day long past gets none of it"


def test_one_day_for_all_is_believed_of_a_days_work_and_of_no_more() -> None:
    few = [news(f"n{i}", updated_day=DAY) for i in range(900)]
    many = [news(f"n{i}", updated_day=DAY) for i in range(1100)]
    assert len(discover(SOURCE, DAY, [archived("sitemap", at(3, day=24), *few)]).links) == 900
    assert discover(SOURCE, DAY, [archived("sitemap", at(3, day=24), *many)]).links == []


def test_lastmod_of_a_day_to_come_hides_nothing() -> None:
    entries = [news("a", updated_at=at(1, day=25)), news("b", updated_day=date(2099, 1, 1))]
    assert paths(discover(SOURCE, DAY, [archived("sitemap", at(1), *entries)])) == ["a", "b"]


def test_all_that_a_site_ever_had_was_not_published_when_it_was_first_seen() -> None:
    everything = [news(f"n{i}") for i in range(2000)]
    first = archived("sitemap", at(1), *everything, news("dated", listed_at=at(0, 30)))
    later = archived("sitemap", at(5), news("new"), *everything)
    found = discover(SOURCE, DAY, [first, later, poll(at(6), "n7", "x")])
    assert paths(found) == ["dated", "n7", "new", "x"], "what a feed shows is new"
    assert list(found.gaps) == [SITEMAP]
    next_day = date(2026, 11, 23)
    following = archived("sitemap", at(5, day=23), news("newer"), news("new"), *everything)
    found = discover(SOURCE, next_day, [following], [first, later])
    assert paths(found) == ["newer"] and found.gaps == {}


# --- one link from several listings


def test_listings_of_one_address_are_merged() -> None:
    files = [
        poll(at(5), Entry(f"{HOME}/a", title="feed", listed_at=at(4), updated_at=at(5))),
        poll(at(5), Entry(f"{HOME}/a#x", title="sport", listed_at=at(3)), listing=FEED_2),
        archived("sitemap", at(6), news("a", title="day", listed_day=DAY, updated_at=at(8))),
        archived("dated", at(3, day=23), news("a", title="file")),
    ]
    (link,) = discover(SOURCE, DAY, files).links
    assert link.routes == ["dated", "feed", "sitemap"]
    assert link.listings == sorted([FEED, FEED_2, SITEMAP, DATED])
    assert (link.listed_title, link.listed_at) == ("sport", at(3)), "the earliest exact time"
    assert link.updated_at == at(8)
    assert link.host == HOME
    assert link.link_id == link_id("paper", f"{HOME}/a")
    assert (link.run_day, link.source) == (DAY, "paper")


def test_a_title_is_taken_from_the_best_listing_that_has_one() -> None:
    files = [poll(at(5), Entry(f"{HOME}/a", listed_at=at(4))), poll(at(6), news("a", title="t"))]
    (link,) = discover(SOURCE, DAY, files).links
    assert (link.listed_title, link.listed_at) == ("t", at(4))


def test_the_order_of_inputs_does_not_matter() -> None:
    rng = random.Random(4)
    names = [f"n{i}" for i in range(30)]
    files = [
        archived(
            rng.choice(["feed", "sitemap", "dated"]),
            at(rng.randrange(24), day=rng.choice([21, 22, 22, 23])),
            *(
                news(
                    n,
                    title=rng.choice([None, "x", "y"]),
                    listed_at=rng.choice([None, at(rng.randrange(24))]),
                    listed_day=rng.choice([None, DAY]),
                )
                for n in rng.sample(names, 9)
            ),
        )
        for _ in range(40)
    ]
    first = discover(SOURCE, DAY, files, files[:9])
    assert len(first.links) > 10
    for _ in range(5):
        assert discover(SOURCE, DAY, rng.sample(files, 40), rng.sample(files[:9], 9)) == first
        # nor does a second run, which archives the same bytes again
        assert discover(SOURCE, DAY, [*files, *files[:7]], files[:9]) == first


# --- what is no article


def test_relative_addresses_count_from_the_file() -> None:
    file = poll(at(1), Entry("../n/1"), Entry("//cdn.example/2"), url=f"{HOME}/x/y/feed.xml")
    assert [link.url for link in discover(SOURCE, DAY, [file]).links] == [
        "https://cdn.example/2",
        f"{HOME}/x/n/1",
    ]


def test_what_is_no_article_is_left_out_and_counted() -> None:
    entries = [
        Entry("mailto:x@paper.example"),
        Entry("http://"),
        Entry("https://[::1"),
        Entry(f"{HOME}/"),
        Entry("HTTPS://paper.example:443"),
        Entry(FEED),
        Entry(f"{HOME}/a"),
    ]
    found = discover(SOURCE, DAY, [poll(at(1), *entries), poll(at(2), *entries[:4])])
    assert paths(found) == ["a"]
    assert found.dropped == {"no article": 3, "no web address": 3}


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://paper.example/a", True),
        ("https://www.paper.example/a", True),
        ("http://news.paper.example:8080/a", True),
        ("https://other.example/a", False),
        ("https://notpaper.example/a", False),
        ("https://paper.example.evil.test/a", False),
        ("https://127.0.0.1/a", False),
        ("https://[::1]/a", False),
    ],
)
def test_a_sitemap_speaks_for_its_own_site_and_a_feed_for_any(url: str, kept: bool) -> None:
    entry = Entry(url, listed_day=DAY)
    found = discover(SOURCE, DAY, [archived("sitemap", at(1), entry)])
    assert [link.url for link in found.links] == ([url] if kept else [])
    assert found.dropped == ({} if kept else {"another site": 1})
    assert [link.url for link in discover(SOURCE, DAY, [poll(at(1), entry)]).links] == [url]


@pytest.mark.parametrize(
    ("home", "url", "kept"),
    [
        ("https://www.paper.com.eg/", "https://gate.paper.com.eg/a", True),
        ("https://www.paper.com.eg/", "https://other.com.eg/a", False),
        ("https://www.paper.co.uk/", "https://other.co.uk/a", False),
        ("https://news.paper.de/", "https://paper.de/a", True),
        ("http://127.1.0.7:8099/", "http://127.1.0.7:8098/a", True),
        ("http://127.1.0.7:8099/", "http://127.1.1.7:8099/a", False),
    ],
)
def test_what_a_site_is(home: str, url: str, kept: bool) -> None:
    listing = {"kind": "sitemap", "url": f"{home}s.xml"}
    source = Source.model_validate({**SOURCE.model_dump(), "url": home, "listing": [listing]})
    file = archived("sitemap", at(1), Entry(url, listed_day=DAY), listing=f"{home}s.xml")
    assert bool(discover(source, DAY, [file]).links) is kept


# --- gaps


def test_two_polls_in_a_row_without_a_common_entry_are_a_gap() -> None:
    polls = [poll(at(1), "a", "b"), poll(at(2), "b", "c"), poll(at(3), "d"), poll(at(4), "e")]
    found = discover(SOURCE, DAY, polls)
    assert found.gaps == {FEED: "2 polls share no entry with the one before: some may be lost"}
    assert discover(SOURCE, DAY, polls[:2]).gaps == {}
    assert discover(SOURCE, DAY, polls[1:3]).gaps == {
        FEED: "1 poll shares no entry with the one before: some may be lost"
    }


def test_the_last_poll_of_a_day_before_counts_too() -> None:
    memory = [poll(at(22, day=21), "a"), poll(at(23, day=21), "b"), poll(at(9, day=20), "c")]
    assert discover(SOURCE, DAY, [poll(at(0), "b", "d")], memory).gaps == {}
    assert list(discover(SOURCE, DAY, [poll(at(0), "a", "d")], memory).gaps) == [FEED]
    assert discover(SOURCE, DAY, [], memory).gaps == {}, "a gap of another day"


def test_each_feed_has_its_own_gaps_and_sitemaps_have_none() -> None:
    polls = [
        poll(at(1), "a"),
        poll(at(2), "b", listing=FEED_2),
        poll(at(3), "a"),
        poll(at(4), "c", listing=FEED_2),
        archived("sitemap", at(5), "x"),
        archived("sitemap", at(6), "y"),
    ]
    assert list(discover(SOURCE, DAY, polls).gaps) == [FEED_2]


def test_a_poll_without_entries_hides_no_gap() -> None:
    polls = [poll(at(1), "a"), poll(at(2)), poll(at(3), "a", "b")]
    assert discover(SOURCE, DAY, polls).gaps == {}
    polls[2] = poll(at(3), "b")
    assert list(discover(SOURCE, DAY, polls).gaps) == [FEED]
    assert discover(SOURCE, DAY, [poll(at(1), "a"), poll(at(2))]).gaps == {}


def test_the_pages_of_a_section_are_one_poll() -> None:
    polls = [seen(at(1), "d", "c"), seen(at(1, 1), "b", "a", page=2), seen(at(2), "e", "d")]
    assert discover(SOURCE, DAY, polls).gaps == {}
    polls += [seen(at(3), "i", "h"), seen(at(3, 1), "g", "e", page=2)]
    assert discover(SOURCE, DAY, polls).gaps == {}, "the second page reaches back"
    polls += [seen(at(4), "m", "l"), seen(at(4, 1), "k", "j", page=2)]
    assert list(discover(SOURCE, DAY, polls).gaps) == [SECTION]
    memory = [seen(at(23, day=21), "c"), seen(at(9, day=21), "0", page=2)]
    assert discover(SOURCE, DAY, polls[:3], memory).gaps == {}
    assert list(discover(SOURCE, DAY, polls[3:5], memory).gaps) == [SECTION]


def test_a_day_with_many_big_polls_takes_seconds() -> None:
    entries = [news(f"n/{i}", listed_at=at(0) + timedelta(seconds=i)) for i in range(50_000)]
    files = [archived("sitemap", at(h), *entries[h:]) for h in range(4)]
    begin = process_time()
    assert len(discover(SOURCE, DAY, files).links) == 50_000
    assert process_time() - begin < 20
