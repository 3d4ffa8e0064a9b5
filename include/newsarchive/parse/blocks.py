"""A page as its readers see it: blocks of text in page order, and the boxes that they stand in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from newsarchive.parse.tokens import numbers_of
from newsarchive.text.remember import remembered

_BOX_WORDS = """
    address article aside blockquote body caption center dd details dialog div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html label legend li main
    menu nav ol p pre search section summary table tbody td tfoot th thead tr ul
"""
_UNSEEN_WORDS = """
    script style noscript template svg math iframe button select option textarea input object
    embed head canvas audio video map datalist meter progress
"""
_INLINE_WORDS = """
    abbr acronym bdi bdo big cite code del dfn em font i img ins kbd link mark meta path picture q s
    samp small source span strike sub sup time tt u use var wbr
"""
_BOX, _UNSEEN, _BREAK, _LINK, _BOLD, _INLINE = range(1, 7)
_KINDS = (
    dict.fromkeys(_BOX_WORDS.split(), _BOX)
    | dict.fromkeys(_UNSEEN_WORDS.split(), _UNSEEN)
    | dict.fromkeys(_INLINE_WORDS.split(), _INLINE)
    | {"br": _BREAK, "a": _LINK, "b": _BOLD, "strong": _BOLD}
)
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_NAMES = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_LONGEST_NAMES = 200
"""Characters of a class or id that are read."""
_MOST_BLOCKS = 20_000
"""Blocks of a page that are read; what comes behind them is no article."""


@dataclass(slots=True)
class Box:
    """An element that sets its text apart from what is around it."""

    tag: str
    parent: int
    """Its parent's place among the boxes; -1 for the first."""
    depth: int
    names: list[int]
    """Numbers of the words of its class, of its id, its role and itemprop, as they come."""
    hidden: bool
    """Whether it, or a box around it, is not shown."""
    heading: bool
    """Whether it, or a box around it, is a heading."""
    form: int
    """Same for boxes of the same tags and classes all the way up."""
    first: int
    """Its text begins with this block ..."""
    end: int
    """... and ends before this one."""
    element: HtmlElement


@dataclass(slots=True)
class Block:
    """Text that stands together: a paragraph, a heading, a link of a menu."""

    text: str
    """One line, white space made single spaces; not repaired yet."""
    box: int
    """The place of the innermost box around it."""
    linked: int
    """Characters of it that are links, white space left out."""
    bold: int
    """Characters of it that are bold, white space left out."""
    names: Sequence[int]
    """Numbers of the words of the classes of the elements inside it."""


@dataclass(slots=True)
class Blocks:
    """The blocks of a page and their boxes, both in page order."""

    blocks: list[Block] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


def read_blocks(root: HtmlElement) -> Blocks:
    """Return the blocks of an element, in one walk.

    Scripts, buttons and the like are left out; hidden text is in, and marked by its box.

    Args:
        root: the body of a page; it is left as it is.
    """
    found = Blocks()
    blocks, boxes = found.blocks, found.boxes
    forms: dict[tuple[int, str, str | None], int] = {}
    parts: list[str] = []
    inner: list[str] = []
    box, linked, bold = -1, 0, 0
    links = bolds = 0
    spaced = False  # white space stands before the text that is to come, as between most boxes
    kinds = _KINDS.get
    opened: list[int] = []  # kinds of the elements around
    walk = iterwalk(root, events=("start", "end"))
    for event, element in walk:
        starts = event == "start"
        if starts:
            tag = element.tag
            kind = kinds(tag) or _kind_of(tag)
            opened.append(kind)
        else:
            kind = opened.pop()
        if kind == _BOX or (kind == _BREAK and starts):
            if parts:
                _flush(blocks, parts, box, linked, bold, inner)
            elif spaced and inner:
                inner.clear()
            linked = bold = 0
            spaced = False
        if starts:
            if kind == _BOX:
                if len(blocks) > _MOST_BLOCKS:
                    break
                boxes.append(_box_of(element, tag, box, boxes, forms, len(blocks)))
                box = len(boxes) - 1
            elif kind == _UNSEEN:
                walk.skip_subtree()
                continue
            elif kind != _BREAK:
                if kind == _LINK:
                    links += 1
                elif kind == _BOLD:
                    bolds += 1
                css = element.get("class")
                if css:
                    inner.append(css[:_LONGEST_NAMES])
            text = element.text
        else:
            if kind == _BOX:
                left = boxes[box]
                left.end = len(blocks)
                box = left.parent
            elif kind == _LINK:
                links -= 1
            elif kind == _BOLD:
                bolds -= 1
            if not opened:
                break
            text = element.tail
        if text:
            if not parts and text.isspace():
                spaced = True
                continue
            parts.append(text)
            if links or bolds:
                size = len("".join(text.split()))
                if links:
                    linked += size
                if bolds:
                    bold += size
    if parts:
        _flush(blocks, parts, box, linked, bold, inner)
    for left in boxes:
        if left.end < left.first:
            left.end = len(blocks)
    return found


def _kind_of(tag: object) -> int:
    """What an element is that HTML does not know: one that the page defines itself, a comment."""
    if not isinstance(tag, str):
        return _UNSEEN
    return _BOX if "-" in tag else _INLINE


def _flush(
    blocks: list[Block], parts: list[str], box: int, linked: int, bold: int, inner: list[str]
) -> None:
    text = " ".join("".join(parts).split())
    parts.clear()
    if text:
        names = _inner_names(" ".join(inner)) if inner else ()
        blocks.append(Block(text, box, linked, bold, names))
    if inner:
        inner.clear()


def _box_of(
    element: HtmlElement,
    tag: str,
    parent: int,
    boxes: list[Box],
    forms: dict[tuple[int, str, str | None], int],
    first: int,
) -> Box:
    names: list[int] = []
    css: str | None = None
    if parent >= 0:
        outer = boxes[parent]
        hidden, heading = outer.hidden, outer.heading or tag in HEADINGS
        above, depth = outer.form, outer.depth + 1
    else:
        hidden, heading = False, tag in HEADINGS
        above, depth = -1, 0
    for key, value in element.items():
        if key == "class":
            css = value
            names = [*names, *_box_names(value[:_LONGEST_NAMES])]
        elif key == "id":
            names = [*names, *_box_names(value[:_LONGEST_NAMES])]
        elif key in ("role", "itemprop"):
            names = [*names, _name_of_box(f"{key}:{value[:30].lower()}")]
        elif key == "style":
            hidden = hidden or _HIDDEN_STYLE.search(value) is not None
        elif key == "hidden":
            hidden = True
    form = forms.setdefault((above, tag, css), len(forms))
    tag = tag[:_LONGEST_NAMES]
    return Box(tag, parent, depth, names, hidden, heading, form, first, -1, element)


_name_of_box, _name_within = numbers_of("c"), numbers_of("i")


@remembered(16_384)  # the classes of a site are few
def _box_names(css: str) -> list[int]:
    return list(map(_name_of_box, _names(css)))


@remembered(16_384)
def _inner_names(css: str) -> list[int]:
    return list(map(_name_within, _names(css)))


def _names(css: str) -> Iterable[str]:
    """The words of a class or id, each once."""
    return dict.fromkeys(map(str.lower, _NAMES.findall(css)))
