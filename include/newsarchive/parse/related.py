"""Boxes that point to other articles, and whole other articles printed in such a box."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from lxml.html import HtmlElement

from newsarchive.parse.body import blocks_of, cut_all, is_aside, is_cut
from newsarchive.parse.borders import Line
from newsarchive.parse.labels import is_related_header
from newsarchive.text.folding import bare
from newsarchive.text.identity import clean_url
from newsarchive.text.repair import tidy_line
from newsarchive.text.words import count_words

_WALLS = frozenset(("html", "body", "main"))
_PARAGRAPH_WORDS = 14
_MOST_POINTERS = 12


@dataclass(slots=True)
class Related:
    """What the page's related boxes hold."""

    pointers: list[str] = field(default_factory=list)
    """Addresses; titles where the page has no links to them; in page order."""
    embedded: list[list[Line]] = field(default_factory=list)
    """Lines of boxes that hold whole articles."""


def take_related(
    tree: HtmlElement, headers: Sequence[HtmlElement], url: str, title: str
) -> Related:
    """Read the boxes under "read also" and the like, and cut them out of the page.

    A box that holds most of the page's text is no box, and stays.

    Args:
        tree: the page; it is changed.
        headers: its elements that begin with such words, in page order.
        url: its address, for links without text.
        title: of the page's own article: a box that has it is none.
    """
    found = Related()
    own = bare(title)
    if not headers:
        return found

    @cache
    def paragraphs() -> list[str]:
        return [p.text_content() for p in tree.iter("p")]

    for header in headers[:40]:
        shown = header.text_content()
        if len(shown) > 80 or not tidy_line(shown) or is_cut(header, tree):
            continue
        box = _box_of(header)
        loose = [] if box is not None else _loose_links(header)
        members = [box] if box is not None else [header, *loose]
        if box is None and not loose:
            continue
        lines = [line for member in members for line in blocks_of(member)]
        lines = [line for line in lines if not is_related_header(line.text)]
        plain = [
            line
            for line in lines
            if not line.link and not line.heading and count_words(line.text) >= _PARAGRAPH_WORDS
        ]
        words = sum(count_words(line.text) for line in plain)
        if any(own and bare(line.text) == own for line in lines) and words > 60:
            continue
        if _holds_article(lines):
            if box is not None and _compare(words, 0.75, paragraphs) < 0:
                found.embedded.append(lines)
                cut_all(members)
            continue
        # Below a headline of its own, linked or not, text belongs to that other article.
        own_headline = box is not None and any(x.heading for x in lines)
        marked = own_headline and box is not None and is_aside(box)
        share = 0.75 if marked else 0.5 if own_headline else 0.3
        if _compare(words, share, paragraphs) > 0:
            continue
        found.pointers += _pointers(members, url)
        cut_all(members)
    found.pointers = list(dict.fromkeys(p for p in found.pointers if bare(p) != own))
    return found


def _compare(words: int, share: float, texts: Callable[[], list[str]]) -> int:
    """Compare words with a share of those of texts: -1 for less, 1 for more.

    Texts are counted no further than that takes: most boxes are links, and have no words.
    """
    if not words:
        return -1
    total = 0
    for text in texts():
        total += count_words(text)
        if words < share * total:
            return -1
    return int(words > share * total)


def _holds_article(lines: list[Line]) -> bool:
    """Whether a heading that is no link stands over paragraphs: a whole article, no teaser."""
    run = words = 0
    under = False
    for line in lines:
        if line.heading or line.link:
            under, run, words = line.heading and not line.link, 0, 0
        elif under and (count := count_words(line.text)) >= _PARAGRAPH_WORDS:
            run, words = run + 1, words + count
            if run >= 2 and words >= 30:
                return True
    return False


def _box_of(header: HtmlElement) -> HtmlElement | None:
    """The widest element that begins with the header and has more in it than the header."""
    box, best = header, None
    text = tidy_line(header.text_content())
    for _ in range(4):
        parent = box.getparent()
        if (
            parent is None
            or parent.tag in _WALLS
            or (parent.tag == "article" and parent.find(".//h1") is not None)
        ):
            break
        whole = parent.text_content()
        if len(whole) > 20_000 or not tidy_line(whole[: len(text) * 3 + 400]).startswith(text[:40]):
            break
        box = parent
        if len(tidy_line(whole)) > len(text) + 5:
            best = box
            if box.find(".//a") is not None or box.tag in ("aside", "section", "article"):
                break
    if best is None and header.find(".//a") is not None and len(text) > 60:
        return header
    return best


def _loose_links(header: HtmlElement) -> list[HtmlElement]:
    """Lists and paragraphs of nothing but links that follow a header without a box."""
    start = header
    while (
        start.getnext() is None
        and start.getparent() is not None
        and start.getparent().tag in ("p", "div", "strong", "span", "b")
    ):
        if tidy_line(start.getparent().text_content()) != tidy_line(header.text_content()):
            break
        start = start.getparent()
    found: list[HtmlElement] = []
    follower = start.getnext()
    while follower is not None and len(found) < _MOST_POINTERS:
        if isinstance(follower.tag, str):
            text = "".join(tidy_line(follower.text_content()).split())
            linked = "".join(
                "".join(tidy_line(a.text_content()).split()) for a in follower.iter("a")
            )
            if not text or len(linked) < 0.9 * len(text) or len(text) > 1500:
                break
            found.append(follower)
        follower = follower.getnext()
    return found


def _pointers(members: list[HtmlElement], url: str) -> list[str]:
    """Addresses of the links in a box; where it has no links, its short lines."""
    found: dict[str, None] = {}
    for member in members:
        for a in member.iter("a"):
            address = clean_url(a.get("href") or "", url)
            text = tidy_line(a.text_content())
            if address and address != url and not is_related_header(text) and _is_headline(text, a):
                found.setdefault(address)
    if not found:
        for member in members:
            for line in blocks_of(member):
                if 3 <= len(line.text.split()) <= 28 and not is_related_header(line.text):
                    found.setdefault(line.text)
    return list(found)[:_MOST_POINTERS]


def _is_headline(text: str, a: HtmlElement) -> bool:
    """Whether a link's text is a headline, or a picture; no section's or author's name."""
    return len(text.split()) >= 3 or len(text) >= 14 or (not text and a.find(".//img") is not None)
