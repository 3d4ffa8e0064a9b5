"""What a page shows and claims, from which the text of its article is chosen."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress, pairwise

import numpy as np
from lxml.html import HtmlElement
from numpy.typing import NDArray

from newsarchive.parse.blocks import Block, Blocks, Boxes, read_blocks
from newsarchive.parse.body import is_aside, is_of_others
from newsarchive.parse.borders import Line
from newsarchive.parse.evidence import Page
from newsarchive.parse.features import Claims, Floats, measure
from newsarchive.parse.learned import load_model
from newsarchive.parse.structured import as_texts
from newsarchive.text.folding import bare, may_begin
from newsarchive.text.repair import repair

CHOSEN = 0.5
"""How likely a block must be text of the article, to be taken for it."""
_LEAST_CHARS = 60
"""Below this the likeliest blocks but the headline are taken too, if they are not all unlikely."""
_UNLIKELY = 0.1
_DOUBTFUL = 0.3
"""How likely a block must be between others that are taken, in a guide."""
_SUBHEADINGS = frozenset(("h2", "h3", "h4"))
_OF_GUIDE = 3
"""Headings in a text that make it a guide, with its lists, tables and steps."""
_GAP = 40
"""Blocks, within which what stands between two others that are taken belongs to them."""
_EXPECTED = (0.70, 0.89, 0.93, 0.96, 0.973, 0.982, 0.989, 0.995)
_SEEN = (0.67, 0.80, 0.87, 0.91, 0.94, 0.95, 0.97, 0.99)
"""The F1 of texts, against what was expected of them: 1,795 labelled pages, held back by host."""
_APART = 10
"""Blocks between two parts of what is taken, beyond which the smaller one stands apart."""
_SURE = 0.7
"""How likely it must be then, in the mean of its characters."""
_BEGINNING = 100
"""Characters of a text, behind which what is of others may stand."""
_DESCRIPTIONS = ("og:description", "description", "twitter:description")


@dataclass(frozen=True, slots=True)
class Shown:
    """The blocks of a page, and what it says of itself."""

    blocks: Blocks
    claims: Claims


def shown_of(page: Page) -> Shown:
    """Return what a page shows.

    Args:
        page: with its title found; what is not to be read cut out.
    """
    body = page.tree.find("body")
    blocks = read_blocks(body if body is not None else page.tree)
    said = page.said
    description = said.first(*_DESCRIPTIONS) or next(
        iter(as_texts(said.article.get("description"))), ""
    )
    stated = said.article.get("articleBody")
    claims = Claims(
        page.title,
        _title_block(page, blocks),
        description,
        stated if isinstance(stated, str) else "",
    )
    return Shown(blocks, claims)


@dataclass(frozen=True, slots=True)
class Text:
    """The blocks that are the text of the article; none where none is likely."""

    lines: list[Line]
    confidence: float
    """How much of it is right and whole, 0 to 1: the F1 that such texts had."""


def text_of(shown: Shown) -> Text:
    """Return the text of the article, as far as what was learned tells it."""
    blocks = shown.blocks.blocks
    if not blocks:
        return Text([], 0.0)
    chances = load_model().probabilities(measure(shown.blocks, shown.claims))
    _leave_others(shown, chances)
    chosen = chances >= CHOSEN
    sizes = np.fromiter((len(b.text) for b in blocks), np.float32, len(blocks))
    if sizes[chosen].sum() < _LEAST_CHARS:
        title = shown.claims.title_block
        below = np.delete(chances, title) if title >= 0 and len(chances) > 1 else chances
        chosen = chances >= max(_UNLIKELY, below.max() / 2)
    _take_between(shown.blocks, chances, chosen)
    _leave_apart(sizes, chances, chosen)
    # What each block is likely to add to the text, and what is likely to be missing from it.
    right = float((sizes * chances)[chosen].sum())
    expected = 2 * right / max(1.0, float(sizes[chosen].sum() + (sizes * chances).sum()))
    return Text(
        _lines(compress(blocks, chosen), shown.blocks.boxes),
        round(float(np.interp(expected, _EXPECTED, _SEEN)), 2),
    )


def _leave_others(shown: Shown, chances: Floats) -> None:
    """Make unlikely what is marked as of others: below a short article it looks like more of it."""
    blocks, boxes = shown.blocks.blocks, shown.blocks.boxes
    seen, before = {-1}, 0
    for place in np.flatnonzero(chances >= CHOSEN).tolist():
        box = blocks[place].box
        while box not in seen:
            seen.add(box)
            first, end = boxes.firsts[box], boxes.ends[box]
            # Some name what the article itself stands in after what follows it.
            if (
                before >= _BEGINNING
                and not first <= shown.claims.title_block < end
                and is_of_others(boxes.elements[box])
            ):
                chances[first:end] = 0
            box = boxes.parents[box]
        if chances[place] > 0:
            before += len(blocks[place].text)


def _take_between(page: Blocks, chances: Floats, chosen: NDArray[np.bool_]) -> None:
    """Choose what is doubtful between what is chosen, in a guide: news has no such parts."""
    tags = [*page.boxes.tags, ""]  # the last, at -1, of what stands in no box
    taken = compress(page.blocks, chosen)
    if sum(tags[block.box] in _SUBHEADINGS for block in taken) < _OF_GUIDE:
        return
    for first, after in pairwise(np.flatnonzero(chosen).tolist()):
        if 1 < after - first <= _GAP:
            chosen[first + 1 : after] |= chances[first + 1 : after] >= _DOUBTFUL


def _leave_apart(sizes: Floats, chances: Floats, chosen: NDArray[np.bool_]) -> None:
    """Take back what stands apart from the text and is not sure to belong to it."""
    places = np.flatnonzero(chosen)
    parts = np.split(places, np.flatnonzero(np.diff(places) > _APART) + 1)
    largest = max(sizes[part].sum() for part in parts)
    for part in parts:
        size = sizes[part].sum()
        if size < largest and (sizes * chances)[part].sum() < _SURE * size:
            chosen[part] = False


def lines_around(shown: Shown, title: HtmlElement | None) -> list[Line]:
    """Return the blocks that are seen and do not stand beside the article.

    Args:
        shown: what the page shows.
        title: its headline's element: what that stands in is never beside.
    """
    around = {title, *title.iterancestors()} if title is not None else set()
    beside: list[bool] = []
    boxes = shown.blocks.boxes
    for parent, hidden, first, end, element in zip(
        boxes.parents, boxes.hidden, boxes.firsts, boxes.ends, boxes.elements, strict=True
    ):
        off = (parent >= 0 and beside[parent]) or hidden
        # Of a box without text it does not matter: pages have hundreds.
        off = off or (first < end and is_aside(element))
        beside.append(off and element not in around)
    beside.append(False)  # the last, at -1, is of what stands in no box
    return _lines((b for b in shown.blocks.blocks if not beside[b.box]), boxes)


def _lines(blocks: Iterable[Block], boxes: Boxes) -> list[Line]:
    lines = []
    for block in blocks:
        shown = text = block.text
        # Most lines are plain: there is nothing to mend in letters that ASCII has.
        if not (text.isascii() and text.isprintable()):
            text = repair(text)
            if not text:
                continue
        heading = block.box >= 0 and boxes.headings[block.box]
        link = block.linked > 0 and block.linked >= 0.9 * len(shown.replace(" ", ""))
        lines.append(Line(text, False, heading, link))
    return lines


def _title_block(page: Page, shown: Blocks) -> int:
    """Place of the block that is the headline; -1 where none is."""
    if page.title_element is not None:
        boxes = shown.boxes
        for place, element in enumerate(boxes.elements):
            if element is page.title_element:
                first = boxes.firsts[place]
                return first if first < boxes.ends[place] else -1
    own = bare(page.title)
    if own:
        for n, block in enumerate(shown.blocks):
            if (
                abs(len(block.text) - len(page.title)) <= 40
                and may_begin(block.text, own)
                and bare(block.text) == own
            ):
                return n
    return -1
