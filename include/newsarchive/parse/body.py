"""The body of an article, by the source's rule or by what was learned; lines of elements."""

import functools
import html as html_text
import logging
import re
from collections.abc import Iterable, Sequence

import lxml.etree
import lxml.html
from lxml.html import HtmlElement

from newsarchive.parse.borders import Line
from newsarchive.text.repair import repair, tidy_line
from newsarchive.text.words import count_words

log = logging.getLogger(__name__)

_BLOCKS_WORDS = """
    address article aside blockquote body center dd details dialog div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section
    table tbody td tfoot th thead tr ul summary
"""
_BLOCKS = frozenset(_BLOCKS_WORDS.split())
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6", "head"])
_UNSEEN_WORDS = """
    script style noscript template svg iframe button select textarea input object embed head
"""
_UNSEEN = frozenset(_UNSEEN_WORDS.split())
_SPACE = re.compile(r"\s+")
_TIME_AT_AN_END = re.compile("^[\\s\x00]*\x01[^\x02]*\x02|\x01[^\x01]*\x02[\\s\x00]*$")


def rule_lines(elements: Iterable[HtmlElement]) -> list[Line]:
    """Return the blocks of text in elements that a source's rule names.

    Args:
        elements: in page order; an element inside another of them is read once.
    """
    chosen = list(elements)
    inside = {id(d) for e in chosen for d in e.iterdescendants()}
    return [line for e in chosen if id(e) not in inside for line in blocks_of(e)]


def blocks_of(element: HtmlElement) -> list[Line]:
    """Return the text of an element, a line per block, as a reader sees it.

    Scripts, buttons, hidden elements and the like are left out.

    Args:
        element: where to begin.
    """
    lines: list[Line] = []
    parts: list[str] = []
    state = {"heading": False, "linked": 0}

    def flush() -> None:
        text = tidy_line("".join(parts))
        if text:
            linked = state["linked"] >= 0.9 * len(_SPACE.sub("", text))
            lines.append(Line(repair(text), heading=bool(state["heading"]), link=linked))
        parts.clear()
        state["linked"] = 0

    def walk(start: HtmlElement) -> None:
        # Without recursion: pages nest deeper than Python's stack.
        stack: list[tuple[HtmlElement, bool]] = [(start, False)]
        link_depth = heading_depth = 0
        while stack:
            node, leaving = stack.pop()
            tag = node.tag if isinstance(node.tag, str) else None
            if leaving:
                if tag == "a":
                    link_depth -= 1
                if tag in _BLOCKS:
                    flush()
                if tag in _HEADINGS:
                    heading_depth -= 1
                    state["heading"] = heading_depth > 0
                if node is not start and node.tail:
                    add(node.tail, link_depth)
                continue
            if tag is None or tag in _UNSEEN or _is_hidden(node):
                if node is not start and node.tail:
                    add(node.tail, link_depth)
                continue
            if tag in _BLOCKS:
                flush()
            if tag in _HEADINGS:
                heading_depth += 1
                state["heading"] = True
            if tag == "a":
                link_depth += 1
            if tag == "br":
                flush()
            if node.text:
                add(node.text, link_depth)
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node))

    def add(text: str, link_depth: int) -> None:
        parts.append(text)
        if link_depth:
            state["linked"] += len(_SPACE.sub("", text))

    walk(element)
    flush()
    return lines


def text_of(element: HtmlElement) -> str:
    """Return the text of an element as one line, with spaces where markup sets parts apart."""
    return _one_line(_marked_text(element))


def heading_of(element: HtmlElement) -> str:
    """Return the text of a heading, without a `time` that it begins or ends with.

    That is the article's date.
    """
    return _one_line(_TIME_AT_AN_END.sub("", _marked_text(element)))


def _marked_text(element: HtmlElement) -> str:
    """The text of an element, with characters 1 and 2 around a time, and 0 where a part begins."""
    if not len(element):
        return element.text or ""
    parts: list[str] = []
    for event, node in lxml.etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        tag = node.tag
        opens = event == "start"
        if tag in _BLOCKS or tag == "br":
            parts.append(" ")
        elif tag in ("span", "small"):
            parts.append("\x00" if opens else "")
        elif tag == "time":
            parts.append("\x01" if opens else "\x02")
        if opens:
            if tag not in _UNSEEN and node.text:
                parts.append(node.text)
        elif node is not element and node.tail:
            parts.append(node.tail)
    return "".join(parts)


def _one_line(marked: str) -> str:
    text = marked.replace("\x01", "\x00").replace("\x02", "")
    # A span in the middle of a word is style; one after a finished word, before a capital or
    # another script, is a part.
    text = re.sub(r"(?<=[^\s\x00])\x00+(?=[^\W\d_a-z])", " ", text).replace("\x00", "")
    return tidy_line(html_text.unescape(text) if "&" in text else text)


def markup_lines(text: str) -> list[Line]:
    """Return the paragraphs of a JSON-LD articleBody: plain text or, on some sites, markup."""
    text = html_text.unescape(text)
    if re.search(r"</?(?:p|div|br|span|a|strong)\b[^>]*>", text, re.I):
        try:
            return blocks_of(lxml.html.fragment_fromstring(text, create_parent="div"))
        except (lxml.etree.LxmlError, ValueError, AssertionError) as error:
            log.debug("articleBody is no markup after all: %r", error)
    return [Line(line) for raw in repair(text).split("\n") if (line := tidy_line(raw))]


def words_in(lines: Sequence[Line]) -> int:
    """Return the words in lines."""
    return sum(count_words(line.text) for line in lines)


_NAME_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]{2,}")
_ASIDE_WORDS = """
    comment footer nav menu sidebar related cookie consent share social newsletter breadcrumb
"""
_ASIDE = frozenset(form for word in _ASIDE_WORDS.split() for form in (word, word + "s"))


def is_aside(element: HtmlElement) -> bool:
    """Say whether an element stands beside an article, by tag, class or id: comments, footer."""
    if element.tag in ("nav", "footer", "aside", "form"):
        return True
    css, name = element.get("class"), element.get("id")
    return (css is not None or name is not None) and _marks_aside(
        (css or "")[:300], (name or "")[:300]
    )


@functools.lru_cache(maxsize=4096)  # the classes of a site are few
def _marks_aside(css: str, name: str) -> bool:
    words = f"{css} {name}"[:300].lower().replace("-", " ").replace("_", " ").split()
    return not _ASIDE.isdisjoint(words)


_OTHER_WORDS = """
    comments commentlist commentaires comentarios kommentare komentarze yorumlar reacties disqus
    related recommended recommendations taboola outbrain
    caption captions infobox factbox
"""
_OTHERS = frozenset(_OTHER_WORDS.split())
_SAYING_WORDS = "no has with open closed enabled disabled count link links off on"
_SAYING = frozenset(_SAYING_WORDS.split())
"""Beside one of _OTHERS they say something of it, not that it is here."""


def is_of_others(element: HtmlElement) -> bool:
    """Say whether an element within a text is no part of it, by tag, class or id.

    It holds what readers wrote, other articles, a caption, or a box of facts. Fewer are told than
    by `is_aside`: what holds a text is often named after its share bar or its sidebar.
    """
    return element.tag in ("aside", "footer", "figcaption") or _marks_others(
        f"{element.get('class') or ''} {element.get('id') or ''}"[:300]
    )


@functools.lru_cache(maxsize=4096)  # the classes of a site are few
def _marks_others(names: str) -> bool:
    words = {word.lower() for word in _NAME_WORDS.findall(names)}
    return not _OTHERS.isdisjoint(words) and _SAYING.isdisjoint(words)


def _is_hidden(element: HtmlElement) -> bool:
    style = element.get("style")
    return element.get("hidden") is not None or bool(
        style and re.search(r"display\s*:\s*none", style, re.I)
    )


def cut_all(elements: Iterable[HtmlElement]) -> None:
    """Cut elements out of their page; their tails stay."""
    for element in list(elements):
        if element.getparent() is not None:
            element.drop_tree()


def is_cut(element: HtmlElement, tree: HtmlElement) -> bool:
    """Say whether an element was cut out of its page, by itself or in another."""
    top = element
    for ancestor in element.iterancestors():
        top = ancestor  # the last one counts
    return top is not tree.getroottree().getroot()
