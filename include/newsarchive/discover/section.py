"""Pages of a site that list its articles: the links, the date beside each, the page after.

For sites without feeds. A source says where on the page these are, by CSS selectors; what it does
not say is found by the usual shape of such pages.
"""

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

from newsarchive.discover.html import base_of, tree_of
from newsarchive.discover.page import Page
from newsarchive.model import Entry
from newsarchive.sources.load import Listing, Source
from newsarchive.text.dates import Moment, is_date_line, parse_moment
from newsarchive.text.decode import decode
from newsarchive.text.identity import clean_url
from newsarchive.text.relative_dates import parse_relative

_MOST_LINKS = 2000
_HEADINGS = frozenset(("h1", "h2", "h3", "h4"))
_ASIDE = frozenset(("nav", "footer", "aside", "form"))
_FILE = re.compile(r"\.(?:pdf|jpe?g|png|gif|webp|svg|mp[34]|zip|xml|rss|json|css|js)$", re.I)
_NO_ARTICLES = frozenset(
    (
        *("tag", "tags", "topic", "topics", "category", "categories", "section", "sections"),
        *("author", "authors", "writer", "writers", "user", "users", "page", "search"),
        *("archive", "archives", "rss", "feed", "login", "register", "about", "contact", "privacy"),
    )
)
_DIGITS = re.compile(r"\d{4}")
_SEPARATORS = re.compile(r"[-_\s]+")
_NO_SPACES = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_LONGEST_DATE = 60
"""Characters of an element that shows a date and nothing else."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a page that lists articles is to be read."""

    listing: Listing | None
    """Its declaration; None where it is declared no more."""
    captured_at: datetime
    """What "3 hours ago" counts from; aware."""
    timezone: str
    """Of dates that the page writes without one."""
    month_first: bool = False
    """Whether 03/04/2026 is the fourth of March."""


@dataclass(slots=True)
class _Linked:
    """One article that the page names."""

    url: str
    element: HtmlElement
    title: str


@dataclass(frozen=True, slots=True)
class _Dated:
    """One date that the page shows."""

    place: int
    """Number of its element, in the order of the page."""
    element: HtmlElement
    moment: Moment


def layout_of(
    source: Source, kind: str, listing: str | None, route: str | None, captured_at: datetime
) -> Layout | None:
    """Return how a captured listing is to be read as a page; None for a file for programs.

    Args:
        source: whose listing it is.
        kind: `Capture.kind`.
        listing: the declared address.
        route: the declared kind.
        captured_at: when it was captured.
    """
    if kind != "section":
        return None
    declared = source.listing_of(listing or "", route or "")
    return Layout(declared, captured_at, source.timezone, source.country in ("US", "PH"))


def read_section(body: bytes, url: str, content_type: str | None, layout: Layout) -> Page:
    """Return the articles that a page lists, in its order, and the address of the page after it.

    Args:
        body: content coding undone.
        url: where it was fetched.
        content_type: the header.
        layout: how it is to be read.
    """
    tree = tree_of(decode(body, content_type))
    if tree is None:
        return Page([], [], "not a listing (no markup)")
    listing = layout.listing
    base = base_of(tree, url)
    linked = _linked(tree, base, url, listing)
    following = _next(tree, base, url, listing)
    if not linked:
        wanted = listing.links if listing else None
        why = (
            f"no link fits links = {wanted!r}"
            if wanted
            else "no links in headlines; the source can say where they are with `links`"
        )
        return Page([], [], why, following)
    problem: str | None = None
    if len(linked) > _MOST_LINKS:
        problem = f"more than {_MOST_LINKS} entries; the rest is left out"
        del linked[_MOST_LINKS:]
    moments = _Neighbours(tree, linked, layout).moments()
    entries = [_entry(link, moments.get(link.url)) for link in linked]
    if listing and listing.date and not moments:
        problem = f"no date fits date = {listing.date!r}"
    return Page(entries, [], problem, following)


def _entry(link: _Linked, moment: Moment | None) -> Entry:
    return Entry(
        url=link.url,
        title=link.title or None,
        listed_at=moment.at if moment else None,
        listed_day=moment.day if moment else None,
    )


# Links


def _linked(tree: HtmlElement, base: str, url: str, listing: Listing | None) -> list[_Linked]:
    """Return the articles that a page names, each once, by its longest title."""
    own = {clean_url(url), base}
    found: dict[str, _Linked] = {}
    if listing and listing.links:
        pairs = _declared(tree, listing.links)
    elif listing and listing.item:
        pairs = (p for item in _select(tree, listing.item) for p in _best(item))
    else:
        pairs = _in_headlines(tree)
    for element, shown in pairs:
        target = clean_url(element.get("href") or "", base)
        if target is None or target in own:
            continue
        title = _title(element, shown)
        if not (listing and listing.links) and not _is_article(target, title):
            continue
        known = found.setdefault(target, _Linked(target, element, title))
        if len(title) > len(known.title):
            known.title = title
    return list(found.values())


def _declared(tree: HtmlElement, selector: str) -> Iterator[tuple[HtmlElement, HtmlElement]]:
    """Yield the link of each element that a selector names, and the element itself."""
    for element in _select(tree, selector):
        link = element if element.tag == "a" else next(_links_in(element), None)
        if link is None:
            link = next((a for a in element.iterancestors("a") if a.get("href")), None)
        if link is not None and link.get("href"):
            yield link, element


def _in_headlines(tree: HtmlElement) -> Iterator[tuple[HtmlElement, HtmlElement]]:
    """Yield the links in headings, and of each article without any its longest, in page order."""
    links = [a for a in _links_in(tree) if not _is_aside(a)]
    headlines = {a for a in links if _is_headline(a)}
    headed = {_article_of(a) for a in headlines}
    longest: dict[HtmlElement, HtmlElement] = {}
    for link in links:
        article = _article_of(link)
        if article is not None and article not in headed:
            other = longest.get(article)
            if other is None or len(_text(link)) > len(_text(other)):
                longest[article] = link
    chosen = headlines | set(longest.values())
    yield from ((a, a) for a in links if a in chosen)


def _is_headline(link: HtmlElement) -> bool:
    around = any(e.tag in _HEADINGS for e in link.iterancestors())
    return around or any(e.tag in _HEADINGS for e in link.iterdescendants())


def _article_of(link: HtmlElement) -> HtmlElement | None:
    return next(link.iterancestors("article"), None)


def _is_aside(link: HtmlElement) -> bool:
    tags = {str(e.tag) for e in link.iterancestors()}
    return bool(tags & _ASIDE) or ("header" in tags and "article" not in tags)


def _best(item: HtmlElement) -> Iterator[tuple[HtmlElement, HtmlElement]]:
    """Yield the link of an item: in its heading, else the one that says most."""
    inside = list(_in_headlines(item))
    if not inside:
        links = sorted(_links_in(item), key=lambda a: len(_text(a)), reverse=True)
        inside = [(a, a) for a in links[:1]]
    yield from inside[:1]


def _links_in(element: HtmlElement) -> Iterator[HtmlElement]:
    return (a for a in element.iter("a") if a.get("href"))


def _title(link: HtmlElement, shown: HtmlElement) -> str:
    """Return what a link calls its article: a heading in it, its text, or what stands for both."""
    heading = next((e for e in link.iterdescendants() if e.tag in _HEADINGS), None)
    for element in (shown if shown.tag != "a" else None, heading, link):
        if element is not None and (text := _text(element)):
            return text[:500]
    image = next(link.iter("img"), None)
    said = link.get("title") or link.get("aria-label") or ""
    said = said or (image.get("alt") or "" if image is not None else "")
    return " ".join(said.split())[:500]


def _is_article(url: str, title: str) -> bool:
    """Say whether a link in a headline looks like an article, not a section or a topic."""
    split = urlsplit(url)
    parts = [p for p in unquote(split.path).lower().split("/") if p]
    if not (parts or split.query) or _FILE.search(split.path):
        return False
    slug = max((len(_SEPARATORS.split(p)) for p in parts), default=0)
    told = slug >= 4 or bool(_DIGITS.search(split.path + split.query))
    # Scripts that leave no spaces have about two letters a word.
    words = len(title.split()) + len(_NO_SPACES.findall(title)) // 2
    if _NO_ARTICLES & set(parts) and not told:
        return False
    return words >= 4 or (told and words >= 2)


def _next(tree: HtmlElement, base: str, url: str, listing: Listing | None) -> str | None:
    if listing is None or listing.next is None:
        return None
    for element in _select(tree, listing.next):
        link = element if element.get("href") else next(_links_in(element), None)
        target = clean_url(link.get("href") or "", base) if link is not None else None
        if target and target != clean_url(url):
            return target
    return None


# Dates


class _Neighbours:
    """Which date stands beside which link."""

    def __init__(self, tree: HtmlElement, linked: Sequence[_Linked], layout: Layout) -> None:
        self._layout = layout
        self._listing = layout.listing
        self._zone = ZoneInfo(layout.timezone)
        self._latest = layout.captured_at.astimezone(self._zone).date() + timedelta(days=1)
        self._linked = linked
        self._places = {element: n for n, element in enumerate(tree.iter())}
        self._dates = list(self._shown(tree))
        self._items = (
            set(_select(tree, self._listing.item)) if self._listing and self._listing.item else None
        )
        self._dates_in: dict[HtmlElement, list[_Dated]] = defaultdict(list)
        for dated in self._dates:
            for element in _with_ancestors(dated.element):
                self._dates_in[element].append(dated)
        self._links_in: dict[HtmlElement, list[_Linked]] = defaultdict(list)
        for link in sorted(linked, key=lambda li: self._places[li.element]):
            for element in _with_ancestors(link.element):
                self._links_in[element].append(link)

        self._free: dict[HtmlElement, list[_Dated]] = {}
        """Of a part with several links, the dates that none of them has to itself."""

    def moments(self) -> dict[str, Moment]:
        """Return the date of each link that has one, by address."""
        found: dict[str, Moment] = {}
        for link in self._linked:
            dated = self._in_item(link) if self._items is not None else self._beside(link)
            if dated is not None:
                found[link.url] = dated.moment
        return found

    def _in_item(self, link: _Linked) -> _Dated | None:
        item = next((e for e in _with_ancestors(link.element) if e in (self._items or ())), None)
        return self._dates_in[item][0] if item is not None and self._dates_in.get(item) else None

    def _beside(self, link: _Linked) -> _Dated | None:
        for around in _with_ancestors(link.element):
            if around not in self._dates_in:
                continue
            if len(self._links_in[around]) == 1:
                return self._dates_in[around][0]
            return self._between(link, around)
        return None

    def _between(self, link: _Linked, around: HtmlElement) -> _Dated | None:
        """Return the date of a link among others, where dates stand between them.

        A date in a part that has links of its own is theirs. One date alone is more often the
        page's than the links', unless the source says where dates are.
        """
        if around not in self._free:
            self._free[around] = [
                d for d in self._dates_in[around] if not self._is_anothers(d, around)
            ]
        free = self._free[around]
        if len(free) < (1 if self._listing and self._listing.date else 2):
            return None
        place, others = self._places[link.element], self._links_in[around]
        after = bisect(free, place, key=lambda d: d.place)
        if free[0].place < self._places[others[0].element]:
            return free[after - 1] if after else None  # headings of days, or each before its link
        if after == len(free):
            return None
        following = bisect(others, place, key=lambda o: self._places[o.element])
        if following < len(others) and self._places[others[following].element] < free[after].place:
            return None  # the next link's
        return free[after]

    def _is_anothers(self, dated: _Dated, around: HtmlElement) -> bool:
        """Say whether a date stands in a part of `around` that has links of its own."""
        nearest = next(e for e in _with_ancestors(dated.element) if e in self._links_in)
        return nearest is not around

    def _shown(self, tree: HtmlElement) -> Iterator[_Dated]:
        listing = self._listing
        if listing and listing.date:
            for element in _select(tree, listing.date):
                yield from self._read(element, declared=True)
        elif listing is None or listing.kind == "section":
            # In an archive by date the address tells the day, and tells it better.
            taken: set[HtmlElement] = set()
            for element in tree.iter(etree.Element):
                if element.getparent() in taken:
                    taken.add(element)
                elif element.tag == "time" or (
                    len(element) <= 3 and element.tag not in ("script", "style", "title", "a")
                ):
                    for dated in self._read(element, declared=False):
                        taken.add(element)
                        yield dated

    def _read(self, element: HtmlElement, *, declared: bool) -> Iterator[_Dated]:
        inner = next(element.iter("time"), None) if declared else None
        stated = [
            e.get(name)
            for e in (element, inner)
            if e is not None and (declared or e.tag == "time")
            for name in ("datetime", "content", "title")
        ]
        for text in filter(None, stated):
            if (moment := self._moment(text, declared=True)) is not None:
                yield _Dated(self._places[element], element, moment)
                return
        text = _text(element)
        if len(text) <= (200 if declared else _LONGEST_DATE):
            moment = self._moment(text, declared=declared or element.tag == "time")
            if moment is not None:
                yield _Dated(self._places[element], element, moment)

    def _moment(self, text: str, *, declared: bool) -> Moment | None:
        layout = self._layout
        moment = None
        if declared or (any(c.isdecimal() for c in text) and is_date_line(text)):
            moment = parse_moment(text, self._zone, month_first=layout.month_first)
        if moment is None and text:
            moment = parse_relative(text, layout.captured_at, self._zone)
        if moment is None or moment.day > self._latest:  # a day to come is an event's
            return None
        return moment


def _with_ancestors(element: HtmlElement) -> Iterator[HtmlElement]:
    yield element
    yield from element.iterancestors()


def _select(tree: HtmlElement, selector: str) -> list[HtmlElement]:
    try:
        found = _compiled(selector)(tree)
    except etree.XPathError:  # what the syntax allows and the page's tree cannot answer
        return []
    return [e for e in found if isinstance(e, HtmlElement)] if isinstance(found, list) else []


@lru_cache(maxsize=512)
def _compiled(selector: str) -> CSSSelector:
    return CSSSelector(selector, translator="html")


def _text(element: HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())
