"""Pages that move, over days and hours: one article, however and in whatever order it is found."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from days import lasting, rows
from small_site import Answer, Site, archiving, article, html, moved, serving

from newsarchive import steps
from newsarchive.cli.lineage import find
from newsarchive.schema import ALIASES
from newsarchive.settings import Settings
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive
from newsarchive.text.identity import article_id

DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
STORY = "The bridge was closed on Monday"
OTHER = "A museum of clocks opened its doors"
CLOCKS = (
    "Three hundred of them were wound by hand on the eve, and no two will ever agree, its keeper "
    "warned those who came early to see them strike.",
    "Whoever owns one that stopped may bring it along on the first Saturday of each month, when "
    "two retired watchmakers sit by the window and mend what can be mended.",
    "Schools come for nothing; all others pay what they think an hour is worth.",
)


@dataclass
class Paper:
    """A newspaper whose feed and pages a test changes, its archive, and one clock for both."""

    site: Site
    settings: Settings
    feed: list[str] = field(default_factory=list)
    pages: dict[str, Answer] = field(default_factory=dict)

    def answer(self, path: str) -> Answer | None:
        if path == "/feed":
            items = "".join(
                f"<item><title>t</title><link>{self.site.url}{p}</link></item>" for p in self.feed
            )
            body = f"<rss version='2.0'><channel>{items}</channel></rss>"
            return 200, {"Content-Type": "application/rss+xml"}, body
        return self.pages.get(path)

    def at(self, day: int, hour: float, step: Any, *given: Any) -> None:
        """Do a step some hours after midnight of a day, counted from the first."""
        when = NOON + timedelta(days=day, hours=hour - 12)
        with time_machine.travel(when, tick=True):
            step(*given, self.settings)

    def poll(self, day: int, hour: float = 12) -> None:
        self.at(day, hour, steps.poll)

    def run(self, day: int) -> None:
        self.at(day, 24.1, steps.run, DAY + timedelta(days=day))

    def page(self, title: str, path: str | None = None) -> Answer:
        own = f"<link rel=canonical href='{self.site.url}{path}'>" if path else ""
        if title == OTHER:
            return html(
                f"<html lang=en><head><title>{OTHER}</title>{own}</head><body><article>"
                f"<h1>{OTHER}</h1>{''.join(f'<p>{p}</p>' for p in CLOCKS)}</article></body></html>"
            )
        return article(title, own)

    def id(self, path: str) -> str:
        return article_id("paper", self.site.url + path)

    def rows(self, view: str) -> list[dict[str, Any]]:
        return rows(self.settings.archive_path, view)

    def found(self) -> dict[str, tuple[str, str]]:
        """Return the path and the state of each article, by the path that its id is of."""
        ids = {self.id(p): p for p in (*self.pages, "/")}
        home = self.site.url
        return {
            ids[r["article_id"]]: (r["url"].removeprefix(home), r["state"])
            for r in self.rows("articles")
        }


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[Paper]:
    made: list[Paper] = []
    with serving(lambda path: made[0].answer(path)) as site:
        listing = f'[[listing]]\nkind = "feed"\nurl = "{site.url}/feed"\n'
        chosen = archiving(tmp_path, site.url, listing, 'capture = "hourly"')
        file = tmp_path / "sources" / "paper.toml"
        file.write_text(file.read_text() + 'revisits = ["1d", "2d"]\n')
        made.append(Paper(site, chosen))
        yield made[0]


def move(paper: Paper, old: str = "/old/1", new: str = "/new/1") -> None:
    """Let a page stand at another address from now on."""
    paper.pages |= {old: moved(new, 301), new: paper.page(STORY, new)}
    paper.feed.append(new)


def test_a_story_that_moved_is_one_article_over_days_and_hours(paper: Paper) -> None:
    paper.feed = ["/old/1", "/old/2"]
    paper.pages = {p: paper.page(t, p) for p, t in (("/old/1", STORY), ("/old/2", OTHER))}
    paper.poll(0)
    paper.run(0)
    move(paper)
    paper.poll(1)
    separate = {p: (p, "live") for p in ("/old/1", "/old/2", "/new/1")}
    assert paper.found() == separate, "nobody looked at the old address yet"
    paper.run(1)
    together = {"/old/1": ("/new/1", "live"), "/old/2": ("/old/2", "live")}
    assert paper.found() == together
    (one,) = (r for r in paper.rows("articles") if r["url"].endswith("/new/1"))
    assert (one["first_run_day"], one["last_run_day"]) == ("2026-11-10", "2026-11-11")
    assert one["versions"] == 2
    own = [r for r in paper.rows("versions") if r["article_id"] == paper.id("/old/1")]
    assert sorted((r["url"][-6:], *r["changes"]) for r in own) == [
        ("/new/1",), ("/old/1",), ("/old/1", "moved")
    ]  # fmt: skip
    assert one["version_id"] in {r["version_id"] for r in own}

    with snapshot.reading(paper.settings.archive_path) as connection:
        version = next(r["version_id"] for r in own if r["url"].endswith("/new/1"))
        names = (paper.id("/new/1"), paper.id("/new/1")[:6], version)
        for name in (*names, f"{paper.site.url}/old/1", f"{paper.site.url}/new/1"):
            assert find(connection, name, ["paper"])[0] == one["article_id"], name

    # It is listed once more, and is merged within the hour.
    paper.feed = ["/new/1?page=2", "/new/1", "/old/2"]
    paper.pages["/new/1?page=2"] = paper.page(STORY, "/new/1")
    paper.poll(2)
    assert paper.found() == together
    (again,) = (r for r in paper.rows("articles") if r["url"].endswith("/new/1"))
    assert (again["article_id"], again["last_run_day"]) == (one["article_id"], "2026-11-12")
    paper.run(2)
    assert paper.found() == together
    for row in paper.rows("coverage"):
        assert row["listed"] == row["kept"] + row["rejected"] > 0, row
        assert (row["status"], row["duplicates"]) == ("complete", 0)


def test_of_one_day_both_addresses_are_links_of_one_article(paper: Paper) -> None:
    paper.feed = ["/old/1"]
    paper.pages = {"/old/1": paper.page(STORY)}
    paper.poll(0, 6)
    move(paper)
    paper.poll(0, 12)
    paper.run(0)
    assert len(paper.found()) == 2, "a revisit is due a day later"
    paper.run(1)
    assert paper.found() == {"/old/1": ("/new/1", "live")}
    (covered,) = (r for r in paper.rows("coverage") if r["run_day"] == DAY.isoformat())
    assert (covered["listed"], covered["kept"], covered["duplicates"]) == (2, 2, 1)


def test_the_order_in_which_days_are_published_changes_nothing(paper: Paper) -> None:
    """A chain of two moves over three days; every order gives the same articles, and again."""
    paper.feed = ["/old/1"]
    paper.pages = {"/old/1": paper.page(STORY)}
    paper.poll(0)
    paper.run(0)
    move(paper)
    paper.poll(1)
    paper.run(1)
    move(paper, "/new/1", "/newest/1")
    paper.pages["/old/1"] = moved("/newest/1", 301)
    paper.poll(2)
    paper.run(2)
    paper.at(3, 24.1, steps.run, DAY + timedelta(days=3))
    wanted = lasting(paper.settings.archive_path)
    assert paper.found() == {"/old/1": ("/newest/1", "live")}
    reasons = [(r["reason"], r["article_id"]) for r in paper.rows("aliases")]
    assert {r for r, _ in reasons} == {"moved"} and len(reasons) == 3
    archive, days = (
        Archive(paper.settings.archive_path),
        [DAY + timedelta(days=n) for n in range(3)],
    )
    for order in itertools.permutations(days):
        for name in ("articles", "article_index"):
            target = archive.open(name)
            target.replace(target.table.arrow.empty_table(), target.days())
        for day in order:
            steps.publish(day, paper.settings)
        assert lasting(paper.settings.archive_path) == wanted, order


def test_what_is_known_no_longer_is_taken_apart_again(paper: Paper) -> None:
    """As when a better parser finds that a page was another article."""
    paper.feed = ["/old/1"]
    paper.pages = {"/old/1": paper.page(STORY)}
    paper.poll(0)
    paper.run(0)
    move(paper)
    paper.poll(1)
    paper.run(1)
    aliases = Archive(paper.settings.archive_path).open("aliases")
    aliases.replace(ALIASES.arrow.empty_table(), [DAY])
    steps.publish(DAY, paper.settings)
    assert set(paper.found()) == {"/old/1", "/new/1"}
    paper.at(1, 24.2, steps.reparse, DAY, DAY)
    assert set(paper.found()) == {"/old/1"}, "the bytes in the archive tell it again"


@pytest.mark.parametrize("shows", ["links", "another article"])
def test_pages_that_redirect_to_one_page_are_gone(paper: Paper, shows: str) -> None:
    paper.feed = ["/a/1", "/a/2"]
    paper.pages = {"/a/1": paper.page(STORY), "/a/2": paper.page(OTHER), "/": article("Home")}
    if shows == "links":
        paper.pages["/"] = 200, {"Content-Type": "text/html"}, "<a href=/a/1>one</a>"
    paper.poll(0)
    paper.run(0)
    paper.pages |= {"/a/1": moved("/", 301), "/a/2": moved("/")}
    paper.run(1)
    assert paper.found() == {p: (p, "gone") for p in ("/a/1", "/a/2")}
    assert not paper.rows("aliases")
    gone = [r for r in paper.rows("versions") if r["state"] == "gone"]
    assert [(r["changes"], r["visit"]) for r in gone] == [(["gone"], "1d")] * 2
    # A second look finds the same, and parsing them again gives the same rows.
    paper.run(2)
    assert paper.found() == {p: (p, "gone") for p in ("/a/1", "/a/2")}
    assert len(paper.rows("versions")) == 4
    before = lasting(paper.settings.archive_path)
    paper.at(2, 24.5, steps.reparse, DAY, DAY)
    assert lasting(paper.settings.archive_path) == before


def test_links_that_lead_to_the_home_page_from_the_first_are_rejects(paper: Paper) -> None:
    """As old sitemaps list them: else they would be one article, of the home page's text."""
    paper.feed = ["/a/1", "/a/2", "/a/3"]
    paper.pages = {"/": article("Home"), "/a/1": moved("/"), "/a/2": moved("/?utm_source=a", 301)}
    paper.pages |= {"/?utm_source=a": article("Home"), "/a/3": paper.page(STORY)}
    paper.poll(0)
    paper.run(0)
    assert paper.found() == {"/a/3": ("/a/3", "live")}
    assert [r["reason"] for r in paper.rows("rejects")] == ["home_page"] * 2
    (covered,) = paper.rows("coverage")
    assert (covered["listed"], covered["kept"], covered["rejected"]) == (3, 1, 2)


def test_different_articles_that_end_at_one_are_not_that_article(paper: Paper) -> None:
    paper.feed = ["/a/1", "/a/2"]
    paper.pages = {"/a/1": paper.page(STORY), "/a/2": paper.page(OTHER)}
    paper.poll(0)
    paper.run(0)
    paper.pages |= {"/a/1": moved("/b"), "/a/2": moved("/b"), "/b": paper.page(STORY)}
    paper.feed.append("/b")
    paper.poll(1)
    paper.run(1)
    assert paper.found() == {"/a/1": ("/b", "live"), "/a/2": ("/a/2", "gone")}


def test_one_canonical_url_on_two_addresses_and_days_is_one_article(paper: Paper) -> None:
    paper.feed = ["/amp/1"]
    paper.pages = {"/amp/1": paper.page(STORY, "/n/1"), "/n/1": paper.page(STORY, "/n/1")}
    paper.poll(0)
    paper.run(0)
    paper.feed.append("/n/1")
    paper.poll(1)
    paper.run(1)
    assert paper.found() == {"/n/1": ("/n/1", "live")}


def test_a_canonical_url_that_a_page_states_later_is_the_same_article(paper: Paper) -> None:
    """Without any redirect: what is listed at that address by itself is merged with it."""
    paper.feed = ["/print/1"]
    paper.pages = {"/print/1": paper.page(STORY), "/n/1": paper.page(STORY, "/n/1")}
    paper.poll(0)
    paper.run(0)
    paper.pages["/print/1"] = paper.page(STORY, "/n/1")
    paper.feed.append("/n/1")
    paper.poll(1)
    paper.run(1)
    assert paper.found() == {"/print/1": ("/n/1", "live")}


def test_validators_of_the_old_address_do_not_hide_the_new_one(paper: Paper) -> None:
    """A server that answers 304 to a date that fits any page of it."""
    changed = {"Last-Modified": format_datetime(NOON - timedelta(days=9), usegmt=True)}

    def with_date(answer: Answer) -> Answer:
        return answer[0], answer[1] | changed, answer[2]

    paper.feed = ["/old/1"]
    paper.pages = {"/old/1": with_date(paper.page(STORY))}
    paper.poll(0)
    paper.run(0)
    move(paper)
    paper.pages["/new/1"] = with_date(paper.pages["/new/1"])
    paper.site.unchanged_since = changed["Last-Modified"]
    paper.run(1)
    paper.run(2)
    visits = [
        (r["visit"], r["outcome"])
        for r in sorted(paper.rows("captures"), key=lambda r: r["captured_at"])
        if r["kind"] == "page"
    ]
    assert visits == [
        ("first", "ok"),
        *(("1d", "redirect"), ("1d", "ok")),
        *(("2d", "redirect"), ("2d", "not_modified")),
    ]
    assert paper.found() == {"/old/1": ("/new/1", "live")}
