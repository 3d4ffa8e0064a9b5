"""Pages for readers as listings: links, the date beside each, the page after."""

from datetime import UTC, date, datetime
from time import process_time
from typing import Any

import pytest

from newsarchive.discover import Layout, Page, layout_of, read
from newsarchive.sources import Listing, Source

URL = "https://paper.example/politics"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = date(2026, 11, 22)


def page_of(html: str, *, url: str = URL, **keys: Any) -> Page:
    listing = Listing(kind=keys.pop("kind", "section"), url=keys.pop("declared", url), **keys)
    return read(html.encode(), url, "text/html", Layout(listing, NOW, "Africa/Cairo"))


def paths(page: Page) -> list[str]:
    return [e.url.removeprefix("https://paper.example/") for e in page.entries]


def days(page: Page) -> list[date | None]:
    return [e.listed_day for e in page.entries]


CARDS = """<!DOCTYPE html><html lang="ar"><head><title>سياسة</title></head><body>
<header><h1><a href="/">جريدة الورق اليومية العربية</a></h1><span>
الأحد 22 نوفمبر 2026</span></header>
<nav><h3><a href="/world/2026/all-the-news">كل أخبار العالم من هنا دائما</a></h3></nav>
<main>
<article><a href="/n/101"><img src="1.jpg" alt="صورة"></a>
 <h2><a href="/n/101?utm_source=home#top">الحكومة تعلن خطة جديدة للنقل</a></h2>
 <a href="/by/someone">كاتب</a> <time datetime="2026-11-22T09:15:00+02:00">قبل قليل</time></article>
<article><h2><a href="/n/100">البرلمان يناقش قانون العمل غدا</a></h2>
 <div class="meta"><span>سياسة</span><span class="ago">منذ ٣ ساعات</span></div></article>
<article><a href="/tag/work">عمل</a><a href="/n/99">نتائج المباريات في الدوري أمس</a>
 <small>٢١ نوفمبر ٢٠٢٦ - ١١:٣٠ م</small></article>
<article><h3><a href="/tag/economy">كل ما يخص الاقتصاد والمال</a></h3></article>
<article><h3><a href="javascript:void(0)">شاهد المزيد من هذه الأخبار</a></h3></article>
</main>
<aside><h4><a href="/n/7">الأكثر قراءة في هذا الأسبوع</a></h4><span>1 يناير 2026</span></aside>
<footer><h4><a href="/n/about-our-paper">من نحن وماذا نفعل هنا</a></h4></footer></body></html>"""


def test_without_any_key_links_in_headlines_and_dates_beside_them() -> None:
    page = page_of(CARDS)
    assert page.problem is None and page.next is None
    assert paths(page) == ["n/101", "n/100", "n/99"]
    first, second, third = page.entries
    assert first.title == "الحكومة تعلن خطة جديدة للنقل"
    assert (first.listed_at, first.listed_day) == (datetime(2026, 11, 22, 7, 15, tzinfo=UTC), DAY)
    assert second.listed_at == datetime(2026, 11, 22, 9, 0, tzinfo=UTC), "three hours ago"
    assert third.title == "نتائج المباريات في الدوري أمس"
    assert third.listed_at == datetime(2026, 11, 21, 21, 30, tzinfo=UTC), "in the source's zone"


def test_a_selector_names_links_whatever_they_look_like() -> None:
    html = """<ul><li class=i><a href=/a>A</a></li><li class=i><b><a href=/b>B</a></b></li>
    <li class=i>none</li><li><a href=/c>C</a></li></ul><a href=/d><h5 class=i>D</h5></a>"""
    page = page_of(html, links=".i")
    assert [(e.url[-2:], e.title) for e in page.entries] == [("/a", "A"), ("/b", "B"), ("/d", "D")]
    assert paths(page_of(html, links="li.i > a")) == ["a"]


def test_what_fits_nothing_is_said() -> None:
    assert page_of(CARDS, links=".gone a").problem == "no link fits links = '.gone a'"
    assert "no links in headlines" in str(page_of("<p><a href=/n/1>one</a></p>").problem)
    page = page_of(CARDS, date=".gone")
    assert page.problem == "no date fits date = '.gone'" and len(page.entries) == 3
    assert days(page) == [None, None, None]


def test_relative_addresses_count_from_the_page_and_its_base() -> None:
    html = '<h2><a href="../n/1-a-b-c">One two three four</a></h2>'
    assert paths(page_of(html, url=f"{URL}/x/")) == ["politics/n/1-a-b-c"]
    assert paths(page_of(f'<base href="/y/z/">{html}')) == ["y/n/1-a-b-c"]


def test_the_title_is_the_longest_text_of_its_links_or_the_pictures() -> None:
    html = """<div class=c><a href=/1><img alt="picture one"></a></div>
    <div class=c><a href=/2><img alt=x></a></div><div class=c><a href=/2>The longer text</a></div>
    <div class=c><a href=/3 title="said so"></a></div>
    <div class=c><a href=/4><h3>Headline</h3><p>and a teaser of many more words</p></a></div>"""
    page = page_of(html, links=".c a")
    titles = ["picture one", "The longer text", "said so", "Headline"]
    assert [e.title for e in page.entries] == titles


LIST = """<ul>
<li><a href=/1>one</a> <i>22 Nov 2026 10:00</i></li>
<li><i>21 Nov 2026</i> <a href=/2>two</a></li>
<li><a href=/3>three</a></li>
<li><span><a href=/4>four</a></span><div><em><i>20/11/2026</i></em></div></li></ul>"""


def test_the_nearest_date_counts_wherever_it_stands_in_the_item() -> None:
    expected = [DAY, date(2026, 11, 21), None, date(2026, 11, 20)]
    for keys in ({}, {"date": "i"}, {"item": "li"}, {"item": "li", "date": "i"}):
        assert days(page_of(LIST, links="li a", **keys)) == expected, keys
    assert days(page_of(LIST, links="li a", item="li > span")) == [None] * 4


def test_headings_of_days_hold_for_what_follows_them() -> None:
    html = """<h4>22 نوفمبر 2026</h4><p><a href=/1>one</a><p><a href=/2>two</a>
    <h4>21 نوفمبر 2026</h4><p><a href=/3>three</a>"""
    expected = [DAY, DAY, date(2026, 11, 21)]
    assert days(page_of(f"<div>{html}</div>", links="p a")) == expected
    assert days(page_of(f"<div>{html}</div>", links="p a", date="h4")) == expected


def test_dates_that_follow_their_links_in_a_row() -> None:
    html = """<div><a href=/1>one</a><br><i>2026-11-22</i><a href=/2>two</a><a href=/3>three</a>
    <i>2026-11-20</i></div>"""
    assert days(page_of(html, links="div a")) == [DAY, None, date(2026, 11, 20)]


def test_the_date_of_the_page_is_nobodys() -> None:
    html = """<div id=top>Sunday, 22 November 2026</div><div><p><a href=/1>one</a></p>
    <p><a href=/2>two</a><i>21 November 2026</i></p></div>"""
    assert days(page_of(html, links="p a")) == [None, date(2026, 11, 21)]


def test_days_to_come_are_events() -> None:
    html = "<p><a href=/1>one</a><i>24 November 2026</i></p><p><a href=/2>two</a><i>today</i></p>"
    assert days(page_of(html, links="p a")) == [None, DAY]


def test_a_declared_date_may_stand_among_other_words() -> None:
    html = """<p><a href=/1>one</a><i>نشر في: ٢١ نوفمبر ٢٠٢٦ | سياسة</i></p>
    <p><a href=/2>two</a><i data-x title="2026-11-20">x</i></p>
    <p><a href=/3>three</a><i>on <time datetime="2026-11-19">Thursday</time></i></p>"""
    found = [date(2026, 11, d) for d in (21, 20, 19)]
    assert days(page_of(html, links="p a", date="i")) == found


def test_the_country_says_how_numbers_are_read() -> None:
    html = b"<p><a href=/1>one</a><i>11/05/2026</i></p>"
    for american, day in ((True, date(2026, 11, 5)), (False, date(2026, 5, 11))):
        listing = Listing(kind="section", url=URL, links="p a")
        page = read(html, URL, None, Layout(listing, NOW, "UTC", american))
        assert days(page) == [day]


@pytest.mark.parametrize(
    ("html", "following"),
    [
        ('<a class=next href="?page=2">', f"{URL}?page=2"),
        ('<li class=next><b><a href="/politics/2">', f"{URL}/2"),
        ('<span class=next>last</span><a class=next href="/politics/3">', f"{URL}/3"),
        ('<a class=next href="#">', None),
        ('<a class=next href="javascript:more()">', None),
        ("", None),
    ],
)
def test_the_page_after_as_the_page_names_it(html: str, following: str | None) -> None:
    page = page_of(f"<p><a href=/1>one</a></p>{html}", links="p a", next=".next")
    assert page.next == following
    assert page_of(html, links="p a", next=".next").next == following, "though it lists nothing"


def test_an_archive_by_date_reads_dates_only_where_it_says() -> None:
    keys = {"kind": "dated", "declared": "https://paper.example/{date:%Y-%m-%d}", "links": "li a"}
    assert days(page_of(LIST, **keys)) == [None] * 4, "its address tells the day"
    assert days(page_of(LIST, date="i", **keys))[:2] == [DAY, date(2026, 11, 21)]


def test_a_section_that_is_a_feed_by_now_is_read_as_one() -> None:
    rss = "<rss><channel><item><link>https://paper.example/1</link></item></channel></rss>"
    assert paths(page_of(rss, links="li a")) == ["1"]


@pytest.mark.parametrize("charset", ["utf-8", "windows-1256"])
def test_charsets(charset: str) -> None:
    html = "<h2><a href=/n/2026>خبر من أربع كلمات</a></h2><p>" + "نص عربي كامل " * 20
    listing = Listing(kind="section", url=URL)
    page = read(html.encode(charset), URL, "text/html", Layout(listing, NOW, "UTC"))
    assert page.entries[0].title == "خبر من أربع كلمات"


@pytest.mark.parametrize("body", [b"", b"\x00\x01", b"plain words", b'{"a": 1}', b"<", b"<!-- x"])
def test_what_is_no_page_is_said(body: bytes) -> None:
    page = read(body, URL, None, Layout(None, NOW, "UTC"))
    assert page.entries == [] and page.problem


def test_layout_is_for_captures_of_pages_only() -> None:
    source = Source.model_validate(
        {
            "name": "paper",
            "title": "جريدة",
            "url": "https://paper.example/",
            "language": "ar",
            "country": "US",
            "timezone": "Africa/Cairo",
            "listing": [{"kind": "section", "url": URL, "links": "li a"}],
        }
    )
    layout = layout_of(source, "section", URL, "section", NOW)
    assert layout == Layout(source.listing[0], NOW, "Africa/Cairo", True)
    assert layout_of(source, "feed", URL, "feed", NOW) is None
    gone = layout_of(source, "section", f"{URL}/gone", "section", NOW)
    assert gone and gone.listing is None, "what is declared no more is still read"


def test_a_page_of_many_links_takes_no_time() -> None:
    items = "".join(
        f"<li><h3><a href=/n/{i}>word word word {i}</a></h3><i>{i % 50 + 1} minutes ago</i></li>"
        for i in range(3000)
    )
    begin = process_time()
    page = page_of(f"<ul>{items}</ul>")
    assert len(page.entries) == 2000 and "more than 2000" in str(page.problem)
    assert page.entries[0].listed_at == datetime(2026, 11, 22, 11, 59, tzinfo=UTC)
    flat = "".join(f"<a href=/n/{i}>w {i}</a><i>2026-11-22</i>" for i in range(2000))
    assert len(page_of(f"<div>{flat}</div>", links="div a").entries) == 2000
    assert process_time() - begin < 10
