"""Authors of pages: structured data first, then what readers see as the byline."""

from datetime import UTC, datetime

import pytest

from newsarchive.parse.page import read_page

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STORY = "<p>The central library opened three hours late on Thursday after heavy snow.</p>" * 4
JSONLD = '<script type="application/ld+json">{"@type": "NewsArticle", %s}</script>'


def authors(
    above: str = "", below: str = "", head: str = "", aside: str = "", wrap: str = "<article>%s"
) -> tuple[list[str], str | None]:
    article = wrap % f"<h1>Library opens late after snow</h1>{above}{STORY}{below}"
    page = (
        f"<html lang=en><head><title>Library opens late after snow</title>{head}</head>"
        f"<body class='single no-sidebar'><nav><a href='/author/menu-entry/'>Menu Entry</a></nav>"
        f"{article}{aside}</body></html>"
    )
    reading = read_page(
        page.encode(),
        url="https://harbour.example/metro/snow",
        content_type="text/html",
        source=None,
        link=None,
        captured_at=NOW,
    )
    (found,) = reading.founds
    return found.authors, found.evidence.get("authors")


@pytest.mark.parametrize(
    "byline",
    [
        '<div class="byline">By <a href="/x">Ann Lee</a>, <span>Senior Writer</span></div>',
        '<span class="post-author vcard">Posted by <span class="fn">Ann Lee</span></span>',
        '<p class="Story_author__x9Y">Ann Lee</p>',
        '<p class="date-author">Ann Lee, 01.12.2021</p>',
        '<a href="/staff/ann-lee/">Ann Lee</a>',
        '<a rel="author" href="/x">Ann Lee</a>',
        '<address>Ann Lee</address>',
        '<div class="meta has-social-tools">Von <a href="/autor/lee">Ann Lee</a></div>',
        '<aside class="x1"><a rel="author" href="/profile/ann-lee">Ann Lee</a></aside>',
        "<p>By Ann Lee | 3 May 2024 | 5 min read</p>",
        "<p>Posted on September 21, 2020 by Ann Lee</p>",
    ],
)  # fmt: skip
def test_a_byline_near_the_headline_is_found(byline: str) -> None:
    assert authors(byline)[0] == ["Ann Lee"]


def test_pieces_that_markup_sets_apart_are_not_run_together() -> None:
    byline = '<div class="author"><b>Ann Lee</b><span>Founder at Harbour</span></div>'
    assert authors(byline) == (["Ann Lee"], "heuristic")
    byline = '<div class="author"><i>Ann Lee</i><b>Ann Lee</b></div>'
    assert authors(byline)[0] == ["Ann Lee"]


def test_two_links_are_two_authors() -> None:
    byline = '<p class="authors">By <a href="/a">Ann Lee</a> and <a href="/b">Bo Ek</a></p>'
    assert authors(byline)[0] == ["Ann Lee", "Bo Ek"]


@pytest.mark.parametrize(
    "other",
    [
        '<div class="comments"><span class="comment-author">Bo Ek</span></div>',
        '<div class="related-posts"><span class="author">Bo Ek</span></div>',
        '<section class="sidebar"><a href="/author/bo-ek/">Bo Ek</a></section>',
        '<form><span class="author">Bo Ek</span></form>',
        '<div class="author"><a href="/user/login">Log in</a></div>',
        '<div class="author">Share this article</div>',
    ],
)
def test_names_beside_the_article_are_not_its_authors(other: str) -> None:
    assert authors(aside=other)[0] == []


def test_structured_data_is_believed_before_what_is_seen() -> None:
    byline = '<div class="byline">By Bo Ek</div>'
    head = JSONLD % '"author": {"@type": "Person", "name": "Ann Lee"}'
    assert authors(byline, head=head) == (["Ann Lee"], "jsonld")
    yoast = '<meta name="twitter:label1" content="Verfasst von">'
    yoast += '<meta name="twitter:data1" content="Ann Lee">'
    assert authors(byline, head=yoast) == (["Ann Lee"], "meta")
    assert authors(byline, head='<meta name="cms.author" content="Ann Lee">')[0] == ["Ann Lee"]


def test_an_account_gives_way_to_the_name_it_is_short_for() -> None:
    byline = '<div class="byline">By Ann Lee</div>'
    for account in ("alee", "Ann", "AL"):
        head = f'<meta name=author content="{account}">'
        assert authors(byline, head=head)[0] == ["Ann Lee"]
    assert authors(byline, head='<meta name=author content="snowman">') == (["snowman"], "meta")


def test_an_agency_that_is_stated_signs_before_a_name_that_is_only_seen() -> None:
    head = JSONLD % '"author": {"@type": "Organization", "name": "dpa"}'
    assert authors('<p class="author">Foto: Bo Ek</p>', head=head) == (["dpa"], "jsonld")


def test_a_person_signs_before_the_publication() -> None:
    head = '<meta property="og:site_name" content="Harbour Times">'
    head += '<meta name=author content="Harbour Times">'
    assert authors('<p class="author">Ann Lee</p>', head=head) == (["Ann Lee"], "heuristic")
    assert authors(head=head) == (["Harbour Times"], "meta")
    assert authors(head='<meta name=author content="admin">') == ([], None)
