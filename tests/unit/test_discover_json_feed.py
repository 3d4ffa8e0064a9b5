"""JSON Feed, whole and broken."""

import json
from datetime import UTC, date, datetime
from time import process_time

import pytest

from newsarchive.discover import Page, read

URL = "https://paper.example/feed.json"
NOON = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "جريدة",
    "home_page_url": "https://paper.example/",
    "items": [
        {
            "id": "1",
            "url": "https://paper.example/n/1",
            "external_url": "https://other.example/",
            "title": "خبر أول &amp; <b>مهم</b>",
            "date_published": "2026-11-22T12:00:00+03:00",
            "date_modified": "2026-11-23T01:00:00Z",
            "content_html": '<p>{ "not": [an item] }</p>',
            "authors": [{"name": "كاتب", "url": "https://paper.example/by/1"}],
            "attachments": [{"url": "https://paper.example/1.mp3", "mime_type": "audio/mpeg"}],
        },
        {"id": "2", "url": "/n/2", "title": "two"},
        {"id": "https://paper.example/n/3", "content_text": "no title"},
        {"id": "4", "external_url": "https://sister.example/n/4", "title": "four"},
    ],
}


def read_text(text: str) -> Page:
    return read(text.encode(), URL, "application/feed+json")


def urls(page: Page) -> list[str]:
    return [e.url for e in page.entries]


ALL = ["https://paper.example/n/1", "/n/2", "https://paper.example/n/3"]
ALL += ["https://sister.example/n/4"]


def test_items_have_addresses_titles_and_times() -> None:
    page = read_text(json.dumps(FEED))
    assert page.problem is None and page.children == []
    assert urls(page) == ALL
    first = page.entries[0]
    assert first.title == "خبر أول & مهم"
    assert (first.listed_at, first.listed_day) == (NOON, date(2026, 11, 22))
    assert first.updated_at == datetime(2026, 11, 23, 1, tzinfo=UTC)
    assert page.entries[2].title is page.entries[2].listed_at is None


@pytest.mark.parametrize("version", ["https://jsonfeed.org/version/1", None])
@pytest.mark.parametrize("content_type", ["text/html; charset=iso-8859-1", None])
def test_content_tells_not_the_header_nor_the_version(
    version: str | None, content_type: str | None
) -> None:
    text = json.dumps({**FEED, "version": version}, ensure_ascii=False)
    for body in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16")):
        page = read(body, URL, content_type)
        assert urls(page) == ALL and page.entries[0].title == "خبر أول & مهم"


@pytest.mark.parametrize(
    "text",
    ['{"items": ["<p>"]}', '{"error": "not found"}', '{"items": 3}', "{", '{"a": [{}', "[1, 2]"],
)
def test_other_json_is_no_listing(text: str) -> None:
    page = read_text(text)
    assert page.entries == [] and page.problem == "not a listing (JSON)"


PRETTY = json.dumps(FEED, ensure_ascii=False, indent=2)
BROKEN = {
    "trailing commas": (PRETTY.replace("\n    }\n  ]", ",\n    },\n  ]"), ALL),
    "a comma missing": (PRETTY.replace('"id": "2",', '"id": "2"'), ALL),
    "quotes within": (PRETTY.replace('"two"', '"a "two" word"'), ALL),
    "one quote too many": (PRETTY.replace('"two"', '"tw"o"'), ALL),
    "a bad escape": (PRETTY.replace('"two"', r'"t\wo \u12"'), ALL),
    "a line end": (PRETTY.replace('"two"', '"tw\\\no"').replace("four", "fo\tur"), ALL),
    "cut off": (PRETTY[: PRETTY.index('"four"')], ALL[:3]),
    "something behind": (PRETTY + "<!-- 0.2 s -->", ALL),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_feeds_give_what_can_be_read(name: str) -> None:
    text, expected = BROKEN[name]
    page = read_text(text)
    assert urls(page) == expected
    assert page.problem and page.problem.startswith("JSON broken")
    assert page.entries[0].listed_at == NOON


def test_an_item_in_pieces_keeps_its_own_address() -> None:
    item = PRETTY.replace('"id": "1",', '"id" "1",')
    first = read_text(item).entries[0]
    assert (first.url, first.title) == ("https://paper.example/n/1", "خبر أول & مهم")


def test_items_without_an_address_are_counted() -> None:
    items = [{"id": "1", "title": "t"}, "text", {"url": 7}, {"id": 3, "url": "/n"}]
    page = read_text(json.dumps({**FEED, "items": items}))
    assert urls(page) == ["/n"]
    assert page.problem == "3 items have no address"


def test_titles_hold_nothing_that_a_table_cannot() -> None:
    text = json.dumps({**FEED, "items": [{"url": "/n", "title": "a\x00b\ud83dc"}]})
    title = read_text(text).entries[0].title
    assert title == "abc"


def test_hostile_feeds_take_no_time() -> None:
    begin = process_time()
    assert read_text('{"items": [' + '{"a":' * 200_000).entries == []
    assert read_text('{"items": [' + "[" * 200_000).entries == []
    assert read_text('{"items": [' + '{"url": "/a"} ' * 30_000).problem
    assert read_text('{"items": [{"title": "' + "\\" * 400_001).entries == []
    assert process_time() - begin < 10
