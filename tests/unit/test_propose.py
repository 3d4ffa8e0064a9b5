"""From what a site answered to a source file; pure, with listings written here."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from newsarchive.discover.propose import (
    Answer,
    Candidate,
    Home,
    Proposal,
    common,
    declared,
    name_of,
    page_as_comments,
    propose,
    read_answer,
    read_home,
    to_toml,
)
from newsarchive.model import Found, Refused
from newsarchive.sources import load_file

SITE = "https://www.paper.eg/"
ZONES = {"EG": "Africa/Cairo"}
TODAY = date(2026, 3, 9)


def rss(*items: tuple[str, str | None], titles: str = "وزير الصحة يفتتح مستشفى في القاهرة") -> str:
    entries = "".join(
        f"<item><title>{titles} {n}</title><link>{link}</link>"
        + (f"<pubDate>{when}</pubDate>" if when else "")
        + "</item>"
        for n, (link, when) in enumerate(items)
    )
    return f"<rss version='2.0'><channel><title>x</title>{entries}</channel></rss>"


def at(day: int, hour: int = 10) -> str:
    return f"{day:02} Mar 2026 {hour:02}:00:00 +0200"


FEED = rss(*((f"/a/{n}", at(3 + n // 4, n % 24)) for n in range(20)))


def urlset(*urls: str, news: str | None = None) -> str:
    extra = (
        f"<n:news><n:publication_date>{news}</n:publication_date><n:title>t</n:title></n:news>"
        if news
        else "<lastmod>2026-03-08</lastmod>"
    )
    body = "".join(f"<url><loc>{SITE}{u}</loc>{extra}</url>" for u in urls)
    return (
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
        f"xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'>{body}</urlset>"
    )


def index(*urls: str) -> str:
    body = "".join(f"<sitemap><loc>{SITE}{u}</loc></sitemap>" for u in urls)
    return (
        f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{body}</sitemapindex>"
    )


def answer(url: str, body: str, why: str = "the home page") -> Answer:
    full = SITE + url
    made = read_answer(Candidate(full, why), body.encode(), full, None)
    assert made is not None
    return made


def proposal(*answers: Answer, home: Home | None = None) -> Proposal:
    home = home or Home(SITE, "جريدة الورقة", "og:site_name", "ar")
    made = propose(home, answers, today=TODAY, zones=ZONES)
    assert made is not None
    return made


def listed(made: Proposal) -> list[tuple[str, str]]:
    return [(p.kind, p.url.removeprefix(SITE)) for p in made.listings]


def left_out(made: Proposal) -> dict[str, str]:
    return {p.url.removeprefix(SITE): p.note for p in made.others}


# -------------------------------------------------------------------------------- what to ask


HOME = """<!DOCTYPE html><html lang="ar-EG"><head><title>الرئيسية | الورقة</title>
<meta property="og:site_name" content=" جريدة
 الورقة "><link rel="alternate" type="application/rss+xml" href="/feed?utm_source=x">
<link rel="alternate" type="application/atom+xml; charset=utf-8" href="atom.xml">
<link rel="alternate" hreflang="en" href="/en/"><link rel="stylesheet" href="/feed.css">
<link rel="sitemap" href="/map.xml"></head><body></body></html>"""


def test_what_a_home_page_says() -> None:
    home = read_home(HOME.encode(), SITE + "home/", "text/html; charset=utf-8")
    assert (home.title, home.title_from) == ("جريدة الورقة", "og:site_name")
    assert (home.language, home.region) == ("ar", "EG")
    assert home.feeds == [SITE + "feed", SITE + "home/atom.xml"]
    assert home.sitemaps == [SITE + "map.xml"]


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff", b"{}", b"<", b"<html><head><link rel=alternate></html>"]
)
def test_a_home_page_that_says_nothing(body: bytes) -> None:
    home = read_home(body, SITE, None)
    assert (home.title, home.language, home.feeds) == (None, None, [])


def test_a_home_page_of_another_charset_and_base() -> None:
    page = (
        "<html><head><base href='/ar/'><meta charset=windows-1256><title>جريدة الورقة</title>"
        "<link rel=alternate type=application/rss+xml href=f.xml>"
    )
    home = read_home(page.encode("cp1256"), SITE, None)
    assert (home.title, home.title_from) == ("جريدة الورقة", "the page's title")
    assert home.feeds == [SITE + "ar/f.xml"]


def test_what_the_site_names_is_asked_first_and_once() -> None:
    robots = "User-agent: *\nDisallow: /x\nSitemap: /news.xml\nSitemap: https://www.paper.eg/feed\n"
    home = Home(SITE, feeds=[SITE + "feed/", SITE + "atom.xml"], sitemaps=[SITE + "map.xml"])
    found = declared(home, robots)
    assert [(c.url.removeprefix(SITE), c.why) for c in found] == [
        ("news.xml", "robots.txt"),
        ("feed", "robots.txt"),
        ("map.xml", "the home page"),
        ("atom.xml", "the home page"),
    ]
    assert declared(Home(SITE), None) == []


def test_common_addresses_are_asked_for_what_is_missing() -> None:
    def names(*answers: Answer) -> set[str]:
        return {c.url.removeprefix(SITE) for c in common(SITE, answers)}

    every = names()
    assert {"feed", "rss", "rss.xml", "feed.xml", "sitemap.xml", "news-sitemap.xml"} <= every
    assert "sitemap_index.xml" in every
    no_feeds = names(answer("f", FEED))
    assert "sitemap.xml" in no_feeds and "rss" not in no_feeds
    news = answer("n.xml", urlset("1", news="2026-03-08"))
    assert "rss" in names(news) and "sitemap.xml" not in names(news)
    assert names(answer("f", FEED), news) == set()
    assert "sitemap.xml" in names(answer("sitemap_index.xml", index("pages.xml")))
    assert "sitemap_index.xml" not in names(answer("sitemap_index.xml", index("pages.xml")))
    below = [c.url for c in common("https://x.example/ar", [])]
    assert below[0] == "https://x.example/ar/feed" and "https://x.example/feed" in below


@pytest.mark.parametrize("body", ["", "<html><body>x</body></html>", "{}", rss(), "404"])
def test_what_is_no_listing(body: str) -> None:
    assert read_answer(Candidate(SITE, "x"), body.encode(), SITE, None) is None


# ---------------------------------------------------------------------------- what to propose


def test_a_whole_proposal_is_a_source_file(tmp_path: Path) -> None:
    made = proposal(
        answer("feed", FEED),
        answer("news.xml", urlset("b/1", "b/2", news="2026-03-08T10:00:00Z"), "robots.txt"),
        answer("map.xml", urlset("about"), "robots.txt"),
    )
    text = to_toml(made, 1.0)
    file = tmp_path / "paper.toml"
    file.write_text(text, "utf-8")
    source = load_file(file)
    assert (source.name, source.title, source.url) == ("paper", "جريدة الورقة", SITE)
    assert (source.language, source.country, source.timezone) == ("ar", "EG", "Africa/Cairo")
    assert [(li.kind, li.url) for li in source.listing] == [
        ("feed", SITE + "feed"),
        ("sitemap", SITE + "news.xml"),
    ]
    assert (source.tags, source.politeness.delay, source.allow_private) == (["EG"], 1.0, False)
    assert source.found_in == f"{SITE}, looked at on 2026-03-09"
    # Four entries a day: wide around that.
    assert source.expected.min <= 4 <= (source.expected.max or 0) // 2
    assert 'timezone = "Africa/Cairo"  # a guess from the address, .eg' in text
    assert "[[listing]]  # the home page; 20 entries, the newest of 2026-03-07" in text
    assert "# sitemap https://www.paper.eg/map.xml: does not say when its pages" in text


def test_days_in_the_addresses_of_an_index_are_a_dated_listing() -> None:
    days = index("s-2026-03-07.xml", "s-2026-03-08.xml", "pages.xml")
    assert listed(proposal(answer("feed", FEED), answer("map.xml", days))) == [
        ("feed", "feed"),
        ("dated", "s-{date:%Y-%m-%d}.xml"),
    ]
    assert listed(proposal(answer("map.xml", days))) == [
        ("sitemap", "map.xml"),
        ("dated", "s-{date:%Y-%m-%d}.xml"),
    ], "without a feed the index tells the present"


@pytest.mark.parametrize(
    ("children", "template"),
    [
        (["2026/03/08.xml"], "{date:%Y/%m/%d}.xml"),
        (["m/20260308.xml.gz"], "m/{date:%Y%m%d}.xml.gz"),
        (["map?yyyy=2026&mm=03&dd=08"], "map?yyyy={date:%Y}&mm={date:%m}&dd={date:%d}"),
        (["s-2026-02.xml", "s-2026-03.xml"], "s-{date:%Y-%m}.xml"),
        (["s-2026-03.xml"], None),
        (["s-2026-03-1.xml", "s-2026-03-2.xml"], None),
        (["s-2026-03-31.xml", "s-2026-02-31.xml"], "s-{date:%Y-%m-%d}.xml"),
        (["s-2026-02-31.xml"], None),
        (["s-12345678.xml", "part-2026.xml", "m?x={x}&d=2026-03-08"], None),
        (["2026-03-08/2026-03-08.xml"], None),
    ],
)
def test_templates(children: list[str], template: str | None) -> None:
    made = proposal(answer("feed", FEED), answer("map.xml", index(*children)))
    assert [url for kind, url in listed(made) if kind == "dated"] == [template] * bool(template)


def test_what_is_left_out_and_why() -> None:
    comments = rss(*((f"/a/{n}#comment-{n}", at(8)) for n in range(5)))
    old = rss(*((f"/old/{n}", "01 Mar 2020 10:00:00 GMT") for n in range(5)))
    made = proposal(
        answer("feed", FEED),
        answer("rss", FEED),
        answer("comments/feed", comments),
        answer("old", old),
        *(answer(f"more{n}", rss((f"/m{n}", at(8)))) for n in range(6)),
    )
    assert listed(made) == [("feed", u) for u in ("feed", "more0", "more1", "more2", "more3")]
    assert left_out(made) == {
        "rss": "nothing in it that the others do not have",
        "comments/feed": "comments of readers",
        "old": "its newest entry is of 2020-03-01",
        "more4": "more than 5 feeds",
        "more5": "more than 5 feeds",
    }


def test_a_sitemap_without_dates_of_publication_is_better_than_none() -> None:
    made = proposal(answer("map.xml", urlset("a", "b")))
    assert listed(made) == [("sitemap", "map.xml")] and not made.others
    assert made.expected is None
    assert "expected = { min = 0 }  # articles a day: nothing is dated" in to_toml(made, 1)


def test_only_what_belongs_to_the_part_of_the_site() -> None:
    home = Home(SITE + "ar/", "x", "t", "ar")
    arabic = answer("ar/feed", rss(("/ar/1", at(8))))
    english = answer("feed", rss(("/en/1", at(8))))
    mixed = answer("n.xml", urlset("ar/2", "ar/3", "en/4", news="2026-03-08"))
    made = proposal(english, arabic, mixed, home=home)
    assert listed(made) == [("feed", "ar/feed"), ("sitemap", "n.xml")]
    assert left_out(made) == {"feed": "of other parts of the site than /ar/"}
    assert listed(proposal(english, home=home)) == [("feed", "feed")], "better than none"


def test_the_language_is_that_of_the_headlines() -> None:
    made = proposal(answer("feed", FEED), home=Home(SITE, "x", "t", "en"))
    assert made.language == "ar"
    assert made.language_from == "of its headlines, though its home page says en"
    untitled = answer("map.xml", urlset("a"))
    assert proposal(untitled, home=Home(SITE, language="fa")).language == "fa"
    assert "not known" in proposal(untitled, home=Home(SITE)).language_from


@pytest.mark.parametrize(
    ("url", "region", "country", "zone"),
    [
        ("https://x.eg/", None, "EG", "Africa/Cairo"),
        ("https://x.co.uk/", None, "GB", "UTC"),
        ("https://x.com/", "EG", "EG", "Africa/Cairo"),
        ("https://x.tv/", None, None, "UTC"),
        ("http://127.0.0.1:80/", None, None, "UTC"),
    ],
)
def test_country_and_zone(url: str, region: str | None, country: str | None, zone: str) -> None:
    made = proposal(answer("feed", FEED), home=Home(url, "x", "t", "ar", region))
    assert (made.country, made.timezone) == (country, zone)
    if country is None:
        assert "not known" in made.timezone_from
        assert "# country = " in to_toml(made, 1)


def test_a_feed_that_ends_within_the_day_tells_a_rate() -> None:
    quick = rss(
        *((f"/a/{n}", f"08 Mar 2026 {10 + n // 10}:{n % 10 * 6:02}:00 GMT") for n in range(20))
    )
    made = proposal(answer("feed", quick))
    assert made.expected is not None
    fewest, most = made.expected
    assert fewest < 20 * 24 / 1.9 < most, "20 in two hours are some 250 a day"


@pytest.mark.parametrize(
    ("url", "taken", "name"),
    [
        ("https://www.aawsat.com/x", (), "aawsat"),
        ("https://news.bbc.co.uk/", (), "news_bbc"),
        ("https://al-quds.com.eg/", (), "al_quds"),
        ("https://24ora.com/", (), "site_24ora"),
        ("http://127.0.0.1:8090/", (), "site_127_0_0_1"),
        ("http://localhost/", (), "localhost"),
        ("https://x.com/", (), "site_x"),
        ("https://aawsat.com/", ("aawsat", "aawsat_2"), "aawsat_3"),
        (f"https://{'a' * 60}.{'b' * 60}.com/", (), "a" * 50),
    ],
)
def test_names(url: str, taken: tuple[str, ...], name: str) -> None:
    assert name_of(url, taken) == name


def test_hostile_words_stay_within_their_line(tmp_path: Path) -> None:
    home = Home(SITE, 'a"\\\n[x]\x7f\x00\u2028', "og:\nsite_name", "ar")
    text = to_toml(proposal(answer("feed", FEED), home=home), 1.0)
    values = tomllib.loads(text)
    assert values["title"] == 'a"\\\n[x]\x7f\x00\u2028'
    assert set(values) <= {
        *("name", "title", "url", "language", "country", "timezone", "expected", "found_in"),
        *("tags", "listing", "politeness"),
    }


def test_a_page_is_shown_as_comments() -> None:
    found = Found(
        "عنوان",
        "فقرة\nأولى\n\nفقرة ثانية",
        authors=["كاتب"],
        published_day=date(2026, 3, 8),
        evidence={"title": "jsonld", "published_day": "label"},
    )
    shown = page_as_comments("https://x.example/1", found)
    assert all(line.startswith("# ") for line in shown.strip().splitlines())
    assert "# title: عنوان [jsonld]\n# published: 2026-03-08 [label]\n# authors: كاتب\n" in shown
    assert "ثانية" not in shown and "section: not found" in shown
    assert "no article: too_short (12 words)" in page_as_comments(
        "x", Refused("too_short", "12 words")
    )
