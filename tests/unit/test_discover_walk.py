"""What is asked after a listing answered: parts of an index, pages after a page."""

import logging
from collections.abc import Callable
from datetime import date

import pytest

from newsarchive.discover import Ask, Child, Page, Walk, asks, polls
from newsarchive.model import Entry
from newsarchive.sources import Source

DAY = date(2026, 11, 22)
HOME = "https://paper.example"
INDEX = Ask(f"{HOME}/index.xml", f"{HOME}/index.xml", "sitemap", "sitemap")
SECTION = Ask(f"{HOME}/news/", f"{HOME}/news/", "section", "section")


def paper(**listing: object) -> Source:
    return Source.model_validate(
        {
            "name": "paper",
            "title": "A paper",
            "url": f"{HOME}/",
            "language": "en",
            "timezone": "Africa/Cairo",
            "listing": [{"kind": "section", "url": SECTION.url, **listing}],
        }
    )


def index(*names: str) -> Page:
    return Page([], [Child(f"{HOME}/{n}", None, None) for n in names], None)


def shows(*names: str, following: str | None = None) -> Page:
    return Page([Entry(f"{HOME}/{n}") for n in names], [], None, following)


def walked(source: Source, first: Ask, answer: Callable[[str], Page], known: set[str]) -> list[str]:
    """Follow all that `answer` leads to; return the addresses asked after the first."""
    walk = Walk(DAY)
    walk.begin(source, first, known)
    waiting, asked = [first], []
    while waiting:
        ask = waiting.pop(0)
        found = walk.after(source, ask, answer(ask.url), ask.url)
        asked += [a.url.removeprefix(HOME) for a in found]
        waiting += found
    return asked


# --- indexes


def test_parts_of_an_index_are_asked_once_each() -> None:
    answers = {
        INDEX.url: index("a.xml", "b.xml", "a.xml", "index.xml"),
        f"{HOME}/a.xml": index("b.xml", "c.xml", "index.xml"),
    }
    found = walked(paper(), INDEX, lambda url: answers.get(url, shows("n/1")), set())
    assert found == ["/a.xml", "/b.xml", "/c.xml"]


def test_indexes_without_end_are_followed_three_deep(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = walked(paper(), INDEX, lambda url: index(f"{url[20:-4]}-in.xml"), set())
    assert len(found) == 3
    assert "nested deeper than 3 are not followed" in caplog.text


def test_no_more_than_two_hundred_files_of_a_listing() -> None:
    def answer(url: str) -> Page:
        return index(*(f"{url.removeprefix(HOME).strip('/')}-{i}.xml" for i in range(40)))

    assert len(walked(paper(), INDEX, answer, set())) == 200


def test_parts_belong_to_the_listing_that_led_to_them() -> None:
    walk = Walk(DAY)
    (child,) = walk.after(paper(), INDEX, index("a.xml"), INDEX.url)
    assert child == Ask(f"{HOME}/a.xml", INDEX.url, "sitemap", "sitemap")


# --- pages


def test_a_section_is_asked_for_one_page_unless_it_says_more() -> None:
    assert walked(paper(next=".n"), SECTION, lambda _: shows("1", following="/x"), set()) == []


PAGES = {
    f"{HOME}/news/": ["9", "8", "7"],
    f"{HOME}/news/?page=2": ["6", "5", "4"],
    f"{HOME}/news/?page=3": ["3", "2", "1"],
    f"{HOME}/news/?page=4": ["3", "2", "1"],
}


@pytest.mark.parametrize(
    ("most", "known", "last"),
    [
        (2, "", 2),
        (9, "", 4),  # beyond the end it shows the last page again
        (9, "4", 2),
        (9, "2 1", 3),
        (9, "9", 4),  # pinned at the top: nothing is said of what stands below
        (9, "7", 1),
        (9, "8 7 6 5", 1),
    ],
)
def test_pages_are_followed_until_one_ends_with_what_a_poll_has_shown(
    most: int, known: str, last: int
) -> None:
    shown = {f"{HOME}/{n}" for n in known.split()}
    source = paper(pages="?page={page}", most_pages=most)
    found = walked(source, SECTION, lambda url: shows(*PAGES.get(url, [])), shown)
    assert found == [f"/news/?page={n}" for n in range(2, last + 1)]


def test_the_link_to_the_page_after_is_followed() -> None:
    answers = {
        SECTION.url: shows("2", following=f"{HOME}/news/old"),
        f"{HOME}/news/old": shows("1", following=f"{HOME}/news/older"),
        f"{HOME}/news/older": shows("0", following=SECTION.url),
    }
    source = paper(next=".next", most_pages=9)
    found = walked(source, SECTION, answers.__getitem__, set())
    assert found == ["/news/old", "/news/older"]


def test_a_page_without_entries_is_the_last() -> None:
    source = paper(pages="{page}/", most_pages=9)
    found = walked(
        source, SECTION, lambda url: shows(*(["1"] if url == SECTION.url else [])), set()
    )
    assert found == ["/news/2/"]


# --- what is asked first


def test_sections_are_polled_and_never_asked_for_a_day() -> None:
    assert polls(paper()) == [SECTION]
    assert asks(paper(), DAY) == []


def test_an_archive_page_by_date_is_asked_for_each_local_date_with_all_its_pages() -> None:
    template = HOME + "/archive/{date:%Y/%m/%d}"
    source = paper(kind="dated", url=template, links="li a", pages="?p={page}")
    first, second = asks(source, DAY)
    assert first == Ask(f"{HOME}/archive/2026/11/22", template, "dated", "section")
    assert second.url == f"{HOME}/archive/2026/11/23"
    assert polls(source) == []

    def answer(url: str) -> Page:
        return shows(url[-4:]) if url.endswith(("22", "2", "3")) else shows()

    assert walked(source, first, answer, set())[:2] == [
        "/archive/2026/11/22?p=2",
        "/archive/2026/11/22?p=3",
    ]
