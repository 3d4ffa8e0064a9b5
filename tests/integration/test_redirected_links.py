"""Links that lead elsewhere first: an article is where they end."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from days import rows
from small_site import Answer, Site, archiving, article, moved, serving

from newsarchive import steps
from newsarchive.text.identity import article_id

SHORT = "127.0.0.2"
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def test_links_that_end_at_one_address_are_one_article(tmp_path: Path) -> None:
    sites: dict[str, Site] = {}

    def feed() -> str:
        paper, short = sites["paper"].url, sites["short"].url
        links = [
            f"{short}/a",  # a chain over two hosts
            f"{paper}/n/1?utm_source=rss#comments",
            f"{short}/b",
            f"{paper}/amp/2",  # its page names the canonical address
            f"{paper}/old/3",
            f"{short}/round",
            f"{short}/nowhere",
        ]
        items = "".join(f"<item><title>t</title><link>{u}</link></item>" for u in links)
        return f"<rss version='2.0'><channel>{items}</channel></rss>"

    def paper(path: str) -> Answer | None:
        home = sites["paper"].url
        return {
            "/feed": (200, {"Content-Type": "text/html"}, feed()),
            "/go": moved("/n/1?utm_medium=x", 307),
            "/n/1?utm_medium=x": article("The first story in five words"),
            "/n/1": article("The first story in five words"),
            "/n/2": article("The second story in five words"),
            "/amp/2": article(
                "The second story in five words", f"<link rel=canonical href='{home}/n/2'>"
            ),
            "/old/3": moved("/n/3", 301),
            "/n/3": article("The third story in five words"),
        }.get(path)

    def short(path: str) -> Answer | None:
        home = sites["paper"].url
        return {
            "/a": moved("/a2", 301),
            "/a2": moved(f"{home}/go"),
            "/b": moved(f"{home}/n/2", 303),
            "/round": moved("/round"),
            "/nowhere": moved("mailto:editor@paper.example"),
        }.get(path)

    with ExitStack() as running:
        sites["paper"] = running.enter_context(serving(paper))
        try:
            sites["short"] = running.enter_context(serving(short, SHORT))
        except OSError:
            pytest.skip(f"this machine has no {SHORT}")
        running.enter_context(time_machine.travel(NOON, tick=True))
        listing = f'[[listing]]\nkind = "feed"\nurl = "{sites["paper"].url}/feed"\n'
        chosen = archiving(tmp_path, sites["paper"].url, listing)
        steps.poll(chosen)
        steps.run(NOON.date(), chosen)

    home, archive = sites["paper"].url, chosen.archive_path
    articles = {r["url"]: r["article_id"] for r in rows(archive, "articles")}
    wanted = [f"{home}/n/{n}" for n in (1, 2, 3)]
    assert articles == {u: article_id("paper", u) for u in wanted}
    versions = [r for r in rows(archive, "versions") if r["part"] == 0]
    assert len(versions) == 5, "a version each link"
    assert {r["reason"] for r in rows(archive, "rejects")} == {"too_many_redirects", "bad_url"}
    (covered,) = rows(archive, "coverage")
    assert (covered["listed"], covered["kept"], covered["rejected"]) == (7, 5, 2)
    assert (covered["duplicates"], covered["status"]) == (2, "complete")
    chain = sorted(
        (r["hop"], r["url"].removeprefix(home).removeprefix(sites["short"].url), r["outcome"])
        for r in rows(archive, "captures")
        if r["link_id"] and r["link_id"] == _link(archive, f"{sites['short'].url}/a")
    )
    assert chain == [
        (0, "/a", "redirect"),
        (1, "/a2", "redirect"),
        (2, "/go", "redirect"),
        (3, "/n/1?utm_medium=x", "ok"),
    ]


def _link(archive: Path, url: str) -> str:
    return next(str(r["link_id"]) for r in rows(archive, "links") if r["url"] == url)
