"""What public indexes are asked, and what their answers say."""

import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from newsarchive.discover import indexes_for
from newsarchive.discover.ccnews import CcNews, day_of_file, runs_on
from newsarchive.discover.gdelt import Gdelt
from newsarchive.discover.wayback import Wayback, original_of
from newsarchive.sources.load import Source
from newsarchive.text.domains import Domains

DAY = date(2024, 3, 31)


def source(url: str = "https://www.paper.example/", **more: Any) -> Source:
    values = {
        "name": "paper",
        "title": "A paper",
        "url": url,
        "language": "en",
        "timezone": "Africa/Cairo",
        "listing": [{"kind": "feed", "url": f"{url}feed"}],
    }
    return Source.model_validate(values | more)


@pytest.mark.parametrize(
    ("domains", "url", "is_ours"),
    [
        (["paper.example"], "https://paper.example/", True),
        (["paper.example"], "http://www.News.paper.example:80/a?b", True),
        (["paper.example"], "https://notpaper.example/", False),
        (["paper.example"], "https://paper.example.com/", False),
        (["paper.example"], "https://paper.example:8443/", False),
        (["paper.example/arabic"], "https://www.paper.example/arabic/1", True),
        (["paper.example/arabic"], "https://www.paper.example/arabic", True),
        (["paper.example/arabic"], "https://www.paper.example/arabica/1", False),
        (["paper.example/arabic"], "https://www.paper.example/", False),
        (["127.0.0.1:8090/ar"], "http://127.0.0.1:8090/ar/1", True),
        (["paper.example"], "http://[::1", False),
        (["paper.example"], "no address", False),
    ],
)
def test_whose_page_it_is(domains: list[str], url: str, is_ours: bool) -> None:
    assert Domains({"paper": domains}).names(url) == (["paper"] if is_ours else [])


def test_an_address_can_be_of_several_sources() -> None:
    domains = Domains({"all": ["paper.example"], "arabic": ["paper.example/ar"], "no": ["x.y"]})
    assert domains.names("https://paper.example/ar/1") == ["all", "arabic"]


def test_a_source_is_known_by_its_home_page() -> None:
    assert source().known_as == ["paper.example"]
    assert source("https://www.bbc.com/arabic/").known_as == ["bbc.com/arabic"]
    assert source(domains=["old.example"]).known_as == ["old.example"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"indexes": ["gdelt", "gdelt"]},
        {"indexes": ["dogpile"]},
        {"bodies": []},
        {"bodies": ["live", "gdelt"]},
        {"domains": ["https://paper.example/"]},
    ],
)
def test_wrong_declarations(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        source(**wrong)


def test_days_that_an_index_reaches() -> None:
    today = date(2024, 4, 10)
    newest = {i: i.newest(today, 3) for i in (Gdelt("x"), CcNews("x", 5), Wayback("x"))}
    paper = source(indexes=["ccnews", "gdelt"])

    def names(day: date) -> list[str]:
        return [i.name for i in indexes_for(paper, day, newest)]

    assert names(date(2024, 4, 6)) == ["gdelt"]
    assert names(date(2024, 4, 7)) == []
    assert names(date(2024, 4, 4)) == ["gdelt", "ccnews"]
    assert names(date(2019, 12, 31)) == ["ccnews"]
    assert names(date(2016, 8, 25)) == []


def test_gdelt_has_a_file_a_minute() -> None:
    addresses = Gdelt("https://g.example").addresses(DAY)
    assert len(addresses) == 1440
    assert addresses[0] == "https://g.example/gdeltv3/gal/20240331000000.gal.json.gz"
    assert addresses[-1] == "https://g.example/gdeltv3/gal/20240331235900.gal.json.gz"


def test_ccnews_searches_the_days_after_too() -> None:
    index = CcNews("https://c.example", 2)
    assert index.addresses(DAY) == [
        "https://c.example/crawl-data/CC-NEWS/2024/03/warc.paths.gz",
        "https://c.example/crawl-data/CC-NEWS/2024/04/warc.paths.gz",
    ]
    names = [
        f"crawl-data/CC-NEWS/2024/04/CC-NEWS-{stamp}-00001.warc.gz"
        for stamp in ("20240330235959", "20240331000000", "20240402000102", "20240403000000")
    ]
    page = index.read("\n".join([*names, "crawl-data/CC-NEWS/index.html"]).encode(), DAY)
    assert [c.url for c in page.children] == [f"https://c.example/{n}" for n in names[1:3]]
    assert index.read(b"<html>not here</html>", DAY).problem == "not a list of CC-NEWS files"
    assert day_of_file("CC-NEWS-20241345000000-00001.warc.gz") is None


@pytest.mark.parametrize(
    ("published", "run_day"),
    [
        (None, date(2024, 4, 2)),
        (date(2024, 4, 2), date(2024, 4, 2)),
        (date(2024, 4, 3), date(2024, 4, 2)),
        (DAY, DAY),
        (date(2024, 3, 30), None),
    ],
)
def test_the_run_day_of_a_crawled_page(published: date | None, run_day: date | None) -> None:
    assert runs_on(published, date(2024, 4, 2), 2) == run_day


def test_what_wayback_is_asked() -> None:
    query, prefix = Wayback("https://w.example").addresses(
        DAY, source(domains=["paper.example", "bbc.com/arabic"])
    )
    given = {k: v[0] for k, v in parse_qs(urlsplit(query).query).items()}
    assert urlsplit(query).path == "/cdx/search/cdx"
    assert (given["url"], given["matchType"]) == ("paper.example", "domain")
    assert (given["from"], given["to"]) == ("20240331", "20240401")
    assert (given["collapse"], given["filter"]) == ("urlkey", "statuscode:200")
    given = {k: v[0] for k, v in parse_qs(urlsplit(prefix).query).items()}
    assert (given["url"], given["matchType"]) == ("bbc.com/arabic/", "prefix")


def test_what_wayback_answers() -> None:
    index, paper = Wayback("https://w.example"), source()
    query = index.addresses(DAY, paper)[0]
    answer = [
        ["timestamp", "original"],
        ["20240331100000", "https://paper.example/2024/03/31/a"],
        ["20240401000500", "https://paper.example/2024/03/31/late"],
        ["20240331230000", "https://paper.example/2024/04/01/local-date"],
        ["20240331100000", "https://paper.example/2024/03/30/b"],
        ["20240331100000", "https://paper.example/news/article-of-many-words"],
        ["20240331100000", "https://paper.example/news/31415926"],
        ["20240401100000", "https://paper.example/news/27182818"],
        ["20240331100000", "https://paper.example/sport"],
        ["20240331100000", "https://paper.example/2024/03/31/a.jpg"],
        [],
        ["com,example)/x 2024!"],
    ]
    page = index.read(json.dumps(answer).encode(), DAY, paper, query)
    assert [e.url.rpartition("/")[2] for e in page.entries] == [
        "a",
        "late",
        "local-date",
        "article-of-many-words",
        "31415926",
    ]
    following = {k: v[0] for k, v in parse_qs(urlsplit(page.next or "").query).items()}
    asked = {k: v[0] for k, v in parse_qs(urlsplit(query).query).items()}
    assert following == asked | {"resumeKey": "com,example)/x 2024!"}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", None),
        (b"[]", None),
        (b"<html>Temporarily Offline</html>", "not the index's JSON"),
        (b'{"error": 1}', "not the index's JSON"),
        (b'[["urlkey", "x"]]', "not the columns"),
    ],
)
def test_odd_answers_of_wayback(body: bytes, problem: str | None) -> None:
    page = Wayback("https://w.example").read(body, DAY, source(), "https://w.example/cdx")
    assert (page.entries, page.next) == ([], None)
    assert page.problem is None if problem is None else problem in (page.problem or "")


def test_addresses_of_replays() -> None:
    at = datetime(2024, 3, 5, 12, 0, 1, tzinfo=UTC)
    replay = Wayback("https://w.example").replay("https://paper.example/a?b=c", at)
    assert replay == "https://w.example/web/20240305120001id_/https://paper.example/a?b=c"
    assert original_of(replay) == "https://paper.example/a?b=c"
    assert original_of("https://paper.example/web/site") is None
