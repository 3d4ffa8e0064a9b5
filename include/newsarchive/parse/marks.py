"""Elements that a page marks as bylines or dates by tag, class, id or address, in page order."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from lxml.html import HtmlElement

from newsarchive.parse.body import text_of
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
    r"|yazar|yazarlar|penulis)s?/[^/?#]|[?&]author(?:_?name)?="
)
_LONGEST = 300
"""Characters of a class, id or address that are read."""
_MOST_ELEMENTS = 60_000
_KIND_OF_TAG = {"time": TIME, "address": BYLINE}
NEAR = 160
"""Elements below the headline, or a third of that above it, within which a date is its date."""
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


class Marks:
    """The marked elements of a page, and where its headline stands among them.

    A page is read down to what stands near its headline, and to its end only where that is asked
    for: most pages name author and date near the headline.
    """

    def __init__(self, tree: HtmlElement, headline: HtmlElement | None) -> None:
        """Read a page down to what stands near its headline, or near its top without one.

        Args:
            tree: the page; it must stay as it is from now on.
            headline: the element that is its headline, if one is.
        """
        self.headline = -1
        """Place of the headline; -1 where it is not among the elements."""
        self._marks: list[Mark] = []
        self._depths: dict[HtmlElement, int] = {}
        self._around: set[HtmlElement] = set()  # the headline and all that it stands in
        self._above: deque[HtmlElement] = deque(maxlen=_ABOVE)
        self._walk = self._read(tree)
        if headline is not None:
            self._around = {headline, *headline.iterancestors()}
            for place, element in self._walk:
                if element is headline:
                    self.headline = place
                    break
                self._above.append(element)
        self._below = [element for _, element in islice(self._walk, NEAR)]

    def near(self, kind: int) -> list[Mark]:
        """Return the marks of any of these kinds within NEAR places of the headline, nearest first.

        What stands above it counts as three times as far away as what stands below it. Boxes of
        other articles, comments, menus, asides and footers are left out.

        Args:
            kind: one or several of them.
        """
        return [mark for depth, far, mark in self._sorted(kind) if depth == 0 and far < NEAR]

    def of(self, kind: int, *, asides: bool = False) -> Iterator[Mark]:
        """Yield the marks of any of these kinds that may be the article's: those near, then others.

        Args:
            kind: one or several of them.
            asides: whether what stands in an aside or a footer counts too; it comes last.
        """
        near = self.near(kind)
        yield from near
        for _ in self._walk:  # to the end
            pass
        for depth, _, mark in self._sorted(kind):
            if depth <= asides and mark not in near:
                yield mark

    def _sorted(self, kind: int) -> list[tuple[int, int, Mark]]:
        """The marks that were read, with how far they stand off the article and the headline."""
        start = max(self.headline, 0)
        found = []
        for mark in self._marks:
            if mark.kind & kind:
                far = mark.place - start
                depth = self._depth(mark.element)
                found.append((depth, far if far >= 0 else -3 * far, mark))
        found.sort(key=lambda f: f[:2])
        return found

    def lines(self) -> Iterator[str]:
        """Yield the short texts right below the headline, then those right above it, nearest first.

        Until running text begins; without boxes of other articles, comments and menus.
        """
        running = 0
        for elements in (self._below[:_BELOW], reversed(self._above)):
            read: set[HtmlElement] = set()
            for element in elements:
                if element.tag in _PASSED:
                    continue
                if element.getparent() in read:
                    read.add(element)
                    continue
                if len(element) > _PARTS_OF_LINE:
                    continue
                begin = element.text_content()[: 2 * _LONGEST_LINE]
                text = tidy_line(begin)
                if text and len(text) <= _LONGEST_LINE:
                    read.add(element)
                    if element not in self._around and self._depth(element) == 0:
                        whole = len(element) > 0 and len(begin) < 2 * _LONGEST_LINE
                        yield repair(text_of(element) if whole else text)
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
            if node in self._around or node.tag in ("body", "article"):
                break
            chain.append(node)
            node = node.getparent()
        depth = depths.get(node, 0) if node is not None else 0
        for node in reversed(chain):
            depth = depths[node] = max(depth, _off(node))
        return depth

    def _read(self, tree: HtmlElement) -> Iterator[tuple[int, HtmlElement]]:
        """Yield the elements of a page with their places, and put down those that are marked."""
        # One at a time: an object for each element at once takes three times as long.
        for place, element in enumerate(islice(tree.iter(), _MOST_ELEMENTS)):
            tag = element.tag
            if tag not in _PASSED:
                kind = _KIND_OF_TAG.get(tag, 0)
                css, name = element.get("class"), element.get("id")
                if css or name:
                    kind |= _kind_of((css or "")[:_LONGEST], (name or "")[:_LONGEST])
                if tag == "a":
                    href, rel = element.get("href"), element.get("rel")
                    if href and _is_of_person(href[:_LONGEST], (rel or "")[:_LONGEST]):
                        kind |= AUTHOR_LINK
                if kind:
                    self._marks.append(Mark(element, place, kind))
            yield place, element


def _off(element: HtmlElement) -> int:
    """How far an element takes what is in it off the article."""
    tag = element.tag
    css, name = element.get("class"), element.get("id")
    if tag in ("nav", "form") or (
        (css or name) and _is_apart((css or "")[:_LONGEST], (name or "")[:_LONGEST])
    ):
        return 2
    return 1 if tag in ("aside", "footer") else 0


@lru_cache(maxsize=4096)  # the classes of a site are few
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
    return (rel is not None and "author" in rel.lower()) or bool(
        # In small letters it takes less than half of what ignoring their case does.
        _PERSON_ADDRESS.search(address.lower())
    )


@lru_cache(maxsize=4096)
def _is_apart(css: str, name: str) -> bool:
    text = f"{css[:_LONGEST]} {name[:_LONGEST]}"
    if any(c in text for c in "[(:"):  # utility classes name sizes and states, not what a box is
        text = " ".join(w for w in text.split() if not any(c in w for c in "[(:"))
    text = _NOT_ITSELF.sub(" ", text)
    return not _APART.isdisjoint(w.lower() for w in _PARTS.findall(text))
