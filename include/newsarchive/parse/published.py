"""When an article was published and changed, from the best evidence of its page."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain, islice
from typing import NamedTuple

from newsarchive.model import Link
from newsarchive.parse.body import is_cut
from newsarchive.parse.borders import Piece
from newsarchive.parse.evidence import Page, is_beside, near_headline, select
from newsarchive.parse.labels import match_labels
from newsarchive.parse.marks import DATED, TIME, Mark
from newsarchive.parse.structured import as_texts
from newsarchive.sources.load import Rule
from newsarchive.text.address_dates import day_in_path
from newsarchive.text.dates import Moment, find_moments, first_possible, is_date_line, parse_moment
from newsarchive.text.relative_dates import parse_relative
from newsarchive.text.repair import tidy_line

_PUBLISHED_WORDS = """
    article:published_time og:article:published_time og:published_time article:published
    datepublished article.published rnews:datepublished parsely-pub-date sailthru.date
    cxenseparse:recs:publishtime cxenseparse:publishtime
    cxenseparse:recs:articlepublicationdate cxenseparse:articlepublicationdate pubdate
    publishdate publish-date publish_date publication_date publicationdate published_time
    publishedtime published published-date date_published originalpublicationdate
    article_date_original article:post_date article.created dc.date.issued dcterms.issued
    dc.date.published citation_publication_date citation_date bt:pubdate
    shareaholic:article_published_time ptime pdate analyticsattributes.articledate
    eomportal-firstpublished firstpublished og:pubdate vr:published_time
    weibo:article:create_at dcterms.date dc.date dcterms.created dc.date.created dc.created
    date created date.created datecreated timestamp og:release_date release_date displaydate
    iso-8601-publish-date sort_date
"""


_PUBLISHED = tuple(_PUBLISHED_WORDS.split())


_MODIFIED_WORDS = """
    article:modified_time og:updated_time og:article:modified_time article:modified
    datemodified dcterms.modified dc.date.modified lastmod last-modified modified_time
    modified cxenseparse:recs:articlemodifieddate article:updated_time og:modified_time
    date.modified updated revised lastmodified weibo:article:update_at
"""


_MODIFIED = tuple(_MODIFIED_WORDS.split())


_STATED = ("jsonld", "meta", "microdata", "rule", "label")
CLOCK_SLACK = timedelta(hours=1)
"""How far ahead of ours a newspaper's clock may be."""


_PUBLISHED_NAME = re.compile(
    r"(?:^|[.:_-])(?:(?:first|original)?publi(?:sh(?:ed)?|cation)|pub|issue|posted|post|release)"
    r"[._-]?(?:date|time|on|at|datetime|day)?(?:[._-](?:iso|utc|gmt))?$"
)
"""Names of meta elements that no list has."""
_MODIFIED_NAME = re.compile(r"(?:modifi|update|revis)")
_UPDATED = re.compile(
    r"updat|modif|aktualis|actualis|actualiz|aggiorn|atualiz|güncel|обновл|تحديث|تعديل|revis|edited"
    r"|zuletzt|更新|bijgewerkt|oppdater|opdater|uppdater|zaktualiz",
    re.I,
)
# Of microformats: the date of an entry is `published updated`, and themes leave out the former.
_THEMES_DATE = re.compile(r"(?:^|\s)(?:entry-date|post-date|published)(?:\s|$)")
# From Hawaii to New Zealand.
_ZONES = (timedelta(hours=-10), timedelta(hours=13))
_MOST_MARKS = 40
_FEW = 8  # elements of time that are held against a time in UTC
_CLOCK = re.compile(r"(?<!\d)\d{1,2}[:.h](\d\d)(?!\d)")
_SHORT = 200
"""Characters of a line whose date may be the page's; in running text dates are of what is told."""


# A date that a text begins with, behind its place or not, and set off from what it tells.
_DATELINE = re.compile(
    r"\(?(?:[^\W\d_]+(?: [^\W\d_]+){0,3}[,\u060c]\s*)?([^()\u201e\u201c\"\u00ab]{6,40}?)"
    r"\s*(?:\)|\s[|/(\u2013\u2014-]|:\s|[\u201e\u201c\"\u00ab])"
)
_LEADS = 3
"""Paragraphs that may begin with it: a lead and a heading may stand above."""
# How often a guess of a kind was right, of 172 labelled pages of all sorts that state no date:
# 116 of 125, 37 of 47; of the last resorts, which few pages need, 6 of 9.
_MARKED, _WRITTEN, _LAST = 0.93, 0.79, 0.6


class Dated(NamedTuple):
    """A date and its evidence."""

    kind: str
    moment: Moment
    confidence: float | None = None
    """Of a guess: the share of guesses of its kind that are right."""


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
    for name, contents in said.meta.items():
        if _PUBLISHED_NAME.search(name) and not _MODIFIED_NAME.search(name):
            yield from _moments(page, "meta", contents[0])


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


def published(page: Page, main: Piece) -> Dated | None:
    """Return when the article was published, and the evidence; the more exact of two that agree.

    Args:
        page: with its rule settled, its title, blocks and labels.
        main: the article's text, with the bare dates above it.
    """
    latest = page.captured_at + CLOCK_SLACK
    chosen: Dated | None = None
    for dated in chain(_sure(page), _seen(page, main), _listed_dates(page), _last_resorts(page)):
        if first_possible([dated.moment], latest) is None:
            continue
        if chosen is None or (dated.moment.at and dated.moment.day == chosen.moment.day):
            chosen = dated  # or the same day, and the time too
        if chosen.moment.at or dated.kind not in _STATED:
            break
    return chosen and chosen._replace(moment=_in_its_zone(page, chosen.moment))


def _in_its_zone(page: Page, moment: Moment) -> Moment:
    """Return a moment that is told in UTC with the day that it was at the newspaper.

    That is the one that the page shows with the same time in another zone. (The day in the address
    would be right as often; but an article that moves must not change its day.)
    """
    at = moment.at
    if at is None or at.tzinfo is None or at.date() != moment.day:
        return moment
    times = (e for e in page.elements.times if not is_cut(e, page.tree))
    for element in islice(times, _FEW):
        text = f"{element.get('datetime') or ''} {element.text_content()[:_SHORT]}"
        if not any(_is_zone_apart(int(m[1]) - at.minute) for m in _CLOCK.finditer(text)):
            continue  # most are of other articles
        for shown in _marked_dates(page, Mark(element, 0, TIME), relative=False):
            if _is_elsewhere(shown, at) and not is_beside(element):
                return replace(moment, day=shown.day)
    return moment


def _is_elsewhere(shown: Moment, at: datetime) -> bool:
    """Say whether a date that is shown can be a moment in another zone: it may not say in which."""
    if shown.at is None:
        return False
    ahead = _minute(shown.at) - _minute(at)
    return _ZONES[0] <= ahead <= _ZONES[1] and _is_zone_apart(ahead // timedelta(minutes=1))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0, tzinfo=None)


def _is_zone_apart(minutes: int) -> bool:
    return minutes % 30 == 0


def _sure(page: Page) -> Iterator[Dated]:
    """Dates that are stated to be the page's: no guesses."""
    yield from (Dated(kind, moment) for kind, moment in page.stated)
    yield from (Dated("rule", moment) for moment in _rule_dates(page, page.rule))
    if "published" in page.labels:
        shown = _exact(page, page.labels["published"])
        yield from (Dated(kind, moment) for kind, moment in _moments(page, "label", shown))


def _seen(page: Page, main: Piece) -> Iterator[Dated]:
    """Dates that readers see near the headline, and the one in the page's address.

    An address with a day in it is the stronger: what is seen counts where it is of that day or of
    one beside it, and then may tell the time.
    """
    day = day_in_path(page.link.url if page.link else page.url)
    seen = _visible_dates(page, main)
    if day is None:
        yield from seen
        return
    near = timedelta(days=1)
    agreed = next((s for s in seen if abs(s.moment.day - day) <= near), None)
    yield agreed or Dated("url", Moment(day, None, "day"))


def _visible_dates(page: Page, main: Piece) -> Iterator[Dated]:
    """Dates near the headline: elements that are marked as dates, short dated lines, a dateline."""
    for line in main.dates:
        yield from (Dated("heuristic", m, _MARKED) for _, m in _moments(page, "", line))
    marks = page.marks
    undated: list[Mark] = []
    for mark in marks.near(TIME | DATED)[:_MOST_MARKS] if marks.headline >= 0 else ():
        written = list(_marked_dates(page, mark, relative=False))
        yield from (Dated("heuristic", m, _MARKED) for m in written)
        if not written:
            undated.append(mark)
    # Of several that differ, "4 minutes ago", "2 hours ago", each is another article's.
    counted = {m for mark in undated for m in _marked_dates(page, mark)}
    if len(counted) == 1:
        yield from (Dated("heuristic", m, _MARKED) for m in counted)
    for text in near_headline(page):
        if len(text) <= 140 and (len(text.split()) <= 14 or is_date_line(text)):
            # "Today" alone is a button of a menu.
            count = len(counted) < 2 and any(map(str.isdigit, text))
            yield from (
                Dated("heuristic", m, _WRITTEN) for m in _written_dates(page, text, relative=count)
            )
    for text in main.paragraphs[:_LEADS]:
        start = _DATELINE.match(text[:_SHORT])
        if start and is_date_line(start[1]):
            yield from (Dated("heuristic", m, _WRITTEN) for m in _written_dates(page, start[1]))


def _marked_dates(page: Page, mark: Mark, *, relative: bool = True) -> Iterator[Moment]:
    element = mark.element
    names = f"{element.get('class') or ''} {element.get('itemprop') or ''}"
    if _UPDATED.search(names) and not _THEMES_DATE.search(names):
        return
    if mark.kind & TIME:
        for text in (element.get("datetime"), element.get("title")):
            moment = parse_moment(text or "", page.zone, month_first=page.month_first)
            if moment:
                yield moment
                return
    if len(element) < 12:
        text = tidy_line(element.text_content()[:300])
        if 6 <= len(text) <= 140:
            yield from _written_dates(page, text, relative=relative)


def _written_dates(page: Page, text: str, *, relative: bool = True) -> Iterator[Moment]:
    """The first date of a short text that is not said to be that of a change."""
    for label in match_labels(text):
        if label.kind == "published":
            yield from (m for _, m in _moments(page, "", label.value))
            return
    if _UPDATED.match(text):
        return
    found = find_moments(text, page.zone, month_first=page.month_first)[:1]
    if not found and relative and page.is_aged:
        counted = parse_relative(text, page.captured_at, page.zone)
        found = [counted] if counted else []
    yield from found


def _last_resorts(page: Page) -> Iterator[Dated]:
    """The one date that a page shows anywhere, in a mark or a line; the day of a change it shows.

    Of pages that show nothing better near their headline.
    """
    latest = page.captured_at + CLOCK_SLACK
    marked = (
        m
        for k in islice(page.marks.of(TIME | DATED), _MOST_MARKS)
        for m in _marked_dates(page, k, relative=False)
    )
    lines = (line.text for line in page.blocks if len(line.text) <= _SHORT)
    for moments in (marked, (m for t in lines for m in _written_dates(page, t, relative=False))):
        days: dict[date, Moment] = {}
        for moment in moments:
            if first_possible([moment], latest):
                days.setdefault(moment.day, moment)
        if len(days) == 1:
            yield from (Dated("heuristic", m, _LAST) for m in days.values())
    changed = modified_moment(page)
    if changed and changed[0] != "meta":
        yield Dated("heuristic", replace(changed[1], at=None, precision="day"), _LAST)


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


def listed_in(link: Link) -> str:
    """Return the kind of listing that what was said of a link is put down to, as evidence."""
    return next((kind for kind in ("feed", "section") if kind in link.routes), "sitemap")


def _listed_dates(page: Page) -> Iterator[Dated]:
    link = page.link
    if link is None:
        return
    kind = listed_in(link)
    if link.listed_at:
        # Pages for readers show no seconds.
        precision = "minute" if kind == "section" else "second"
        day = link.listed_day or link.listed_at.date()
        yield Dated(kind, Moment(day, link.listed_at, precision))
    elif link.listed_day:
        yield Dated(kind, Moment(link.listed_day, None, "day"))


def modified(page: Page) -> tuple[str, Moment] | None:
    """Return when the article was last changed, to the minute at least, and the evidence."""
    found = modified_moment(page, timed=True)
    return found if found and found[1].at else None


def modified_moment(page: Page, *, timed: bool = False) -> tuple[str, Moment] | None:
    """Return when the article was last changed, or on which day, and the evidence.

    Args:
        page: with its labels.
        timed: only what has a time counts.
    """
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
            if (moment.at or not timed) and first_possible([moment], latest):
                return kind, moment
    return None
