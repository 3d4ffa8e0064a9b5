"""A look at a site over loopback: what is asked, what is proposed, what is written."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import newspapers
import pytest
from command_line import Program
from command_line import program as _program

from newsarchive.discover.propose import to_toml
from newsarchive.errors import ArchiveError
from newsarchive.model import Found
from newsarchive.sample.serve import start
from newsarchive.settings import Settings
from newsarchive.site import look, zones
from newsarchive.sources import load_file

run = pytest.fixture(_program)
SOME = 20


def quiet(*_: Any) -> None:
    pass


def settings(folder: Path) -> Settings:
    return Settings(
        state_dir=folder / "state", delay=0, max_attempts=1, read_timeout=2, request_timeout=4
    )


@contextmanager
def site(answers: dict[str, tuple[int, str]]) -> Iterator[tuple[str, list[str]]]:
    """Serve a site: status and body (or place to go to) by path; also what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, text = answers.get(self.path, (404, "not found"))
            body = text.replace("HOST", f"http://127.0.0.1:{port}").encode()
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}", asked
        finally:
            server.shutdown()
            thread.join()


ARTICLE = """<html lang="en"><head><title>Bridge reopens after repairs</title>
<meta property="article:published_time" content="2026-03-08T10:00:00Z"></head><body><article>
<h1>Bridge reopens after repairs</h1><p>The old bridge over the river reopened on Sunday after two
years of repairs, the city council said, and the first buses crossed it in the early morning.</p>
<p>Engineers had replaced the steel arches one by one, while traffic was led over a bridge of
barges that was built by the army and will now be taken away again, the council said.</p>
</article></body></html>"""
RSS = (
    "<rss version='2.0'><channel><title>t</title><item><title>Bridge reopens after repairs</title>"
    "<link>/1</link><pubDate>Sun, 08 Mar 2026 10:00:00 GMT</pubDate></item></channel></rss>"
)
HOME = "<html lang=en><head><title>The Paper</title></head><body>news</body></html>"


# -------------------------------------------------------------------------- the sample newspapers


@pytest.mark.parametrize(("path", "title"), [("ar", "صحيفة العينة"), ("en", "The Sample Courier")])
def test_a_sample_newspaper(path: str, title: str, run: Program) -> None:
    now = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
    with start(now=now) as server:
        url = f"{server.base_url}/{path}/"
        words = ["--set", "delay=0", "--sources-dir", "mine", "sources", "add", url]
        ran = run(*words, "--allow-private", "--name", f"my_{path}", "--write")
        counted = server.counts()
        other = run(*words, "--allow-private", "--name", "other", "--json")
    assert ran.code == 0, ran.err
    file = run.folder / "mine" / f"my_{path}.toml"
    assert ran.out.startswith(file.read_text("utf-8")), "what is printed is what is written"
    source = load_file(file)
    assert (source.title, source.language, source.allow_private) == (title, path, True)
    assert [(li.kind, li.url) for li in source.listing] == [
        ("feed", f"{url}feed.xml"),
        ("dated", f"{url}sitemap-{{date:%Y-%m-%d}}.xml"),
    ]
    assert source.expected.max is not None
    assert source.expected.min <= 6 and source.expected.max >= 12
    comments = ran.out.removeprefix(file.read_text("utf-8"))
    assert "# title: " in comments and "# published: 2026-11-22" in comments
    assert "# authors: " in comments and "# text: " in comments
    assert f"newsarchive sources enable my_{path}" in ran.err
    assert counted["forbidden"] == 0 and counted["most_at_once"] == 1
    assert not run.archive.exists(), "a look keeps nothing"
    assert other.json["file"] is None and not (run.folder / "mine" / "other.toml").exists()
    assert other.json["listings"][0]["url"] == f"{url}feed.xml"
    assert other.json["page"]["found"]["title"]


def test_what_is_proposed_can_be_checked_at_once(run: Program) -> None:
    with start() as server:
        words = ("--set", "delay=0", "--sources-dir", "mine", "sources")
        assert run(*words, "add", f"{server.base_url}/en/", "--allow-private", "--write").code == 0
        ran = run(*words, "check", "site_127_0_0_1", "--json")
    assert ran.code == 0, ran.err
    assert all(li["alive"] and li["links"] for li in ran.json["listings"])


# ----------------------------------------------------------------------------------- other sites


def test_common_addresses_redirects_and_a_listing_that_was_named(tmp_path: Path) -> None:
    pages = {
        "/": (302, "/home"),
        "/home": (200, HOME),
        "/feed": (302, "/rss.xml"),
        "/rss.xml": (200, RSS),
        "/1": (200, ARTICLE),
    }
    with site(pages) as (url, asked):
        looked = look(f"{url}/", settings(tmp_path), allow_private=True, progress=quiet)
        assert [p.url for p in looked.proposal.listings] == [f"{url}/feed"]
        assert (looked.proposal.title, looked.proposal.url) == ("The Paper", f"{url}/home")
        assert looked.page is not None and isinstance(looked.page.found, Found)
        assert looked.page.found.title == "Bridge reopens after repairs"
        assert {"/robots.txt", "/sitemap.xml", "/news-sitemap.xml", "/sitemap_index.xml"} <= {
            *asked
        }
        named = look(f"{url}/rss.xml", settings(tmp_path), allow_private=True, progress=quiet)
    assert [p.url for p in named.proposal.listings] == [f"{url}/rss.xml"]
    assert named.proposal.title == "The Paper"


def test_a_site_that_names_its_feed_is_not_asked_for_others(tmp_path: Path) -> None:
    link = "<link rel=alternate type=application/rss+xml href=/f.xml>"
    pages = {"/": (200, HOME.replace("</head>", f"{link}</head>")), "/f.xml": (200, RSS)}
    with site(pages) as (url, asked):
        looked = look(url, settings(tmp_path), allow_private=True, progress=quiet)
    assert [p.url for p in looked.proposal.listings] == [f"{url}/f.xml"]
    assert "/feed" not in asked and "/rss" not in asked and "/sitemap.xml" in asked
    assert looked.page is None, "its page is gone"


def test_what_robots_txt_forbids_is_not_asked(tmp_path: Path) -> None:
    robots = "User-agent: *\nDisallow: /feed\nDisallow: /1\nSitemap: HOST/map.xml\n"
    plain = (
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
        "<url><loc>HOST/1</loc></url></urlset>"
    )
    pages = {
        "/": (200, HOME),
        "/robots.txt": (200, robots),
        "/feed": (200, RSS),
        "/map.xml": (200, plain),
        "/1": (200, ARTICLE),
    }
    with site(pages) as (url, asked):
        looked = look(url, settings(tmp_path), allow_private=True, progress=quiet)
    assert [(p.kind, p.url) for p in looked.proposal.listings] == [("sitemap", f"{url}/map.xml")]
    assert not {"/feed", "/1"} & set(asked)
    answers = {a.url: a.answer for a in looked.asked}
    assert answers[f"{url}/feed"] == "robots.txt disallows it"


@pytest.mark.parametrize("pages", [{}, {"/": (200, HOME)}, {"/": (200, HOME), "/feed": (200, "x")}])
def test_a_site_with_nothing_gives_one_line(
    pages: dict[str, tuple[int, str]], run: Program
) -> None:
    with site(pages) as (url, _):
        ran = run("--set", "delay=0", "sources", "add", url, "--allow-private")
    assert ran.code == 1 and ran.out == ""
    assert ran.err.count("\n") == 1 and f"{url}/: nothing here lists its articles" in ran.err


def test_sites_that_cannot_be_asked_give_one_line(run: Program) -> None:
    with site({"/": (200, HOME), "/feed": (200, RSS)}) as (url, asked):
        ran = run("--set", "delay=0", "sources", "add", url)
        assert ran.code == 1 and "loopback" in ran.err and ran.err.count("\n") == 1
        assert asked == [], "not without --allow-private"
    ran = run("--set", "max_attempts=1", "sources", "add", url, "--allow-private")
    assert ran.code == 1 and ran.err.count("\n") == 1
    assert "no web address" in run("sources", "add", "ftp://x.example/").err


def test_nothing_is_written_over(run: Program) -> None:
    (run.folder / "mine").mkdir()
    file = run.folder / "mine" / "paper.toml"
    file.write_text("# mine\n")
    with site({"/": (200, HOME), "/feed": (200, RSS), "/1": (200, ARTICLE)}) as (url, _):
        words = ["--set", "delay=0", "--sources-dir", "mine", "sources", "add", url]
        words += ["--allow-private", "--write", "--name"]
        ran = run(*words, "paper")
        assert ran.code == 1 and "File exists; nothing was written" in ran.err
        assert file.read_text() == "# mine\n"
        file.unlink()
        assert run(*words, "paper").code == 0
        ran = run(*words, "paper")
        assert ran.code == 2 and "'paper' is taken by" in ran.err
        assert "small letters" in run(*words, "The Paper").err
        ran = run("--set", "delay=0", "sources", "add", url, "--allow-private", "--write")
        assert ran.code == 2 and "sources_dir" in ran.err
        ran = run(*words, "paper_2")
        assert f"{file} declares this site already, as paper" in ran.err.replace(
            "newsarchive: mine/", f"newsarchive: {run.folder}/mine/"
        )


def test_zones_are_those_of_the_papers() -> None:
    known = zones()
    assert len(known) > 200
    for country, zone in (("EG", "Africa/Cairo"), ("RU", "Europe/Moscow"), ("GB", "Europe/London")):
        assert known[country] == zone


# ---------------------------------------------------------------------------- real newspapers


def test_real_newspapers(tmp_path: Path) -> None:
    with newspapers.serving() as served:
        papers: dict[str, dict[str, Any]] = served.get("/")
        dated = sorted(host for host, paper in papers.items() if paper["days"])
        chosen = random.Random(2).sample(dated, SOME)
        articles = 0
        for host in chosen:
            url = f"{papers[host]['address']}/"
            looked = look(url, settings(tmp_path), allow_private=True, progress=quiet)
            file = tmp_path / f"{host}.toml"
            file.write_text(to_toml(looked.proposal, 0), "utf-8")
            source = load_file(file)
            assert [(li.kind, li.url.removeprefix(url)) for li in source.listing] == [
                ("feed", "feed.xml"),
                ("dated", "sitemap-{date:%Y-%m-%d}.xml"),
            ]
            articles += looked.page is not None and isinstance(looked.page.found, Found)
        counted = served.get("/requests")
        undated = min(host for host, paper in papers.items() if not paper["days"])
        with pytest.raises(ArchiveError, match="nothing here lists its articles"):
            look(
                papers[undated]["address"],
                settings(tmp_path),
                allow_private=True,
                progress=quiet,
            )
    assert articles >= SOME - 2
    assert set(counted) == set(chosen)
    assert all(c["most_at_once"] == 1 and c["forbidden"] == 0 for c in counted.values())
