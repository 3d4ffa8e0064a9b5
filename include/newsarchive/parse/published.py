"""When an article was published and changed, from the best evidence of its page."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from newsarchive.model import Link
from newsarchive.parse.borders import Piece
from newsarchive.parse.evidence import Page, is_outside, select, title_place
from newsarchive.parse.structured import as_texts
from newsarchive.sources.load import Rule
from newsarchive.text.dates import Moment, find_moments, first_possible, is_date_line, parse_moment
from newsarchive.text.repair import tidy_line

_PUBLISHED_WORDS = """
    article:published_time og:article:published_time og:published_time article:published
    datepublished article.published rnews:datepublished parsely-pub-date sailthru.date
    cxenseparse:recs:publishtime cxenseparse:publishtime
    cxenseparse:recs:articlepublicationdate cxenseparse:articlepublicationdate pubdate
    publishdate publish-date publish_date publication_date publicationdate published_time
    publishedtime published published-date date_published originalpublicationdate
    article_date_original article:post_date article.created dc.date.issued dcterms.issued
    dcterms.date dc.date.published dc.date dcterms.created dc.date.created dc.created
    citation_publication_date citation_date bt:pubdate shareaholic:article_published_time
    ptime pdate analyticsattributes.articledate eomportal-firstpublished firstpublished
    timestamp date created date.created datecreated og:pubdate og:release_date release_date
    displaydate iso-8601-publish-date sort_date vr:published_time weibo:article:create_at
"""


_PUBLISHED = tuple(_PUBLISHED_WORDS.split())


_MODIFIED_WORDS = """
    article:modified_time og:updated_time og:article:modified_time article:modified
    datemodified dcterms.modified dc.date.modified lastmod last-modified modified_time
    modified cxenseparse:recs:articlemodifieddate article:updated_time og:modified_time
    date.modified updated revised lastmodified weibo:article:update_at
"""


_MODIFIED = tuple(_MODIFIED_WORDS.split())


CLOCK_SLACK = timedelta(hours=1)
"""How far ahead of ours a newspaper's clock may be."""


_DATES = re.compile(r"(?:date|time|publish|posted|meta|تاريخ)", re.I)


_URL_DAY = re.compile(
    r"[/_-]((?:19|20)\d\d)(?:([/_-])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]))(?=[/_.-]|$)"
)


def settle_rule(page: Page) -> None:
    """Find the dates that structured data states, and the source's rule for the page's day.

    Where nothing is stated, a rule is right when the date it finds lies in its own validity.
    """
    page.stated = list(_structured_dates(page))
    if page.source is None:
        return
    latest = page.captured_at + CLOCK_SLACK
    first = first_possible((m for _, m in page.stated), latest)
    if first is None:
        for rule in sorted(page.source.rules, key=lambda r: r.since, reverse=True):
            moment = first_possible(_rule_dates(page, rule), latest)
            if moment and page.source.rule_on(moment.day) is rule:
                page.rule = rule
                return
    listed = page.link.listed_day if page.link else None
    page.rule = page.source.rule_on(first.day if first else listed or page.captured_at.date())


def _structured_dates(page: Page) -> Iterator[tuple[str, Moment]]:
    said = page.said
    for key in ("datePublished", "dateCreated", "uploadDate"):
        for text in as_texts(said.article.get(key))[:2]:
            yield from _moments(page, "jsonld", text)
    for name in _PUBLISHED:
        for text in said.meta.get(name, ())[:2]:
            yield from _moments(page, "meta", text)
    for name in ("datepublished", "datecreated"):
        for text in said.micro.get(name, ())[:1]:
            yield from _moments(page, "microdata", text)


def _moments(page: Page, kind: str, text: str) -> Iterator[tuple[str, Moment]]:
    moment = parse_moment(text, page.zone, month_first=page.month_first)
    if moment:
        yield kind, moment


def _rule_dates(page: Page, rule: Rule | None) -> Iterator[Moment]:
    for element in select(page.tree, rule.date) if rule and rule.date else ():
        for text in (element.get("datetime"), element.get("content"), element.text_content()[:300]):
            moment = parse_moment(text, page.zone, month_first=page.month_first) if text else None
            if moment:
                yield moment
                break


def published(page: Page, main: Piece) -> tuple[str, Moment] | None:
    """Return when the article was published, and the evidence; the more exact of two that agree.

    Args:
        page: with its rule settled, its title, blocks and labels.
        main: the article's text, with the bare dates above it.
    """
    latest = page.captured_at + CLOCK_SLACK
    sure = [*page.stated, *(("rule", m) for m in _rule_dates(page, page.rule))]
    if "published" in page.labels:
        sure += _moments(page, "label", _exact(page, page.labels["published"]))
    weak = chain(_visible_dates(page, main), _listed_dates(page), _url_dates(page))
    chosen: tuple[str, Moment] | None = None
    for kind, moment in chain(sure, weak):
        if first_possible([moment], latest) is None:
            continue
        if chosen is None:
            chosen = kind, moment
            if moment.at:
                return chosen
        elif moment.at and moment.day == chosen[1].day and kind != "url":
            return kind, moment  # the same day, and the time too
        if kind in ("heuristic", "feed", "section", "sitemap", "url"):
            break
    return chosen


def _exact(page: Page, shown: str) -> str:
    """The machine-readable form of a visible date where a time element has both, else as shown."""
    for element in page.tree.iter("time"):
        stated: str | None = element.get("datetime")
        if (
            stated
            and (text := tidy_line(element.text_content()))
            and text in shown
            and len(text) * 2 > len(shown)
        ):
            return stated
    return shown


def _visible_dates(page: Page, main: Piece) -> Iterator[tuple[str, Moment]]:
    """Dates near the headline: time elements and short dated lines, nearest first."""
    yield from (
        ("heuristic", m)
        for line in main.dates
        if (m := parse_moment(line, page.zone, month_first=page.month_first))
    )
    if page.title_element is not None:
        around: HtmlElement | None = page.title_element
        for _ in range(4):
            around = around.getparent() if around is not None else None
            if around is None or around.tag in ("body", "html"):
                break
            for element in around.iter("time", "abbr"):
                if not is_outside(element, around):
                    for text in (
                        element.get("datetime"),
                        element.get("title"),
                        element.text_content()[:100],
                    ):
                        yield from _moments(page, "heuristic", text or "")
            for element in around.iter(
                "span", "div", "p", "li", "small", "em", "b", "strong", "td", "i", "a"
            ):
                marks = f"{element.get('class') or ''} {element.get('id') or ''}"
                if _DATES.search(marks) and len(element) < 12 and not is_outside(element, around):
                    text = element.text_content()[:300].strip()
                    if 6 <= len(text) <= 140:
                        yield from _moments(page, "heuristic", text)
    start = title_place(page)
    for n in (
        *range(start + 1, min(start + 16, len(page.blocks))),
        *range(start - 1, max(-1, start - 7), -1),
    ):
        text = page.blocks[n].text
        if len(text) <= 140 and (len(text.split()) <= 14 or is_date_line(text)):
            yield from (
                ("heuristic", m)
                for m in find_moments(text, page.zone, month_first=page.month_first)[:1]
            )


def listed_in(link: Link) -> str:
    """Return the kind of listing that what was said of a link is put down to, as evidence."""
    return next((kind for kind in ("feed", "section") if kind in link.routes), "sitemap")


def _listed_dates(page: Page) -> Iterator[tuple[str, Moment]]:
    link = page.link
    if link is None:
        return
    kind = listed_in(link)
    if link.listed_at:
        # Pages for readers show no seconds.
        precision = "minute" if kind == "section" else "second"
        yield kind, Moment(link.listed_day or link.listed_at.date(), link.listed_at, precision)
    elif link.listed_day:
        yield kind, Moment(link.listed_day, None, "day")


def _url_dates(page: Page) -> Iterator[tuple[str, Moment]]:
    match = _URL_DAY.search(urlsplit(page.link.url if page.link else page.url).path)
    if match:
        try:
            yield (
                "url",
                Moment(
                    date(int(match[1]), int(match[3] or match[5]), int(match[4] or match[6])),
                    None,
                    "day",
                ),
            )
        except ValueError:
            return  # 2023/02/31: an id that looks like a date


def modified(page: Page) -> tuple[str, Moment] | None:
    """Return when the article was last changed, to the minute at least, and the evidence."""
    latest = page.captured_at + CLOCK_SLACK
    said = page.said
    candidates = chain(
        (("jsonld", t) for t in as_texts(said.article.get("dateModified"))[:1]),
        (("meta", t) for name in _MODIFIED for t in said.meta.get(name, ())[:1]),
        (("microdata", t) for t in said.micro.get("datemodified", ())[:1]),
        (("label", _exact(page, t)) for t in [page.labels.get("modified")] if t),
    )
    for kind, text in candidates:
        for _, moment in _moments(page, kind, text):
            if moment.at and first_possible([moment], latest):
                return kind, moment
    return None
