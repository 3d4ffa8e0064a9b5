"""What is measured of each block of a page, to tell the text of an article from what is around it.

Everything is counted over the whole page at once: pages have thousands of blocks.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain, count, repeat
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from newsarchive.parse.blocks import HEADINGS, Blocks
from newsarchive.parse.tokens import numbers_of, word_numbers

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
F = TypeVar("F", np.float32, np.float64)

TAGS = (
    "p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "td", "th", "dd", "dt", "blockquote",
    "figcaption", "article", "section", "header", "footer", "aside", "pre", "body", "label", "form",
)  # fmt: skip
AROUND = (
    "article", "main", "aside", "nav", "footer", "header", "form", "table", "ul", "ol", "figure",
    "blockquote", "section", "li", "p", "h1", "h2", "h3",
)  # fmt: skip
_TAG_PLACE = {tag: n for n, tag in enumerate(TAGS)}
_AROUND_FLAGS = {name: 1 << k for k, name in enumerate(AROUND)}
_LEVELS = 4
_SHORT_WORDS = 20
"""Of blocks up to this long the words themselves are evidence: "Share", "Read also"."""
_MOST_COMPARED = 80
"""Words of a block that is held against title and description."""
_WORD = re.compile(r"\w+")
_BULLETS = frozenset("-*\u2013\u2014\u2022\u00b7\u25cf\u25a0\u25aa\u25ba>|\u00bb")
_QUOTES = frozenset("\"'\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019\u300c\u300d")
_ENDS = frozenset(".!?\u3002\uff01\uff1f\u061f\u2026\u06d4\u0964")
_COLONS = frozenset(":\uff1a")
_CLOSERS = "\"'\u201d\u2019\u00bb)\u300d]"
_UPPER_BITS, _LOWER_BITS = 16, 15
_BLANK, _LINE_END = ord(" "), ord("\n")
# Classes of characters, one bit each.
_SPACE, _LETTER, _UPPER, _DIGIT, _SINGLE, _COMMA, _STOP = (1 << n for n in range(7))


@dataclass(frozen=True, slots=True)
class Claims:
    """What a page says of itself, against which its blocks are held."""

    title: str = ""
    title_block: int = -1
    """Place of the block that is the headline; -1 where none is."""
    description: str = ""
    body: str = ""
    """The articleBody of its JSON-LD, as written."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Hashed words that name or fill blocks: of boxes' classes, of short texts."""

    boxes: Ints
    """Shape (k, 2): place of a box, hash of one of its names."""
    blocks: Ints
    """Shape (m, 2): place of a block, hash of one of its words, or of its inner names."""


@dataclass(frozen=True, slots=True)
class Features:
    """The measures of one page."""

    values: Floats
    """Shape (blocks, measures), by columns; counts as they are or as log1p, shares from 0 to 1."""
    tokens: Tokens
    levels: Ints
    """Shape (3, blocks): the box of each block, its parent and grandparent; -1 above the top."""
    spans: Ints
    """Shape (boxes, 2): first block of each box, and the one after its last."""


class Vocabulary:
    """Hashes of known names and words."""

    def __init__(self, hashes: Ints) -> None:
        """Take hashes of 31 bits, ascending."""
        # By their upper bits: a page's thousands of tokens are found in half of the time that
        # halving takes, as few hashes have the same ones.
        bounds = np.searchsorted(hashes, np.arange(1 << _UPPER_BITS) << _LOWER_BITS)
        self._starts = bounds.astype(np.int32)
        self._most = int(np.diff(bounds, append=len(hashes)).max())
        self._hashes = np.append(hashes, np.full(self._most, -1, np.int32))  # to look beyond

    def known(self, tokens: Ints) -> Ints:
        """Return the tokens that are known, with their places among the hashes in place of theirs.

        Args:
            tokens: shape (k, 2), as Tokens has them.
        """
        numbers = tokens[:, 1]
        places = self._starts[numbers >> _LOWER_BITS]
        for _ in range(self._most - 1):
            places = places + (self._hashes[places] < numbers)
        there = self._hashes[places] == numbers
        found = np.empty((np.count_nonzero(there), 2), np.int32)
        found[:, 0], found[:, 1] = tokens[there, 0], places[there]
        return found


def spread(of_boxes: NDArray[F], spans: Ints, blocks: int) -> NDArray[F]:
    """Return for each block the sum of what the boxes around it have.

    Args:
        of_boxes: shape (boxes, ...), of which few are not 0.
        spans: as in Features.
        blocks: how many.
    """
    width = prod(of_boxes.shape[1:])
    rows = of_boxes.reshape(len(of_boxes), width)
    some = rows.any(axis=1)
    added = rows[some].ravel()
    # All as one row, which NumPy adds to by index much faster than to several.
    places = spans[some, :, None] * width + np.arange(width)
    # What a box adds it adds from its first block on, and takes back behind its last.
    change = np.zeros((blocks + 1) * width, of_boxes.dtype)
    np.add.at(change, places[:, 0].ravel(), added)
    np.subtract.at(change, places[:, 1].ravel(), added)
    return np.cumsum(change.reshape(blocks + 1, *of_boxes.shape[1:]), axis=0)[:blocks]


def measure(page: Blocks, claims: Claims) -> Features:
    """Return the measures of all blocks of a page.

    Args:
        page: with one block at least.
        claims: what the page says of itself.
    """
    return _Measuring(page, claims).features()


@cache
def _classes() -> NDArray[np.uint8]:
    """Classes of the characters of the basic plane, by code point."""
    table = np.zeros(0x10000, np.uint8)
    for code in range(0x10000):
        char = chr(code)
        kind = unicodedata.category(char)
        bits = 0
        if kind[0] == "L" or kind in ("Mn", "Mc"):
            bits = _LETTER
            if kind in ("Lu", "Lt"):
                bits |= _UPPER
        elif kind == "Nd":
            bits = _LETTER | _DIGIT
        elif char.isspace():
            bits = _SPACE
        if _is_single(code):
            bits |= _SINGLE
        if char in ",\uff0c\u060c\u3001":
            bits |= _COMMA
        if char in ".!?\u3002\uff01\uff1f\u061f\u2026\u06d4\u0964:;":
            bits |= _STOP
        table[code] = bits
    return table


@cache
def _word_characters() -> NDArray[np.uint32]:
    """Characters of the basic plane, by code point: those of words as they are, others blanks."""
    table = np.full(0x10000, _BLANK, np.uint32)
    words = [code for code in range(0xFFFF) if _WORD.match(chr(code))]
    table[words] = words
    return table


def _flags(values: Iterable[bool], count: int) -> NDArray[np.bool_]:
    """Return so many truth values as an array; of a list it takes longer."""
    return np.fromiter(values, np.bool_, count)


def _codes_of(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _is_single(code: int) -> bool:
    """Whether a character counts as a word: scripts without spaces."""
    return (
        0x3040 <= code <= 0x30FF
        or 0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0x0E00 <= code <= 0x0EFF
        or 0x1000 <= code <= 0x109F
        or 0x1780 <= code <= 0x17FF
    )


class _Measuring:
    def __init__(self, page: Blocks, claims: Claims) -> None:
        self.page = page
        self.claims = claims
        self.texts = [b.text for b in page.blocks]
        self.n = len(self.texts)
        self.columns: list[NDArray[np.generic]] = []
        boxes = page.boxes
        self.box = np.array([b.box for b in page.blocks], np.int32)
        self.parent = np.array(boxes.parents, np.int32)
        self.depth = np.array(boxes.depths, np.int32)
        self.spans = np.empty((len(boxes), 2), np.int32)
        self.spans[:, 0] = boxes.firsts
        self.spans[:, 1] = boxes.ends
        levels = [self.box]
        for _ in range(_LEVELS - 1):
            last = levels[-1]
            levels.append(
                np.where(last >= 0, self.parent[np.maximum(last, 0)], -1).astype(np.int32)
            )
        self.levels = np.stack(levels)

    def add(self, *columns: NDArray[np.generic]) -> None:
        self.columns.extend(columns)

    def features(self) -> Features:
        self.count_characters()
        self.place()
        self.compare_claims()
        self.look_around()
        self.find_best()
        self.compare_forms()
        values = np.vstack(self.columns, dtype=np.float32, casting="same_kind")
        return Features(values.T, self.tokens(), self.levels[:3], self.spans)

    # ------------------------------------------------------------------ a block by itself

    def count_characters(self) -> None:
        texts = self.texts
        size = np.fromiter(map(len, texts), np.int32, self.n)
        self.whole = "".join(texts)
        bits = _classes().take(_codes_of(self.whole), mode="clip")
        starts = np.zeros(self.n, np.intp)
        np.cumsum(size[:-1], out=starts[1:])
        letter = (bits & _LETTER) > 0
        single = (bits & _SINGLE) > 0
        before = np.empty_like(letter)
        before[1:] = letter[:-1]
        before[starts] = False
        begins = (letter & ~before) | single

        def per_block(flags: NDArray[np.bool_]) -> NDArray[np.int32]:
            return np.add.reduceat(flags, starts, dtype=np.int32)

        self.size = size
        self.words = per_block(begins)
        words = np.maximum(self.words, 1)
        self.commas = per_block((bits & _COMMA) > 0)
        stops = per_block((bits & _STOP) > 0)
        solid = np.maximum(per_block((bits & _SPACE) == 0), 1)
        linked = np.array([b.linked for b in self.page.blocks], np.int32)
        bold = np.array([b.bold for b in self.page.blocks], np.int32)
        self.links = np.minimum(linked / solid, 1.0)
        last = [t.rstrip(_CLOSERS)[-1:] for t in texts]
        ends = _flags(map(_ENDS.__contains__, last), self.n)
        colon = _flags(map(_COLONS.__contains__, last), self.n)
        seen = Counter(texts)
        repeats = np.fromiter(map(seen.__getitem__, texts), np.int32, self.n)
        inner = _flags((bool(b.names) for b in self.page.blocks), self.n)
        first = [t[0] for t in texts]
        first_lower = _flags(map(str.islower, first), self.n)
        self.ends = ends
        self.add(
            np.log1p(size),
            np.log1p(self.words),
            self.links,
            self.commas / words,
            stops / words,
            ends,
            colon,
            per_block(begins & ((bits & _UPPER) > 0)) / words,
            per_block(begins & ((bits & _DIGIT) > 0)) / words,
            per_block(single) / solid,
            per_block(letter) / solid,
            size / words,
            np.minimum(bold / solid, 1.0),
            np.minimum(repeats, 10),
            inner,
            first_lower,
            _flags(map(_BULLETS.__contains__, first), self.n),
            _flags(map(_QUOTES.__contains__, first), self.n),
            self.with_any("\u00a9", "(c)", "\u00ae"),
            self.with_any("@", "http", "www."),
        )  # fmt: skip

    def with_any(self, *parts: str) -> NDArray[np.bool_]:
        """Which blocks have any of these parts; few pages have all of them."""
        found = np.zeros(self.n, bool)
        for part in parts:
            if part in self.whole:
                found |= np.array([part in t for t in self.texts])
        return found

    # ------------------------------------------------------------------ where it stands

    def place(self) -> None:
        boxes = self.page.boxes
        n = self.n
        order = np.arange(n)
        total = max(int(self.size.sum()), 1)
        self.total = total
        self.before = np.cumsum(self.size) - self.size
        title = self.claims.title_block
        self.title = title
        since = (
            np.where(
                order >= title,
                np.log1p(np.maximum(self.before - self.before[title], 0)),
                -np.log1p(np.maximum(self.before[title] - self.before, 0)),
            )
            if title >= 0
            else np.full(n, -20.0)
        )
        # The last, at -1, are of what stands in no box.
        tags = [*boxes.tags, "body"]
        places = map(_TAG_PLACE.get, tags, repeat(len(TAGS)))
        tag = np.fromiter(places, np.int32, len(tags))[self.box]
        flags: list[int] = []  # by form: all of one have the same tags around them
        for form, name, above in zip(boxes.forms, boxes.tags, boxes.parents, strict=True):
            if form == len(flags):
                around = flags[boxes.forms[above]] if above >= 0 else 0
                flags.append(around | _AROUND_FLAGS.get(name, 0))
        # The last, at -1, are of what stands in no box.
        forms = np.array([*boxes.forms, -1], np.int32)[self.box]
        mine = np.array([*flags, 0], np.int32)[forms]
        hidden = _flags(chain(boxes.hidden, (False,)), len(tags))[self.box]
        siblings = np.bincount(self.parent[self.parent >= 0], minlength=len(boxes) + 1)
        self.tag = tag
        self.heading = _flags(map(HEADINGS.__contains__, tags), len(tags))[self.box]
        self.add(
            order / n,
            self.before / total,
            np.full(n, np.log1p(n)),
            np.full(n, np.log1p(total)),
            np.full(n, float(title >= 0)),
            np.clip(order - title, -50, 50) if title >= 0 else np.full(n, -99),
            since,
            self.depth[self.box] if len(boxes) else np.zeros(n),
            hidden,
            np.log1p(siblings[self.levels[1]]),
            np.log1p(siblings[self.box]),
            tag == np.arange(len(TAGS) + 1)[:, None],
            (mine >> np.arange(len(AROUND))[:, None]) & 1,
        )

    def read_words(self) -> None:
        """Find the words of all blocks but the longest at once, in small letters."""
        short = np.flatnonzero(self.words <= _MOST_COMPARED)
        codes = _codes_of("\n".join([self.texts[k] for k in short.tolist()]).casefold())
        # Of thousands of words it is faster to split than to search for them.
        spaced = _word_characters().take(codes, mode="clip")
        found = spaced.tobytes().decode("utf-32-le").split()
        filled = spaced != _BLANK
        filled[1:] &= ~filled[:-1]  # where words begin
        # A word is known by where the page has it first.
        self.first: dict[str, int] = {}
        at = np.fromiter(map(self.first.setdefault, found, count()), np.intp, len(found))
        self.numbered = max(len(found), 1)
        places = short[np.cumsum(codes == _LINE_END)[filled]] if len(found) else at
        each = np.sort(places * self.numbered + at)
        each = each[np.diff(each, prepend=-1) > 0]  # once a block
        self.word_places, self.word_ids = np.divmod(each, self.numbered)

    def compare_claims(self) -> None:
        self.read_words()
        self.add(
            self.shared_with(self.claims.title),
            self.shared_with(self.claims.description),
            self.in_stated_body(),
        )

    def shared_with(self, claim: str) -> NDArray[np.float64]:
        """The share of a block's words that a claim has; -1 where there is no claim, or no word."""
        wanted = set(_WORD.findall(claim.casefold()))
        if not wanted:
            return np.full(self.n, -1.0)
        shared = np.zeros(self.numbered, bool)
        shared[[self.first[word] for word in wanted if word in self.first]] = True
        words = np.bincount(self.word_places, minlength=self.n)
        both = np.bincount(self.word_places, shared[self.word_ids], minlength=self.n)
        return np.where(words > 0, both / np.maximum(words, 1), -1.0)

    def in_stated_body(self) -> NDArray[np.float64]:
        """How much of a block stands in the JSON-LD's articleBody; -1 where there is none."""
        stated = _WORD.findall(self.claims.body)
        if len(stated) < 40:
            return np.full(self.n, -1.0)
        known = set(zip(stated, stated[1:], stated[2:], strict=False))
        shares = np.full(self.n, 0.5)
        for k, text in enumerate(self.texts):
            words = _WORD.findall(text)
            if len(words) > 3:
                runs = zip(words, words[1:], words[2:], strict=False)
                shares[k] = sum(map(known.__contains__, runs)) / (len(words) - 2)
        return shares

    # ------------------------------------------------------------------ the boxes around it

    def sums(self, per_block: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return the sum over each box of what its blocks have; 0 behind the last."""
        running = np.concatenate([[0.0], np.cumsum(per_block)])
        return np.append(running[self.spans[:, 1]] - running[self.spans[:, 0]], 0.0)

    def look_around(self) -> None:
        running_text = (self.words >= 12) & (self.links < 0.35)
        self.running_text = running_text
        own = np.where(running_text, 1 + self.commas + np.minimum(self.size / 100, 3), 0)
        boxes = len(self.page.boxes)
        score = np.zeros(boxes + 1)
        for level, share in enumerate((1, 1, 1 / 2, 1 / 3)):
            places = self.levels[level]
            score += share * np.bincount(
                np.where(places >= 0, places, boxes), own, minlength=boxes + 1
            )
        score[boxes] = 0
        self.score = score
        chars, links = self.sums(self.size), self.sums(self.links * self.size)
        self.chars, self.box_links = chars, links
        blocks = self.sums(np.ones(self.n))
        paragraphs = self.sums(self.tag == 0)
        longs = self.sums(running_text)
        heads = self.sums(self.heading)
        top = max(float(score.max()), 1e-6)
        count = np.maximum(blocks, 1)
        of_boxes = np.stack(
            [
                np.log1p(chars),
                links / np.maximum(chars, 1),
                np.log1p(blocks),
                paragraphs / count,
                longs / count,
                heads / count,
                score / top,
                chars / self.total,
            ]
        )
        self.add(*(of_boxes[:, level] for level in self.levels))

    def find_best(self) -> None:
        """Compare with the box that holds most running text, as readability finds it."""
        n, boxes = self.n, self.page.boxes
        order = np.arange(n)
        if not len(boxes):
            self.add(*(np.zeros(n) for _ in range(6)))
            return
        dense = 1 - self.box_links[:-1] / np.maximum(self.chars[:-1], 1)
        best = int(np.argmax(self.score[:-1] * dense))
        first, end = self.spans[best]
        inside = (order >= first) & (order < end)
        upwards = [best]
        while (above := boxes.parents[upwards[-1]]) >= 0:
            upwards.append(above)
        apart = np.full(n, boxes.depths[best] + 1)
        for steps in range(len(upwards) - 1, -1, -1):  # a box within another has fewer
            at = upwards[steps]
            apart[boxes.firsts[at] : boxes.ends[at]] = steps
        self.add(
            np.clip(order - first, -50, 50),
            np.clip(order - (end - 1), -50, 50),
            inside,
            apart,
            self.depth[self.box] - boxes.depths[best],
            self.box == best,
        )

    def compare_forms(self) -> None:
        """Compare with blocks of the same tags and classes: paragraphs of a text are alike."""
        boxes = self.page.boxes
        forms = np.array([*boxes.forms, -1], np.int32) + 1
        running = np.where(self.running_text, self.size, 0)
        total = max(int(running.sum()), 1)
        for level in self.levels[:3]:
            form = forms[level]
            kinds = int(form.max()) + 1
            held = np.bincount(form, running, minlength=kinds)
            chars = np.bincount(form, self.size, minlength=kinds)
            links = np.bincount(form, self.links * self.size, minlength=kinds)
            count = np.bincount(form, minlength=kinds)
            of_forms = np.stack(
                [
                    held / total,
                    links / np.maximum(chars, 1),
                    np.log1p(count),
                    held / max(float(held.max()), 1.0),
                ]
            )
            self.add(of_forms[:, form])

    # ------------------------------------------------------------------ words

    def tokens(self) -> Tokens:
        boxes = self.page.boxes
        filled = np.flatnonzero(self.spans[:, 1] > self.spans[:, 0])
        names = [boxes.names[k] for k in filled.tolist()]
        named = np.repeat(filled, list(map(len, names)))
        tags = [*boxes.tags, ""]  # the last, at -1, of what stands in no box
        parents = [*boxes.parents, -1]
        # The words of a short block, of the classes in it, and the tags around it.
        numbers = np.zeros(self.numbered, np.int32)
        numbers[list(self.first.values())] = word_numbers(self.first)
        short = self.words[self.word_places] <= _SHORT_WORDS
        words = self.word_ids[short]
        inner = [len(b.names) for b in self.page.blocks]
        order = np.arange(self.n)
        places = np.concatenate([self.word_places[short], np.repeat(order, inner), order])
        others = chain(
            chain.from_iterable([b.names for b in self.page.blocks]),
            [_place_number(f"{tags[parents[b]]}/{tags[b]}") for b in self.box.tolist()],
        )
        hashes = np.concatenate(
            [numbers[words], np.fromiter(others, np.int32, len(places) - len(words))]
        )
        by_block = np.argsort(places, kind="stable")
        return Tokens(
            _pairs(named, np.fromiter(chain.from_iterable(names), np.int32, len(named))),
            _pairs(places[by_block], hashes[by_block]),
        )


def _pairs(places: NDArray[np.intp], numbers: Ints) -> Ints:
    pairs = np.empty((len(places), 2), np.int32)
    pairs[:, 0] = places
    pairs[:, 1] = numbers
    return pairs


_place_number = numbers_of("p")
