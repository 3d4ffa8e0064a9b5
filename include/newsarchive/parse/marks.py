"""Elements that a page marks as bylines or dates by tag, class, id or address, in page order."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from lxml.html import HtmlElement

from newsarchive.text.repair import repair, tidy_line

BYLINE, AUTHOR_LINK, DATED, TIME = 1, 2, 4, 8
"""Kinds of marks; an element may have several."""

_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_A-Za-z]+")
_BYLINE_WORDS_TEXT = """
    byline bylines byl author authors authorname autor autores autori autore autoren autorin
    autorenzeile auteur auteurs verfasser redakteur redaktor writer writers journalist journalists
    journaliste reporter reporters columnist forfatter skribent yazar penulis kirjoittaja creator
    contributor contributors signature firma firmato vcard hcard documentauthor
"""
_BYLINE_WORDS = frozenset(_BYLINE_WORDS_TEXT.split())
_NOT_BYLINE_WORDS_TEXT = """
    comment comments commenter image images img avatar photo picture pic bio biography description
    desc follow share social box related recommended footer nav menu sidebar widget search form
    filter icon caption credit tags tag category newsletter ad ads advert
"""
_NOT_BYLINE_WORDS = frozenset(_NOT_BYLINE_WORDS_TEXT.split())
_DATE_WORDS_TEXT = """
    date dates datetime dateline time timestamp timestamps published publish publishdate pubdate
    posted meta postmeta entrymeta byline datum fecha data tarih tanggal zeit veroffentlicht
    publicado publie updated created stand released release info infos تاريخ
"""
_DATE_WORDS = frozenset(_DATE_WORDS_TEXT.split())
_DATED = re.compile("date|time|publi|posted|meta|fecha|datum|تاريخ")
_MAY_BE_MARK = re.compile(
    f"{_DATED.pattern}|author|byline|autor|auteur|writer|report|vcard|signature|stand"
)
_PERSON_ADDRESS = re.compile(
    r"/(?:author|autor|autor[ei]s?|autoren|auteur|autore|staff|people|person|profile?|by|byline"
    r"|columnist|contributor|writer|reporter|journalist|journaliste|redakteure?|redaktion|firma"
    r"|yazar|yazarlar|penulis)s?/[^/?#]|[?&]author(?:_?name)?=",
    re.I,
)
_LONGEST = 300
"""Characters of a class, id or address that are read."""
_MOST_ELEMENTS = 60_000
_KIND_OF_TAG = {"time": TIME, "address": BYLINE}
_ABOVE, _BELOW = 40, 120
"""Elements above and below the headline in which its date and byline are looked for."""
_LONGEST_LINE = 160
_PARTS_OF_LINE = 8
_RUNNING = 600
"""Characters of running text after which nothing stands near the headline any more."""
_PASSED = frozenset(
    ("html", "head", "body", "script", "style", "link", "meta", "img", "svg", "path", "input")
)
_APART_WORDS = """
    comment comments commentlist respond disqus related recommended recommendations sidebar footer
    nav navbar navigation menu submenu megamenu breadcrumb breadcrumbs newsletter cookie consent
    popular trending promo promos widget widgets carousel slider swiper modal popup teaser teasers
    mostread readmore morestories more latest others othernews
"""
_APART = frozenset(_APART_WORDS.split())
_NOT_ITSELF = re.compile(r"(?:^|[\s_-])(?:no|has|with|without|show|hide|is|not)[_-][\w-]*")


@dataclass(frozen=True, slots=True)
class Mark:
    """One marked element."""

    element: HtmlElement
    place: int
    """Its number among the elements of the page."""
    kind: int


@dataclass(slots=True)
class Marks:
    """The marked elements of a page, and where its headline stands among them."""

    marks: list[Mark] = field(default_factory=list)
    headline: int = -1
    """Place of the headline; -1 where it is not among the elements."""
    around: set[HtmlElement] = field(default_factory=set)
    """The headline and all that it stands in."""
    above: list[HtmlElement] = field(default_factory=list)
    """The elements right above the headline, in page order."""
    below: list[HtmlElement] = field(default_factory=list)
    """The elements right below it."""
    _depths: dict[HtmlElement, int] = field(default_factory=dict)

    def of(self, kind: int, *, asides: bool = False) -> list[Mark]:
        """Return the marks of any of these kinds that may be the article's, best first.

        Nearest to the headline first; what stands above it counts as three times as far away as
        what stands below it. Boxes of other articles, comments and menus are left out.

        Args:
            kind: one or several of them.
            asides: whether what stands in an aside or a footer counts too; it comes last.
        """
        start = max(self.headline, 0)
        found = []
        for mark in self.marks:
            if mark.kind & kind:
                depth = self._depth(mark.element)
                if depth <= asides:
                    far = mark.place - start
                    found.append((depth, far if far >= 0 else -3 * far, mark))
        found.sort(key=lambda f: f[:2])
        return [mark for _, _, mark in found]

    def lines(self) -> Iterator[str]:
        """Yield the short texts right below the headline, then those right above it, nearest first.

        Until running text begins; without boxes of other articles, comments and menus.
        """
        running = 0
        for elements in (self.below, reversed(self.above)):
            read: set[HtmlElement] = set()
            for element in elements:
                if element.tag in _PASSED:
                    continue
                if element.getparent() in read:
                    read.add(element)
                    continue
                if len(element) > _PARTS_OF_LINE:
                    continue
                text = tidy_line(element.text_content()[: 2 * _LONGEST_LINE])
                if text and len(text) <= _LONGEST_LINE:
                    read.add(element)
                    if element not in self.around and self._depth(element) == 0:
                        yield repair(text)
                elif text and not len(element):
                    running += len(text)
                    if running > _RUNNING:
                        break
            running = 0

    def _depth(self, element: HtmlElement) -> int:
        """How far an element stands off the article: 0 in it, 1 in an aside, 2 out of it."""
        depths = self._depths
        chain: list[HtmlElement] = []
        node: HtmlElement | None = element
        while node is not None and node not in depths:
            if node in self.around or node.tag in ("body", "article"):
                break
            chain.append(node)
            node = node.getparent()
        depth = depths.get(node, 0) if node is not None else 0
        for node in reversed(chain):
            depth = depths[node] = max(depth, _off(node))
        return depth


def _off(element: HtmlElement) -> int:
    """How far an element takes what is in it off the article."""
    tag = element.tag
    css, name = element.get("class"), element.get("id")
    if tag in ("nav", "form") or (
        (css or name) and _is_apart((css or "")[:_LONGEST], (name or "")[:_LONGEST])
    ):
        return 2
    return 1 if tag in ("aside", "footer") else 0


def read_marks(tree: HtmlElement, headline: HtmlElement | None) -> Marks:
    """Return what a page marks as bylines and dates.

    Args:
        tree: the page.
        headline: the element that is its headline, if one is.
    """
    found = Marks()
    above: deque[HtmlElement] = deque(maxlen=_ABOVE)
    last = -1
    if headline is not None:
        found.around = {headline, *headline.iterancestors()}
    # One at a time: an object for each element at once takes three times as long.
    for place, element in enumerate(islice(tree.iter(), _MOST_ELEMENTS)):
        if last < 0:
            if element is headline:
                found.headline, last = place, place + _BELOW
            else:
                above.append(element)
        elif place <= last:
            found.below.append(element)
        tag = element.tag
        if tag in _PASSED:
            continue
        kind = _KIND_OF_TAG.get(tag, 0)
        css, name = element.get("class"), element.get("id")
        if css or name:
            kind |= _kind_of((css or "")[:_LONGEST], (name or "")[:_LONGEST])
        if tag == "a":
            address = element.get("href")
            if address and _is_of_person(address[:_LONGEST], (element.get("rel") or "")[:_LONGEST]):
                kind |= AUTHOR_LINK
        if kind:
            found.marks.append(Mark(element, place, kind))
    found.above = list(above) if last >= 0 else []
    return found


@lru_cache(maxsize=16_384)  # the classes of a site are few
def _kind_of(css: str, name: str) -> int:
    text = f"{css[:_LONGEST]} {name[:_LONGEST]}"
    low = text.lower()
    if not _MAY_BE_MARK.search(low):
        return 0
    words = [w.lower() for w in _PARTS.findall(text)]
    kind = 0
    if not _BYLINE_WORDS.isdisjoint(words) and _NOT_BYLINE_WORDS.isdisjoint(words):
        kind |= BYLINE
    if _DATED.search(low) or not _DATE_WORDS.isdisjoint(words):
        kind |= DATED
    return kind


@lru_cache(maxsize=4096)
def _is_of_person(address: str, rel: str | None) -> bool:
    return (rel is not None and "author" in rel.lower()) or bool(_PERSON_ADDRESS.search(address))


@lru_cache(maxsize=16_384)
def _is_apart(css: str, name: str) -> bool:
    text = f"{css[:_LONGEST]} {name[:_LONGEST]}"
    if any(c in text for c in "[(:"):  # utility classes name sizes and states, not what a box is
        text = " ".join(w for w in text.split() if not any(c in w for c in "[(:"))
    text = _NOT_ITSELF.sub(" ", text)
    return not _APART.isdisjoint(w.lower() for w in _PARTS.findall(text))
