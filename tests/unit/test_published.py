"""When an article was published: what pages state first, then what readers see, and never more."""

from datetime import UTC, date, datetime

import pytest

from newsarchive.cli.extract import fields_of
from newsarchive.model import Found
from newsarchive.parse.page import read_page

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2024, 5, 3)
STORY = "<p>The central library opened three hours late on Thursday after heavy snow.</p>" * 4


LONG = STORY.replace("<p>", "").replace("</p>", " ")
URL = "https://harbour.example/metro/snow"


def found(
    above: str = "", below: str = "", head: str = "", url: str = URL, body: str = ""
) -> Found:
    return read(
        f"<html lang=en><head><title>Library opens late after snow</title>{head}</head>"
        f"<body class='single no-sidebar'><div class=page><article><h1>Library opens late after "
        f"snow</h1>{above}{STORY}{below}</article></div>{body}</body></html>",
        url,
    )


def read(page: str, url: str = URL) -> Found:
    reading = read_page(
        page.encode(), url=url, content_type="text/html", source=None, link=None, captured_at=NOW
    )
    return reading.founds[0]


@pytest.mark.parametrize(
    "head",
    [
        '<meta name="published_on" content="2024-05-03">',
        '<meta name="w-published-date" content="2024-05-03T06:03:43Z">',
        '<meta name="cms:publish_date" content="3 May 2024">',
        '<meta property="article:published_time" content="2024-05-03T10:00:00+02:00">',
    ],
)
def test_meta_elements_state_it_under_many_names(head: str) -> None:
    page = found("<p>4 May 2024</p>", head=head)
    assert (page.published_day, page.evidence["published_day"]) == (DAY, "meta")


def test_json_ld_in_a_meta_element_is_read() -> None:
    data = '{"@context":"https://schema.org","@type":"Article","datePublished":"2024-05-03"}'
    page = found(head=f"<meta name='script:ld+json' content='{data}'>")
    assert (page.published_day, page.evidence["published_day"]) == (DAY, "jsonld")


def test_a_meta_element_of_a_change_does_not_state_it() -> None:
    assert found(head='<meta name="x-publish-modified" content="2024-05-03">').published_day is None
    head = '<meta name="last-modified" content="2024-05-03">'
    assert found(head=head).published_day is None


@pytest.mark.parametrize(
    "shown",
    [
        '<time datetime="2024-05-03T10:00">Friday</time>',
        '<time datetime="00:00-YY-DD-MM">May 3, 2024 5:06pm</time>',
        '<span class="entry-date">3 May 2024</span>',
        '<div class="meta"><span>Updated May 9, 2024</span> <b class=date>May 3, 2024</b></div>',
        '<div class="x1">May 3, 2024<span> · </span>8 min read</div>',
        "<p>Ann Lee•May 3, 2024</p>",
        "<p>Published on May 3, 2024 Updated on May 9, 2024</p>",
    ],
)
def test_a_date_near_the_headline_is_a_guess(shown: str) -> None:
    page = found(shown)
    assert page.published_day == DAY
    assert page.evidence["published_day"] in ("heuristic", "label")
    guessed = page.evidence["published_day"] == "heuristic"
    assert ("published_day" in page.confidence) == guessed


def test_the_day_in_the_address_beats_a_date_that_is_only_seen() -> None:
    url = "https://harbour.example/2024/may/03/snow"
    page = found('<time datetime="2023-12-24">24 Dec</time>', url=url)
    assert (page.published_day, page.evidence["published_day"]) == (DAY, "url")
    page = found('<time datetime="2024-05-03T10:00Z">Friday</time>', url=url)
    assert page.published_at == datetime(2024, 5, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shown", "day"), [("2 hours ago", date(2026, 3, 1)), ("منذ 3 أيام", date(2026, 2, 26))]
)
def test_a_relative_date_counts_from_the_capture(shown: str, day: date) -> None:
    assert found(f'<span class="date">{shown}</span>').published_day == day


def test_the_one_date_of_a_page_is_taken_from_anywhere_in_it() -> None:
    far = STORY + "<div>.</div>" * 200 + '<p class="date">3 May 2024</p>'
    assert found(below=far).published_day == DAY
    other = far + '<p class="date">4 May 2024</p>'
    assert found(below=other).published_day is None
    line = far.replace(' class="date"', "")
    assert found(below=line).published_day == DAY
    told = STORY + "<div>.</div>" * 200 + f"<p>It began on 3 May 2024. {'And so on. ' * 30}</p>"
    assert found(below=told).published_day is None


def test_a_button_is_no_relative_date() -> None:
    assert found("<p>Today</p><p>Now</p>").published_day is None


def test_a_change_that_is_seen_stands_for_a_date_where_there_is_no_other() -> None:
    page = found(below="<p>Last updated: 3 May 2024</p>")
    assert (page.published_day, page.published_at) == (DAY, None)
    assert page.evidence["published_day"] == "heuristic"
    near = found('<span class="date">3 May 2024</span>')
    assert page.confidence["published_day"] < near.confidence["published_day"] < 1


@pytest.mark.parametrize(
    "box",
    [
        '<div class="related-posts"><time datetime="2024-05-03">3 May</time></div>',
        '<div class="comments"><span class="date">3 May 2024</span></div>',
        '<nav><span class="date">3 May 2024</span></nav>',
        '<section class="sidebar"><span class="date">3 May 2024</span></section>',
    ],
)
def test_dates_beside_the_article_are_not_its_own(box: str) -> None:
    assert found(body=box).published_day is None
    assert found(below=box).published_day is None


@pytest.mark.parametrize(
    ("shown", "at"),
    [
        ("27th, December 2023 GMT", None),
        ("2023-12-27@14:43:47 GMT", "14:43:47"),
        ("Wednesday 27 December 2023 - 14:43 GMT", "14:43"),
        ("December 27, 2023 9:43 a.m. EST", "14:43"),
        ("27 ديسمبر 2023", None),
        ("27 كانون الأول 2023", None),
        ("27 دجنبر 2023", None),
        ("27 ديسمبر/كانون الأول 2023", None),
        ("الأربعاء ٢٧ ديسمبر ٢٠٢٣ - ٢:٤٣ م", "14:43"),
        ("27 ديسمبر 2023 الساعة 16:43 بتوقيت القاهرة", "14:43"),
        ("14 جمادى الآخرة 1445 هـ", None),
        ("14 جمادى الآخرة 1445 هـ الموافق 27 ديسمبر 2023", None),
        ("۶ دی ۱۴۰۲", None),
        ("۱۴۰۲/۱۰/۰۶", None),
        ("٢٧/١٢/٢٠٢٣", None),
    ],
)
@pytest.mark.parametrize(
    "markup", ['<span class="date">{}</span>', "<p>{}</p>", "<p>Published: {}</p>"]
)
def test_dates_are_read_in_every_form(markup: str, shown: str, at: str | None) -> None:
    page = found(markup.format(shown))
    assert page.published_day == date(2023, 12, 27)
    time = page.published_at
    assert time == (datetime.fromisoformat(f"2023-12-27T{at}+00:00") if at else None)


def test_relative_times_that_differ_are_those_of_other_articles() -> None:
    ticker = (
        "<ul><li><span class=date>4 minutes ago</span><li><span class=date>2 hours ago</span></ul>"
    )
    assert found(ticker).published_day is None
    dated = found(f"{ticker}<span class=date>May 3, 2024</span>")
    assert dated.published_day == DAY


def test_of_a_page_of_unknown_age_no_date_is_counted_back() -> None:
    html = f"<h1>Library opens late after snow</h1><span class=date>2 hours ago</span>{STORY}"
    assert fields_of("https://harbour.example/metro/snow", html)["published"] == ""


LATE = '<meta property="article:published_time" content="2024-05-04T01:06:51Z">'


@pytest.mark.parametrize(
    ("above", "day"),
    [
        ('<time datetime="2024-05-03T18:06:51-07:00">late</time>', DAY),
        ("<time>May 3, 2024 5:06pm PT</time>", DAY),
        # A time that is no zone apart.
        ("<time>May 3, 2024 5:11pm PT</time>", date(2024, 5, 4)),
        ("<aside><time>May 3, 2024 5:06pm PT</time></aside>", date(2024, 5, 4)),
    ],
)
def test_a_time_in_utc_is_of_the_day_that_it_was_at_the_newspaper(above: str, day: date) -> None:
    page = found(above, head=LATE)
    assert page.published_at == datetime(2024, 5, 4, 1, 6, 51, tzinfo=UTC)
    assert (page.published_day, page.evidence["published_day"]) == (day, "meta")


@pytest.mark.parametrize("css", ["entry-date updated", "entry-date published updated"])
def test_themes_call_the_date_of_publication_updated_too(css: str) -> None:
    shown = f'<time class="{css} td-date" datetime="2024-05-03T23:37:37-04:00">3 May 2024</time>'
    assert found(f"<div>{shown}</div>").published_day == DAY
    stated = '<meta property="article:published_time" content="2024-05-04T03:37:37+00:00">'
    assert found(f"<div>{shown}</div>", head=stated).published_day == DAY


def test_one_of_several_dates_that_a_text_names_is_not_its_own() -> None:
    events = "".join(
        f"<h3>The {name} fair</h3><p>{STORY}</p><p>Date: {date}</p>"
        for name, date in (
            ("first", "7 June 2024"),
            ("other", "8 June 2024"),
            ("last", "9 June 2024"),
        )
    )
    page = found('<div class="date-article">3 May 2024</div>', events)
    assert page.published_day == DAY
    assert found("<p>Date: 3 May 2024</p>", events).published_day == DAY
    assert found("<h4>Published</h4><p>3 May 2024</p>", events).published_day == DAY


def test_a_day_that_is_written_with_its_zone_stays() -> None:
    head = LATE.replace("2024-05-04T01:06:51Z", "2024-05-04T00:06:51+02:00")
    page = found("<time>May 3, 2024 5:06pm CT</time>", head=head)
    assert page.published_day == date(2024, 5, 4)


@pytest.mark.parametrize(
    "start",
    [
        "3.5.2024 - ",
        "(3 May 2024) ",
        "03.05.2024 „",
        "LONDON, May 3, 2024 (Reuters) - ",
        "NEW YORK, May 3, 2024 /Newswire/ -- ",
        "القاهرة، 3 مايو 2024 - ",
        "3 May 2024: ",
    ],
)
def test_a_text_may_begin_with_its_date(start: str) -> None:
    page = read(
        f"<html lang=en><head><title>Library opens late</title></head><body><h1>Library opens late"
        f"</h1><p>{LONG}</p><h2>The snow</h2><p>{start}{LONG}</p></body></html>"
    )
    assert (page.published_day, page.evidence["published_day"]) == (DAY, "heuristic")


@pytest.mark.parametrize(
    "start", ["3 May 2024 was cold. ", "After 3 May 2024 - a Friday - ", "3: "]
)
def test_not_every_date_at_the_start_of_a_text_is_its_date(start: str) -> None:
    page = read(
        f"<html lang=en><head><title>Library opens late</title></head><body><h1>Library opens late"
        f"</h1><p>{start}{LONG}</p></body></html>"
    )
    assert page.published_day is None


@pytest.mark.parametrize("header", ["الأكثر قراءة", "Most read", "Read also:", "Meistgelesen"])
def test_a_box_of_other_articles_is_further_than_a_line_above_the_headline(header: str) -> None:
    boxed = "".join(f"<p>Sport 2024/05/0{n}</p><p>The harbour plays again</p>" for n in (7, 8))
    page = read(
        "<html lang=en><head><title>Library opens late after snow</title></head><body>"
        "<p><a href=/metro>Metro</a> 2024/05/03 10:19</p><p>Tweet</p>"
        f"<h1>Library opens late after snow</h1>{STORY}<div><h3>{header}</h3>{boxed}</div></body>"
    )
    assert page.published_day == DAY


def test_a_line_above_the_headline_is_nearer_than_what_follows_the_text() -> None:
    most_read = "".join(f"<p>Snow on the pass, part {n} <b>2024-05-0{n}</b></p>" for n in (7, 8, 9))
    page = (
        "<html lang=en><head><title>Library opens late after snow</title></head><body>"
        "<p><a href=/metro>Metro</a><span>2024/05/03 10:22</span></p>"
        f"<h2>Library opens late after snow</h2>{STORY}{most_read}</body></html>"
    )
    assert read(page).published_day == DAY
