"""What archived bytes say of a removed article is blanked, however it is written; no more is."""

import json
from html import escape
from urllib.parse import quote

import pytest

from newsarchive.discover import read
from newsarchive.discover.page import Page
from newsarchive.redaction import Blanking, Secret, addresses_in

SITE = "https://www.paper.example"
URL = f"{SITE}/2026/11/22/mayor-denies-the-charge"
TITLE = 'The mayor\'s "friend" denies & explains'
ARABIC = f"{SITE}/2026/11/22/{quote('رئيس-البلدية-ينفي-التهمة')}"
ARABIC_TITLE = "رئيس البلدية ينفي التهمة"
SUMMARY = "He was never there, says the man whom all saw there that night, and many believe him."


def blanking(url: str = URL, title: str = TITLE, *passages: str) -> Blanking:
    return Blanking([Secret([url], [title], list(passages))])


@pytest.mark.parametrize(
    "written",
    [
        URL,
        URL.removeprefix(SITE),
        URL.replace("https://www.", "http://"),
        URL + "/",
        URL + "?utm_source=rss&amp;utm_medium=feed",
        URL + "#comments",
        URL + "/amp",
        URL.replace("/", "\\/"),
        quote(URL, safe=""),
        escape(URL).replace("/", "&#x2F;"),
        "https://web.archive.example/web/20261122120000id_/" + URL,
    ],
)
def test_an_address_is_found_however_it_is_written(written: str) -> None:
    page = f'<p>before</p><a href="{written}">see</a><p>after</p>'.encode()
    assert blanking().names(page)
    left = blanking().blanked(page)
    assert len(left) == len(page)
    assert left.split() == [b"<p>before</p>", b"<p>after</p>"]


@pytest.mark.parametrize(
    "written",
    [
        ARABIC,
        ARABIC.lower(),
        f"{SITE}/2026/11/22/رئيس-البلدية-ينفي-التهمة",
        quote(ARABIC, safe=""),
        json.dumps(f"{SITE}/2026/11/22/رئيس-البلدية-ينفي-التهمة")[1:-1],
        "".join(
            f"&#{ord(c)};" if ord(c) > 127 else c
            for c in f"{SITE}/2026/11/22/رئيس-البلدية-ينفي-التهمة"
        ),
    ],
)
def test_so_is_one_in_another_script(written: str) -> None:
    page = f'{{"url": "{written}"}}'.encode()
    assert blanking(ARABIC, ARABIC_TITLE).names(page)
    assert blanking(ARABIC, ARABIC_TITLE).blanked(page).split() == [b'{"', b'":', b'"', b'"}']


@pytest.mark.parametrize("codec", ["cp1256", "iso8859-6"])
def test_and_in_the_page_s_own_letters(codec: str) -> None:
    page = f'<a href="{SITE}/2026/11/22/رئيس-البلدية-ينفي-التهمة">'.encode(codec)
    assert blanking(ARABIC, ARABIC_TITLE).names(page)


@pytest.mark.parametrize(
    ("url", "other"),
    [
        (f"{SITE}/a/12345", f"{SITE}/a/123456"),
        (f"{SITE}/a/12345", f"{SITE}/b/a/12345"),
        (f"{SITE}/a/12345", f"{SITE}/a/12345?page=2"),
        (f"{SITE}/a/12345", f"{SITE}/a/12345/replies"),
        (f"{SITE}/story?id=5", f"{SITE}/story?id=55"),
        (f"{SITE}/story?id=5", f"{SITE}/story"),
        (f"{SITE}/1", "/1"),
        (URL, f"{SITE}/2026/11/22/mayor-denies-another-charge"),
    ],
)
def test_another_address_is_not(url: str, other: str) -> None:
    page = f'<script>var a = "{other}"</script><b>{other}</b>A title'.encode()
    assert not blanking(url).names(page)
    assert blanking(url, "A title").blanked(page) == page


def test_a_short_path_is_one_where_it_is_linked_to() -> None:
    assert blanking(f"{SITE}/1").names(b'<a href="/1">')


@pytest.mark.parametrize("codec", ["utf-8", "cp1256", "iso8859-6"])
def test_a_headline_goes_where_the_address_stands(codec: str) -> None:
    page = f'<meta content="{URL}"><h2>{ARABIC_TITLE}</h2><p>غير ذلك</p>'.encode(codec)
    left = blanking(URL, ARABIC_TITLE).blanked(page)
    assert ARABIC_TITLE not in left.decode(codec)
    assert "<p>غير ذلك</p>" in left.decode(codec)
    alone = page.replace(URL.encode(), b"")
    assert blanking(URL, ARABIC_TITLE).blanked(alone) == alone


@pytest.mark.parametrize(
    "written",
    [
        TITLE,
        escape(TITLE),
        escape(TITLE, quote=False).replace("'", "&rsquo;"),
        escape(TITLE).replace(" ", "\n   "),
        escape(TITLE).replace(" ", "&nbsp;"),
        json.dumps(TITLE)[1:-1],
    ],
)
def test_a_headline_is_found_however_it_is_written(written: str) -> None:
    left = blanking().blanked(f"<i data-a='{URL}'></i><b>{written}</b>".encode())
    assert left.split(b"<b>")[1].split() == [b"</b>"]


def test_a_passage_goes_where_it_is_cut_as_well() -> None:
    page = f"<i data-a='{URL}'></i><p>{SUMMARY[:60]}…</p><p>{SUMMARY}</p><p>More</p>".encode()
    left = blanking(URL, TITLE, SUMMARY).blanked(page)
    assert left.split(b"<p>", 1)[1].split() == [b"</p><p>", b"</p><p>More</p>"]


def entries(left: bytes, kind: str) -> Page:
    return read(left, f"{SITE}/listing", kind, None)


def item(url: str, title: str) -> str:
    return (
        f"<item><title><![CDATA[{title}]]></title><link>{url}?utm_source=rss</link>"
        f"<description>{escape(SUMMARY)}</description><content>All of it</content></item>"
    )


def test_an_entry_of_a_feed_goes_whole_and_the_others_stay() -> None:
    others = [item(f"{SITE}/2026/{n}", f"Other {n}") for n in range(2)]
    feed = f"<rss version='2.0'><channel>{others[0]}{item(URL, TITLE)}{others[1]}</channel></rss>"
    left = blanking().blanked(feed.encode(), listing=True)
    assert len(left) == len(feed.encode())
    assert left.count(b"All of it") == left.count(SUMMARY.encode()) == 2
    found = entries(left, "application/rss+xml")
    assert [e.title for e in found.entries] == ["Other 0", "Other 1"]
    assert found.problem is None


def test_so_does_one_of_a_sitemap() -> None:
    urls = "".join(
        f"<url><loc>{u}</loc><news:news><news:title>{escape(t)}</news:title></news:news></url>"
        for u, t in ((f"{SITE}/2026/1", "Other"), (URL, TITLE), (f"{SITE}/2026/2", "Another"))
    )
    sitemap = (
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
        f"xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>{urls}</urlset>"
    )
    found = entries(blanking().blanked(sitemap.encode(), listing=True), "application/xml")
    assert [e.url for e in found.entries] == [f"{SITE}/2026/1", f"{SITE}/2026/2"]
    assert found.problem is None


def test_so_does_one_of_a_json_feed() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [
            {"id": "1", "url": f"{SITE}/2026/1", "title": "Other", "tags": ["a"]},
            {"id": "2", "url": URL, "title": TITLE, "content_text": SUMMARY, "tags": ["b"]},
        ],
    }
    left = blanking().blanked(json.dumps(feed).encode(), listing=True)
    assert [e.title for e in entries(left, "application/feed+json").entries] == ["Other"]
    assert b"never there" not in left
    assert json.loads(left)["version"] == feed["version"]


def test_and_a_line_of_a_list_of_json() -> None:
    lines = [{"url": f"{SITE}/2026/1", "title": "Other"}, {"url": URL, "title": TITLE}]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    left = blanking().blanked(body, listing=True)
    assert [json.loads(line) for line in left.splitlines() if line.strip()] == lines[:1]


def test_what_a_section_page_says_of_it_goes_with_its_link() -> None:
    page = (
        f'<ul><li><a href="/2026/1">Other</a><p>What other is about</p></li>'
        f'<li><h2><a href="{URL.removeprefix(SITE)}">He denies</a></h2>'
        f'<img alt="the man"><p>Told in other words</p></li>'
        '<li><a href="/2026/2">Another</a></li></ul>'
    ).encode()
    left = blanking().blanked(page, listing=True)
    assert b"Told in other" not in left and b"the man" not in left
    assert b'<a href="/2026/1">Other</a><p>What other is about</p>' in left
    assert b'<a href="/2026/2">Another</a>' in left


def test_texts_that_name_it() -> None:
    given = [TITLE, URL, URL + "?utm_source=a", "Another title", f"{SITE}/2026/1"]
    assert blanking().strings(given) == set(given[:3])


def test_addresses_in_any_bytes() -> None:
    page = (
        f'<a href="/2026/1">a</a><link>{SITE}/2026/2</link>{{"url":"https:\\/\\/b.example\\/3"}}'
    ).encode()
    assert addresses_in(page, SITE + "/") == {
        f"{SITE}/2026/1",
        f"{SITE}/2026/2",
        "https://b.example/3",
    }
