"""The sample newspapers over real HTTP: listings, conditions, clock, counters, broken pages."""

import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote, urlsplit
from urllib.robotparser import RobotFileParser

import feedparser
import pytest
import requests
from lxml import etree

from newsarchive.errors import SettingsError
from newsarchive.sample import listings
from newsarchive.sample.generate import ARABIC, ENGLISH, PAPERS, Kind, Markup, day
from newsarchive.sample.serve import serve, start

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
NAMES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}


@pytest.fixture(scope="module")
def server():
    with start(now=NOW) as running:
        yield running


@pytest.fixture(autouse=True)
def at_noon(request):
    if "server" in request.fixturenames:
        running = request.getfixturevalue("server")
        running.set_clock(NOW)
        running.reset()


@pytest.fixture(scope="module")
def web(server):
    with requests.Session() as session:

        def get(path, **headers):
            return session.get(server.base_url + path, headers=headers, allow_redirects=False)

        yield get


def texts(response, path):
    found = etree.fromstring(response.content).xpath(path, namespaces=NAMES)
    return [e.text for e in found]


def some(kind, paper=ARABIC, markup=None):
    """Return a page of a kind that is shown at NOW."""
    for back in range(1, 50):
        for story in day(paper, NOW.date() - timedelta(days=back)):
            if story.kind is kind and markup in (None, story.markup):
                return story
    raise LookupError(kind)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
@pytest.mark.parametrize("name", ["feed.xml", "atom.xml"])
def test_feeds_list_the_newest_twenty(web, server, paper, name):
    answer = web(f"/{paper.path}/{name}")
    feed = feedparser.parse(answer.content)
    assert not feed.bozo
    newest = listings.newest(paper, NOW)
    assert len(feed.entries) == len(newest) == 20
    assert newest[0].published_at <= NOW < newest[0].published_at + timedelta(hours=12)
    for entry, story in zip(feed.entries, newest, strict=True):
        assert entry.title == story.state(NOW).title
        assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == story.published_at
        assert "utm_source=" in entry.link
        assert entry.link.startswith("/" if name == "atom.xml" else server.base_url)
        assert unquote(urlsplit(entry.link).path) == unquote(story.listed_path(NOW))


def test_the_brief_feed_lists_the_newest_three(web):
    feed = feedparser.parse(web("/en/brief.xml").content)
    assert [e.title for e in feed.entries] == [
        s.state(NOW).title for s in listings.newest(ENGLISH, NOW)[:3]
    ]


def test_the_atom_feed_tells_corrections(web, server):
    corrected = next(
        s
        for back in range(2, 30)
        for s in day(ENGLISH, NOW.date() - timedelta(days=back))
        if len(s.states) > 1 and s.states[1].since - s.published_at < timedelta(hours=8)
    )
    server.set_clock(corrected.states[1].since)
    entries = {e.title: e for e in feedparser.parse(web("/en/atom.xml").content).entries}
    updated = entries[corrected.title].updated_parsed
    assert datetime(*updated[:6], tzinfo=UTC) == corrected.states[1].since


def test_the_news_sitemap_goes_back_48_hours(web):
    dates = texts(web("/ar/news-sitemap.xml"), "//n:publication_date")
    times = [datetime.fromisoformat(d) for d in dates if "T" in d]
    assert len(dates) >= 16
    assert all(NOW - timedelta(hours=48) < t <= NOW for t in times)


def test_the_english_news_sitemap_is_an_index(web, server):
    children = texts(web("/en/news-index.xml"), "/s:sitemapindex/s:sitemap/s:loc")
    assert children == [f"{server.base_url}/en/news-{n}.xml" for n in (1, 2)]
    listed = [u for c in children for u in texts(web(urlsplit(c).path), "//s:url/s:loc")]
    assert listed == texts(web("/en/news-sitemap.xml"), "//s:url/s:loc")


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
def test_dated_sitemaps_follow_the_local_calendar(web, server, paper):
    on = date(2026, 11, 20)
    answer = web(f"/{paper.path}/sitemap-{on}.xml")
    dates = texts(answer, "//n:publication_date")
    assert len(dates) >= 5
    assert {d[:10] for d in dates} == {on.isoformat()}
    offsets = {d[19:] for d in dates if "T" in d}
    assert offsets == {"+02:00"} if paper is ARABIC else {"-05:00"}
    assert texts(answer, "//n:title") == [
        s.title for s in listings.of_local_date(paper, on, NOW) or []
    ]


def test_every_page_is_in_one_dated_sitemap_and_some_have_only_a_date(web):
    dates = [
        d
        for n in range(20)
        for d in texts(
            web(f"/ar/sitemap-{date(2026, 11, 1) + timedelta(days=n)}.xml"), "//n:publication_date"
        )
    ]
    assert {len(d) for d in dates} == {10, 25}
    paths = [
        urlsplit(u).path
        for n in range(-1, 22)
        for u in texts(web(f"/ar/sitemap-{date(2026, 11, 1) + timedelta(days=n)}.xml"), "//s:loc")
    ]
    made = [
        s.listed_path(NOW)
        for n in range(20)
        for s in day(ARABIC, date(2026, 11, 1) + timedelta(days=n))
        if not s.state(NOW).deleted
    ]
    assert len(paths) == len(set(paths))
    assert set(made) <= set(paths)


def test_sixty_days_are_shown(web, server):
    oldest = NOW.date() - timedelta(days=listings.DAYS_SHOWN)
    found = texts(web("/ar/sitemap-index.xml"), "//s:loc")
    assert len(found) == 62  # news sitemap, 60 days, today
    for paper, first in ((ARABIC, oldest), (ENGLISH, oldest - timedelta(days=1))):
        statuses = {
            n: web(f"/{paper.path}/sitemap-{first + timedelta(days=n)}.xml").status_code
            for n in (-1, 0, 1)
        }
        assert statuses == {-1: 404, 0: 200, 1: 200}
        today = paper.local(NOW).date()
        assert web(f"/{paper.path}/sitemap-{today}.xml").status_code == 200
        assert web(f"/{paper.path}/sitemap-{today + timedelta(days=1)}.xml").status_code == 404
    story = some(Kind.PLAIN)
    assert web(story.path).status_code == 200
    server.set_clock(story.published_at - timedelta(seconds=1))
    assert web(story.path).status_code == 404
    server.set_clock(story.published_at + timedelta(days=59))
    assert web(story.path).status_code == 200
    server.set_clock(story.published_at + timedelta(days=62))
    assert web(story.path).status_code == 404


def test_what_has_not_changed_is_not_sent_again(web, server):
    story = next(s for s in day(ENGLISH, date(2026, 11, 12)) if s.kind is Kind.PLAIN)
    for path in ("/ar/feed.xml", "/en/sitemap-2026-11-20.xml", "/en/news-index.xml", story.path):
        first = web(path)
        same = web(path, **{"If-None-Match": first.headers["ETag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert web(path, **{"If-None-Match": '"other"'}).status_code == 200
        assert web(path, **{"If-None-Match": f'W/"x", {first.headers["ETag"]}'}).status_code == 304
    modified = web(story.path).headers["Last-Modified"]
    assert web(story.path, **{"If-Modified-Since": modified}).status_code == 304
    before = "Sun, 01 Nov 2026 00:00:00 GMT"
    assert web(story.path, **{"If-Modified-Since": before}).status_code == 200
    assert web(story.path, **{"If-Modified-Since": "yesterday"}).status_code == 200
    assert server.counts()["statuses"]["304"] == 9


def test_a_correction_changes_page_listing_and_etag(web, server):
    story = next(
        s
        for n in range(30)
        for s in day(ARABIC, date(2026, 11, 1) + timedelta(days=n))
        if len(s.states) > 1
    )
    since = story.states[1].since
    sitemap = f"/ar/sitemap-{story.local_date}.xml"
    seen = {}
    for when in (since - timedelta(seconds=1), since):
        server.set_clock(when)
        page, listing = web(story.path), web(sitemap)
        seen[when] = (page.headers["ETag"], page.headers["Last-Modified"], listing.headers["ETag"])
        assert (since.strftime("%H:%M:%S GMT") in page.headers["Last-Modified"]) == (when == since)
        lastmods = [datetime.fromisoformat(t) for t in texts(listing, "//s:lastmod")]
        assert (since in lastmods) == (when == since)
    assert all(a != b for a, b in zip(*seen.values(), strict=True))


def changed(what):
    """Return a page that is deleted or moved, and the state in which it is then."""
    for n in range(30):
        for story in day(ENGLISH, date(2026, 11, 1) + timedelta(days=n)):
            if any(getattr(s, what) for s in story.states):
                return story, next(s for s in story.states if getattr(s, what))
    raise LookupError(what)


def test_a_deleted_page_is_gone_from_server_and_listings(web, server):
    story, state = changed("deleted")
    sitemap = f"/en/sitemap-{story.local_date}.xml"
    url = server.base_url + story.path
    server.set_clock(state.since - timedelta(seconds=1))
    etag = web(story.path).headers["ETag"]
    assert url in texts(web(sitemap), "//s:loc")
    server.set_clock(state.since)
    answer = web(story.path, **{"If-None-Match": etag})
    assert answer.status_code == state.status
    assert url not in texts(web(sitemap), "//s:loc")
    assert story.path.split("/")[-1] not in web("/en/feed.xml").text + web("/en/").text


def test_a_page_that_moves_redirects_and_is_listed_anew(web, server):
    story, state = changed("moved")
    sitemap = f"/en/sitemap-{story.local_date}.xml"
    server.set_clock(state.since - timedelta(seconds=1))
    assert web(story.path).status_code == 200
    assert web(story.moved_path).status_code == 404
    server.set_clock(state.since)
    answer = web(story.path)
    assert (answer.status_code, answer.headers["Location"]) == (301, story.moved_path)
    page = web(story.moved_path)
    assert page.status_code == 200
    assert f'<link rel="canonical" href="{server.base_url}{story.moved_path}">' in page.text
    listed = texts(web(sitemap), "//s:loc")
    assert server.base_url + story.moved_path in listed
    assert server.base_url + story.path not in listed
    assert state.since in [datetime.fromisoformat(t) for t in texts(web(sitemap), "//s:lastmod")]


def test_robots_txt_forbids_a_listed_page(web, server):
    rules = RobotFileParser()
    rules.parse(web("/robots.txt").text.splitlines())
    story = some(Kind.FORBIDDEN)
    assert not rules.can_fetch("anyone", server.base_url + story.path)
    assert rules.can_fetch("anyone", server.base_url + some(Kind.PLAIN).path)
    assert rules.crawl_delay("anyone") is None
    assert rules.site_maps() == [f"{server.base_url}/{p.path}/sitemap-index.xml" for p in PAPERS]
    assert server.counts()["forbidden"] == 0
    assert web(story.path).status_code == 200  # who asks all the same gets it, and is counted
    assert server.counts()["forbidden"] == 1


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.path)
def test_broken_pages(web, paper):
    gone, empty, pdf = some(Kind.GONE, paper), some(Kind.EMPTY, paper), some(Kind.PDF, paper)
    assert web(gone.path).status_code == gone.status
    assert gone.status in (404, 410)
    answer = web(empty.path)
    assert (answer.status_code, answer.content) == (200, b"")
    answer = web(pdf.path)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-1.4")
    assert answer.content[int(answer.content.split()[-2]) :].startswith(b"xref")
    truncated = some(Kind.TRUNCATED, paper)
    page = web(truncated.path).text
    assert "</html>" not in page
    assert all(p.split()[-1] in page for p in truncated.states[0].paragraphs)
    gallery = web(some(Kind.GALLERY, paper).path).text
    assert "<video" in gallery
    assert "<p" not in gallery
    assert "datePublished" not in web(some(Kind.UNDATED, paper, Markup.JSONLD).path).text


def test_a_code_page_is_named_by_the_page_and_denied_by_the_header(web):
    story = some(Kind.CHARSET)
    answer = web(story.path)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b'content="text/html; charset=windows-1256"' in answer.content
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode("utf-8")
    assert story.section in answer.content.decode("windows-1256")


def test_a_flaky_page_answers_at_the_second_try_of_each_visit(web):
    story = some(Kind.FLAKY)
    answers = [web(story.path) for _ in range(4)]
    assert [a.status_code for a in answers] == [503, 200, 503, 200]
    assert answers[0].headers["Retry-After"] == "0"


def test_a_moved_page_redirects(web):
    story = some(Kind.MOVED)
    answer = web(story.listed_path(NOW))
    assert answer.status_code == 301
    assert answer.headers["Location"] == story.path
    assert web(story.path).status_code == 200


def test_pages_are_the_same_bytes_each_time_and_compressed_on_wish(web):
    story = some(Kind.PLAIN)
    plain = web(story.path, **{"Accept-Encoding": "identity"})
    packed = web(story.path, **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.content == packed.content
    assert len(plain.content) == int(plain.headers["Content-Length"])


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/ar/politics/",
        "/ar/99999999999-x",
        "/ar/100-x",
        "/en/2026/11/20/another-slug-73994001.html",
        "/ar/sitemap-2026-13-01.xml",
        "/ar/sitemap-0001-01-01.xml",
        "/ar/%ff%fe",
    ],
)
def test_what_does_not_exist_is_not_found(web, path):
    assert web(path).status_code == 404


def test_people_can_read_it(web):
    assert "/ar/" in web("/").text
    page = web("/ar/")
    assert listings.newest(ARABIC, NOW)[0].title in page.text
    assert web("/ar/images/1.png").content.startswith(b"\x89PNG")


def test_the_clock_is_set_over_http(web, server):
    def post(text):
        return requests.post(server.base_url + "/clock", data=text, timeout=5)

    assert web("/clock").json() == {"now": "2026-11-22T12:30:00+00:00", "fixed": True}
    assert post("2100-02-28T23:00:00+02:00").json()["now"] == "2100-02-28T21:00:00+00:00"
    assert len(feedparser.parse(web("/ar/feed.xml").content).entries) == 20
    assert post("1990-01-01").json()["now"] == "1990-01-01T00:00:00+00:00"
    assert len(feedparser.parse(web("/en/feed.xml").content).entries) == 20
    for wrong in ("tomorrow", "0001-01-01", "9999-12-31", "x" * 200):
        assert post(wrong).status_code == 400
    assert web("/clock").json()["now"] == "1990-01-01T00:00:00+00:00"
    assert post("").json()["fixed"] is False
    now = datetime.fromisoformat(web("/clock").json()["now"])
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)
    assert requests.post(server.base_url + "/ar/", data="x", timeout=5).status_code == 400


def test_requests_are_counted_by_what_was_asked(web, server):
    for path in (
        "/robots.txt",
        "/ar/feed.xml",
        "/en/atom.xml",
        "/en/news-1.xml",
        "/ar/",
        "/ar/1000000-x",
    ):
        web(path)
    counts = web("/requests").json()
    assert counts["requests"] == {"feed": 2, "other": 1, "page": 1, "robots": 1, "sitemap": 1}
    assert counts["statuses"] == {"200": 5, "404": 1}
    assert counts["most_at_once"] == 1
    assert web("/requests/reset").json()["requests"] == {}


def test_most_at_once_tells_who_asks_side_by_side(server):
    with server.lock:  # holds every answer up until all are asked
        threads = [
            threading.Thread(
                target=requests.get, args=(server.base_url + "/robots.txt",), kwargs={"timeout": 5}
            )
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        server.at_once += 2  # two that are still being answered
    for thread in threads:
        thread.join()
    assert server.counts()["most_at_once"] >= 3


def test_head_has_no_body(web, server):
    answer = requests.head(server.base_url + "/ar/feed.xml", timeout=5)
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["Content-Length"]) > 1000


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} on 127\.0\.0\.1: .*sample_port"):
            serve(port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(number):
    code = "from newsarchive.sample.serve import serve; serve(0)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        address = line.split()[2]
        assert requests.get(address, timeout=5).status_code == 200
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_served_for_others_under_their_name_for_it():
    with start(now=datetime(2026, 11, 22, 12, tzinfo=UTC), host="127.0.0.5") as server:
        assert server.base_url == f"http://127.0.0.5:{server.server_port}"
        feed = requests.get(f"{server.base_url}/en/feed.xml", timeout=10)
        assert feed.status_code == 200
        assert server.base_url in feed.text
