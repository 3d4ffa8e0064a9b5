"""HTML pages: golden ones, and that nothing a page can be makes the parser fail."""

import random
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path

import psutil
import pytest
from golden.expected import as_json, expected

from newsarchive.model import Found, Link, Refused
from newsarchive.parse.garbage import GivingBack
from newsarchive.parse.page import parse_page
from newsarchive.sources.load import Source

HERE = Path(__file__).parent
PAGES = sorted((HERE / "pages").glob("*.html"))
NOW = datetime(2025, 1, 1, tzinfo=UTC)
ADDRESSES = {"en_amp": "https://amp.valleypost.example/sport/captain/amp"}


def address_of(file: Path) -> str:
    host = "almina.example/news" if file.stem.startswith("ar_") else "harbour.example/metro"
    return ADDRESSES.get(file.stem, f"https://{host}/{file.stem}")


def parse(
    body: bytes | str,
    url: str = "https://harbour.example/metro/x",
    source: Source | None = None,
    link: Link | None = None,
    content_type: str | None = "text/html",
) -> list[Found] | Refused:
    raw = body if isinstance(body, bytes) else body.encode()
    return parse_page(
        raw, url=url, content_type=content_type, source=source, link=link, captured_at=NOW
    )


def one(body: bytes | str, **options: object) -> Found:
    result = parse(body, **options)  # type: ignore[arg-type]
    assert isinstance(result, list), result
    return result[0]


@pytest.mark.parametrize("file", PAGES, ids=lambda f: f.stem)
def test_golden_page(file: Path) -> None:
    assert as_json(parse(file.read_bytes(), address_of(file))) == expected(file)


PARAGRAPHS = """<p>The central library opened three hours late on Thursday after heavy snow kept
most of its staff at home.</p><p>Readers who had books to return were told that no fines would be
asked for until the end of the week.</p>"""


def page(head: str = "", body: str = "", title: str = "Library opens late after snow") -> str:
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title>{head}"
        f"</head><body><article><h1>{title}</h1>{body}{PARAGRAPHS}</article></body></html>"
    )


@pytest.mark.parametrize(
    "logo",
    [
        '<h1><a href="/">Harbour Notes Weekly</a></h1>',
        '<a href="https://harbour.example"><h1>Harbour Notes Weekly</h1></a>',
    ],
)
def test_a_heading_that_leads_home_is_the_sites_name(logo: str) -> None:
    body = f"<body>{logo}<h2>Library opens late after snow</h2>{PARAGRAPHS}"
    title = "<title>Harbour Notes Weekly » Library opens late after snow</title>"
    assert one(f"<html><head>{title}</head>{body}").title == "Library opens late after snow"


def source(**rule: object) -> Source:
    return Source.model_validate(
        {
            "name": "harbour",
            "title": "Harbour Times",
            "url": "https://harbour.example/",
            "language": "en",
            "timezone": "America/New_York",
            "country": "US",
            "listing": [{"kind": "feed", "url": "https://harbour.example/feed.xml"}],
            "rules": [rule] if rule else [],
        }
    )


def link(**listed: object) -> Link:
    values: dict = {
        "run_day": date(2024, 2, 8),
        "source": "harbour",
        "link_id": "x",
        "url": "https://harbour.example/metro/x",
        "host": "https://harbour.example",
        "routes": ["feed"],
        "listings": [],
    }
    return Link(**(values | listed))


def test_time_without_zone_is_the_sources() -> None:
    head = '<meta property="article:published_time" content="2024-02-08 09:10">'
    found = one(page(head), source=source())
    assert found.published_at == datetime(2024, 2, 8, 14, 10, tzinfo=UTC)
    assert found.published_day == date(2024, 2, 8)
    assert found.published_precision == "minute"


def test_confidence_of_the_text_is_lower_where_blocks_leave_it_open() -> None:
    more = PARAGRAPHS.replace("library", "school").replace("books", "keys")
    clear = one(page(body=more))
    line = "Roads close on Friday for a race of bicycles and of boats on the river."
    teasers = "".join(f"<div><b>{n} others</b><p>{line}</p>{line} More.</div>" for n in range(6))
    title = "Library opens late after snow"
    unclear = one(
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{teasers}"
        f"<div>{PARAGRAPHS}</div>{teasers}</body>"
    )
    assert clear.evidence["text"] == unclear.evidence["text"] == "heuristic"
    assert 0.7 < unclear.confidence["text"] < clear.confidence["text"] < 1


def test_text_that_a_rule_selects_has_no_confidence() -> None:
    found = one(page(), source=source(body="article"))
    assert found.evidence["text"] == "rule" and "text" not in found.confidence


def test_american_dates() -> None:
    found = one(page(body="<p>Published: 03/04/2024</p>"), source=source())
    assert found.published_day == date(2024, 3, 4)
    assert one(page(body="<p>Published: 03/04/2024</p>")).published_day == date(2024, 4, 3)


def test_listing_dates_are_the_last_resort() -> None:
    listed = link(listed_at=datetime(2024, 2, 8, 3, tzinfo=UTC), listed_day=date(2024, 2, 7))
    found = one(page(), link=listed)
    assert found.published_at == listed.listed_at
    assert found.published_day == date(2024, 2, 7)
    assert found.evidence["published_at"] == "feed"
    sitemap = link(listed_day=date(2024, 2, 7), routes=["sitemap"])
    assert one(page(), link=sitemap).evidence["published_day"] == "sitemap"
    dated = page(body="<p>Published: 6 February 2024</p>")
    assert one(dated, link=listed).published_day == date(2024, 2, 6)


def test_listed_title_is_the_last_resort() -> None:
    bare = f"<html><body><div>{PARAGRAPHS}</div></body></html>"
    assert one(bare, link=link(listed_title="Snow closes library")).title == "Snow closes library"
    result = parse(bare)
    assert isinstance(result, Refused)
    assert result.reason == "no_title"


def test_a_day_and_the_time_of_the_same_day() -> None:
    head = '<meta name="date" content="2024-02-08">'
    body = '<time datetime="2024-02-08T09:10:11Z">Thursday</time>'
    found = one(page(head, body))
    assert found.published_at == datetime(2024, 2, 8, 9, 10, 11, tzinfo=UTC)
    other = '<time datetime="2024-02-09T09:10:11Z">Friday</time>'
    assert one(page(head, other)).published_at is None


def test_rules_win_over_heuristics_and_cut() -> None:
    body = """<p class=when>8 February 2024</p><p class=who>Ann Lee</p><div class=story>
    <p>Snow fell on the harbour all night, and the first ferry left an hour late on Thursday.</p>
    <div class=promo><p>Sign up for the letter that we send to readers every single morning.</p>
    </div></div>"""
    rule = {"body": ".story", "date": ".when", "authors": ".who", "remove": [".promo"]}
    found = one(page(body=body), source=source(**rule))
    assert found.text == (
        "Snow fell on the harbour all night, and the first ferry left an hour late on Thursday."
    )
    assert found.authors == ["Ann Lee"]
    assert found.evidence["text"] == found.evidence["authors"] == "rule"
    assert found.published_day == date(2024, 2, 8)


def test_rule_of_the_day_that_it_dates() -> None:
    old = {"date": ".old", "section": ".old-section"}
    new = {"since": date(2024, 6, 1), "date": ".new", "section": ".new-section"}
    many = source(**old).model_copy(update={"rules": [*source(**old).rules, *source(**new).rules]})
    body = (
        "<p class=old>8 February 2024</p><p class=old-section>Metro</p><p class=new-section>X</p>"
    )
    assert one(page(body=body), source=many).section == "Metro"


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        ("/metro/snow?utm_source=x#top", "https://harbour.example/metro/snow"),
        ("https://www.harbour.example/metro/snow", "https://www.harbour.example/metro/snow"),
        ("https://other.example/metro/snow", None),
        ("/", None),
        ("/metro/", None),
        ("javascript:void(0)", None),
    ],
)
def test_canonical_address_names_this_article(stated: str, wanted: str | None) -> None:
    head = f'<link rel=canonical href="{stated}">'
    assert one(page(head)).canonical_url == wanted


def test_agency_signs_only_where_no_person_does() -> None:
    head = '<meta name=author content="Reuters"><meta name=author content="Ann Lee">'
    found = one(page(head))
    assert (found.authors, found.origin) == (["Ann Lee"], "Reuters")
    site = '<meta property="og:site_name" content="Harbour Times">'
    site += '<meta name=author content="Harbour Times">'
    assert one(page(site)).authors == ["Harbour Times"]
    wire = one(page('<meta name=author content="Reuters">'))
    assert (wire.authors, wire.origin) == (["Reuters"], "Reuters")


def test_title_is_the_heading_that_matches() -> None:
    text = page('<meta property="og:title" content="Library opens late">')
    text = text.replace("<article>", "<h1>Harbour Times</h1><h2>Weather</h2><article>")
    assert one(text).title == "Library opens late after snow"


def test_listings_dates_never_come_from_beside_the_article() -> None:
    body = """<footer>Published 3 May 2023</footer><div class=comments>4 May 2023</div>
    <aside class=related><time datetime="2023-05-05">5 May</time></aside>"""
    assert one(page(body=body)).published_day is None


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", None, "empty"),
        (b" \n\t ", "text/html", "empty"),
        (b"%PDF-1.7 x", "text/html", "not_html"),
        (b"\x89PNG\r\n", "image/png", "not_html"),
        (b'{"a": 1}', "application/json", "not_html"),
        (b'{"a": "<p>x</p>"}', "application/json", "not_html"),
        (b"<?xml version='1.0'?><rss><channel></channel></rss>", "text/xml", "not_html"),
        (b"just words", "text/plain", "not_html"),
        (b"<html><body></body></html>", "text/html", "no_title"),
        (page().split("<p>")[0].encode(), "text/html", "no_text"),
        (
            b"<html><title>404 Not Found</title><body><h1>Not Found</h1><p>nginx</p></body></html>",
            "text/html",
            "soft_404",
        ),
        (
            b"<html><title>A title here</title><body><h1>A title here</h1><p>Five words of text.",
            "text/html",
            "too_short",
        ),
    ],
)
def test_refusals(body: bytes, content_type: str | None, reason: str) -> None:
    result = parse(body, content_type=content_type)
    assert isinstance(result, Refused)
    assert result.reason == reason


def test_base_is_for_relative_addresses_alone() -> None:
    head = "<base href=/><link rel=canonical href=metro/snow><link rel=image_src href=a.png>"
    found = one(page(head), url="https://harbour.example/metro/x")
    assert found.canonical_url == "https://harbour.example/metro/snow"
    assert found.image_url == "https://harbour.example/a.png"


def test_characters_that_xml_does_not_have() -> None:
    text = page().replace("heavy snow", "heavy\x08 snow&#11; &#x1f;")
    assert "after heavy snow kept" in one(text).text


def test_short_lines_are_no_listing() -> None:
    links = "".join(f"<h3><a href=/s/{n}>Rovers headline number {n}</a></h3>" for n in range(9))
    items = "".join(f"<p>A short line of the recipe, number {n} of them all.</p>" for n in range(9))
    found = one(page(body=items) + links)
    assert "number 3 of them" in found.text


def test_front_page_is_no_article() -> None:
    result = parse(
        (HERE / "pages" / "refused_listing.html").read_bytes(), "https://harbour.example/"
    )
    assert isinstance(result, Refused)
    assert result.reason == "home_page"


FREE = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Library opens late \
after snow","datePublished":"2024-02-08","isAccessibleForFree":%s}</script>'


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (FREE % "false", ""),
        (FREE % '"False"', ""),
        ('<meta property="article:content_tier" content="locked">', ""),
        ("", "Subscribe now to continue reading."),
        ("", "This article is for subscribers only"),
        ("", "اشترك الآن لقراءة المقال كاملًا"),
        ("", "هذا المحتوى متاح للمشتركين"),
        ("", "Article réservé aux abonnés"),
    ],
)
def test_the_beginning_alone_of_what_is_paid_for(head: str, line: str) -> None:
    stub = page(head) if not line else page().replace("</article>", f"<p>{line}</p></article>")
    result = parse(stub)
    assert isinstance(result, Refused), result
    assert result.reason == "paywall"
    whole = stub.replace(PARAGRAPHS, PARAGRAPHS + PARAGRAPHS.replace("The central", "A second"))
    assert isinstance(parse(whole), list), "who gets the whole text has the article"


def test_the_whole_text_of_what_is_shown_in_part() -> None:
    body = "The mayor said that the bridge would open again soon. " * 20
    head = FREE.replace('"isAcc', f'"articleBody":"{body}","isAcc')
    found = one(page(head % "false"))
    assert found.evidence["text"] == "jsonld"
    assert found.text.count("bridge") == 20


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (FREE % "true", ""),
        ("", "Sign up to our newsletter."),
        ("", "Already a subscriber? Log in"),
        ("", "The library has 4,000 subscribers, who paid for the year to come."),
    ],
)
def test_a_short_article_that_is_free(head: str, line: str) -> None:
    assert one(page(head).replace("</article>", f"</article><p>{line}</p>")).title


def test_a_page_that_says_it_is_the_home_page() -> None:
    links = "".join(f"<h3><a href=/s/{n}>Rovers headline number {n}</a></h3>" for n in range(9))
    home = f"<title>Harbour Times</title><link rel=canonical href=/>{links}"
    result = parse(home)
    assert isinstance(result, Refused)
    assert result.reason == "home_page"
    # Some sites say so of all their pages.
    body = PARAGRAPHS * 4
    assert one(page("<link rel=canonical href=/>", body) + links).text


def test_a_language_that_the_source_does_not_have() -> None:
    long = page(body="<p>" + "The mayor said that the bridge would open again soon. " * 8)
    english = source()
    assert one(long, source=english).language == "en"
    narrow = english.model_copy(update={"languages": ["ar", "fr"]})
    result = parse(long, source=narrow)
    assert isinstance(result, Refused)
    assert (result.reason, result.detail) == ("wrong_language", "en, not ar, fr")
    assert one(page(), source=narrow), "of a short text the language is not certain"
    wide = english.model_copy(update={"languages": ["ar", "en"]})
    assert one(long, source=wide).language == "en"


def truncated(draw: random.Random, raw: bytes) -> bytes:
    return raw[: draw.randrange(len(raw))]


def scattered(draw: random.Random, raw: bytes) -> bytes:
    body = bytearray(raw)
    for _ in range(draw.randrange(1, 60)):
        body[draw.randrange(len(body))] = draw.randrange(256)
    return bytes(body)


def swapped(draw: random.Random, raw: bytes) -> bytes:
    charsets = ("utf-8", "cp1256", "latin-1", "utf-16", "cp1251", "gb18030", "utf-7")
    text = raw.decode(draw.choice(charsets), "replace")
    return text.encode(draw.choice(charsets), "replace")


def shuffled(draw: random.Random, raw: bytes) -> bytes:
    tags = raw.split(b"<")
    for _ in range(5):
        a, b = draw.randrange(len(tags)), draw.randrange(len(tags))
        tags[a], tags[b] = tags[b], tags[a]
    return b"<".join(tags)


def nested(draw: random.Random, raw: bytes) -> bytes:
    tag = draw.choice((b"div", b"span", b"blockquote", b"ul><li", b"table><tr><td", b"p><b"))
    return raw.replace(b"<h1", b"<" + b"><".join([tag] * 10_000) + b"><h1", 1)


def deep_json(draw: random.Random, raw: bytes) -> bytes:
    opening = draw.choice((b'{"author":', b"["))
    script = b'<script type="application/ld+json">' + opening * 10_000 + b"</script>"
    return raw.replace(b"<body", script + b"<body", 1)


def huge_attribute(draw: random.Random, raw: bytes) -> bytes:
    name = draw.choice((b"class", b"content", b"datetime", b"style", b"href"))
    value = draw.choice((b"a", b"1", b"2024-01-01 ", b"\xd9\x85 ", b"/", b"related ")) * 200_000
    return raw.replace(b"<h1", b"<meta name=author " + name + b'="' + value + b'"><h1', 1)


def long_text(draw: random.Random, raw: bytes) -> bytes:
    word = draw.choice(
        (b"word", b"1", b"a. ", "اقرأ أيضا ".encode(), b"2024-01-01 ", b"(((", b"&amp;")
    )
    return raw.replace(b"<p>", b"<p>" + word * 20_000, 1)


def surrogates(draw: random.Random, raw: bytes) -> bytes:
    script = rb'<script type="application/ld+json">{"@type":"NewsArticle","headline":"\ud800 x",'
    script += rb'"datePublished":"\udfff9999-99-99","author":{"name":"\udc00"}}</script>'
    return raw.replace(b"<body", script + b"<body", 1)


BATCH = 50
MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(truncated, truncated, scattered, scattered, scattered, swapped, swapped),
    *(shuffled, shuffled, nested, deep_json, huge_attribute, long_text, surrogates),
)


def check_mutated(batch: int) -> None:
    """Parse fifty mutated pages, the same ones for the same number."""
    chance = random.Random(f"mutations/{batch}")
    raw = [(f, f.read_bytes()) for f in PAGES]
    for _ in range(BATCH):
        file, body = chance.choice(raw)
        for _ in range(chance.randint(1, 2)):
            body = chance.choice(MUTATIONS)(chance, body) if body else body
        charset = chance.choice(("", "; charset=utf-8", "; charset=windows-1256", "; charset=x-no"))
        result = parse(body, address_of(file), content_type=f"text/html{charset}")
        if isinstance(result, Refused):
            continue
        for found in result:
            assert found.title
            assert found.text
            for f in fields(found):
                repr(getattr(found, f.name)).encode()  # no lone surrogates: Arrow refuses them
            assert found.published_at is None or found.published_at.tzinfo is UTC


@pytest.mark.timeout(120)  # a few seconds; what a page can make take minutes is a fault too
@pytest.mark.parametrize("batch", range(10))
def test_never_raises(batch: int) -> None:
    check_mutated(batch)


@pytest.mark.long
def test_a_hundred_thousand_mutated_pages_never_raise(
    draw: Callable[[Sequence[int], int], list[int]],
) -> None:
    batches = draw(range(10, 10 + 100_000 // BATCH), 10)
    held = []
    giving_back = GivingBack()
    for number, batch in enumerate(batches, 1):
        check_mutated(batch)
        for _ in range(BATCH):
            giving_back.count()  # as all do that parse many pages
        if number % (len(batches) // 10) == 0:
            held.append(psutil.Process().memory_info().rss / 1e6)
    print("MB held after each tenth:", *(f"{size:.0f}" for size in held))
    if len(batches) > 100:  # of fewer, what is remembered still fills
        assert held[-1] < 1.2 * held[0]
