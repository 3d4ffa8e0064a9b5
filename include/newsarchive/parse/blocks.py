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
_SMALL_NAMES = re.compile(r"[a-z]{2,}")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_LONGEST_NAMES = 200
"""Characters of a class or id that are read."""
_MOST_BLOCKS = 20_000
"""Blocks of a page that are read; what comes behind them is no article."""


@dataclass(slots=True)
class Boxes:
    """Elements that set their text apart from what is around them: a list for each field."""

    tags: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    """The place of each one's parent among the boxes; -1 for the first."""
    depths: list[int] = field(default_factory=list)
    names: list[list[int]] = field(default_factory=list)
    """Numbers of the words of its class, id, role and itemprop, as they come, and of its tag."""
    hidden: list[bool] = field(default_factory=list)
    """Whether it, or a box around it, is not shown."""
    headings: list[bool] = field(default_factory=list)
    """Whether it, or a box around it, is a heading."""
    forms: list[int] = field(default_factory=list)
    """Same for boxes of the same tags and classes all the way up."""
    firsts: list[int] = field(default_factory=list)
    """The text of each begins with this block."""
    elements: list[HtmlElement] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """The text of each ends before this block."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.tags)


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
    boxes: Boxes = field(default_factory=Boxes)


def read_blocks(root: HtmlElement) -> Blocks:
    """Return the blocks of an element, in one walk.

    Scripts, buttons and the like are left out; hidden text is in, and marked by its box.

    Args:
        root: the body of a page; it is left as it is.
    """
    blocks: list[Block] = []
    rows: list[_Box] = []
    ends: list[int] = []
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
                rows.append(_box_of(element, tag, box, rows, forms, len(blocks)))
                box = len(ends)
                ends.append(-1)
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
                ends[box] = len(blocks)
                box = rows[box][1]  # its parent
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
    for place, end in enumerate(ends):
        if end < 0:
            ends[place] = len(blocks)
    boxes = Boxes(*map(list, zip(*rows, strict=True))) if rows else Boxes()
    boxes.ends = ends
    return Blocks(blocks, boxes)


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


_Box = tuple[str, int, int, list[int], bool, bool, int, int, HtmlElement]
"""What Boxes has of one, in its order, but for where it ends: known only later."""


def _box_of(
    element: HtmlElement,
    tag: str,
    parent: int,
    boxes: list[_Box],
    forms: dict[tuple[int, str, str | None], int],
    first: int,
) -> _Box:
    names: list[int] = []
    css: str | None = None
    hidden, heading, form, depth = False, tag in HEADINGS, -1, 0
    if parent >= 0:
        _, _, depth, _, hidden, above, form, _, _ = boxes[parent]
        depth += 1
        heading = heading or above
    for key, value in element.items():
        if key == "class":
            css = value
            names += _box_names(value[:_LONGEST_NAMES])
        elif key == "id":
            names += _box_names(value[:_LONGEST_NAMES])
        elif key in ("role", "itemprop"):
            names.append(_name_of_box(f"{key}:{value[:30].lower()}"))
        elif key == "style":
            hidden = hidden or _HIDDEN_STYLE.search(value) is not None
        elif key == "hidden":
            hidden = True
    form = forms.setdefault((form, tag, css), len(forms))
    tag = tag[:_LONGEST_NAMES]
    names.append(_tag_number(tag))
    return tag, parent, depth, names, hidden, heading, form, first, element


_name_of_box, _name_within, _tag_number = map(numbers_of, "cit")


@remembered(4096)  # the classes of a site are few
def _box_names(css: str) -> list[int]:
    return list(map(_name_of_box, _names(css)))


@remembered(4096)
def _inner_names(css: str) -> list[int]:
    return list(map(_name_within, _names(css)))


def _names(css: str) -> Iterable[str]:
    """The words of a class or id, each once."""
    if css.islower():  # as most are: one kind of letter is found faster
        return dict.fromkeys(_SMALL_NAMES.findall(css))
    return dict.fromkeys(map(str.lower, _NAMES.findall(css)))
