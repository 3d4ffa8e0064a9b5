"""Tell whether two texts are one that was relayed, in any script. MinHash finds, this decides."""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from newsarchive.text.folding import bare
from newsarchive.text.remember import remembered
from newsarchive.text.words import split_words

_SHINGLE = 5  # words; a fact that differs takes five shingles with it
_SHORT = 30  # words; shorter texts are compared with their headlines: "Watch the video" is no story
_LONGEST = 5000  # words that are looked at
_ALIKE = 0.6  # share of shingles: a relayed text that lost a third of its paragraphs
_SAME_NUMBERS = 0.75  # of the numbers of the text that has fewer: less is a report of another day
_BANDS, _ROWS = 16, 3  # of texts alike by 0.6 it finds 98 in 100, by 0.7 all but one in 500
_DIGIT = re.compile(r"\d")
SIGNATURE_BYTES = 4 * _BANDS
"""Length of a signature; no signature, no bytes."""


def _constants(what: str, count: int) -> np.ndarray:
    """Return random 64-bit numbers, the same for ever: what they make is on disk."""
    digests = [blake2b(f"{what} {n}".encode(), digest_size=8).digest() for n in range(count)]
    return np.frombuffer(b"".join(digests), "<u8")[:, None]


_PLACES = _constants("place", _SHINGLE) | np.uint64(1)
_FACTORS = _constants("factor", _BANDS * _ROWS) | np.uint64(1)
_TERMS = _constants("term", _BANDS * _ROWS)
_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class Shingled:
    """What is compared of a text; small, for a day has thousands that may be the same."""

    shingles: np.ndarray
    """Hashes, uint32, each once and sorted, of runs of five words; of characters where a script has
    no spaces."""
    numbers: np.ndarray
    """Hashes, uint32, each once and sorted, of words with a digit."""


def shingled(title: str, text: str) -> Shingled:
    """Return what is compared of an article; spelling, accents and punctuation aside.

    Args:
        title: its headline, which counts where the text has fewer than 30 words.
        text: its body.
    """
    words = split_words(bare(text))[:_LONGEST]
    if not words:
        return Shingled(np.empty(0, np.uint32), np.empty(0, np.uint32))
    if len(words) < _SHORT:
        words = [*split_words(bare(title)), *words][:_LONGEST]
    runs = np.unique(_runs(words)).astype(np.uint32)
    numbers = {_hash_of(word) for word in words if _DIGIT.search(word)}
    return Shingled(runs, np.array(sorted(numbers), np.uint32))


def _runs(words: list[str]) -> np.ndarray:
    """Return a hash of 32 bits for each run of words."""
    hashes = np.fromiter(map(_hash_of, words), np.uint64, len(words))
    if len(words) < _SHINGLE:
        hashes = np.pad(hashes, (0, _SHINGLE - len(words)))
    count = len(hashes) - _SHINGLE + 1
    runs = sum(hashes[n : n + count] * place for n, place in enumerate(_PLACES))
    return np.asarray(runs) >> _HALF


@remembered(32_768)  # a language's frequent words
def _hash_of(word: str) -> int:
    return zlib.crc32(word.encode())


def signature(of: Shingled) -> bytes:
    """Return the MinHash of an article's shingles, as 16 bands of 4 bytes; none of no shingles.

    Two articles that have a band in common at the same place may be the same.
    """
    if not len(of.shingles):
        return b""
    keys = of.shingles.astype(np.uint64)
    # Multiply-shift: hash functions of 32-bit keys, as independent as MinHash needs.
    least = ((_FACTORS * keys + _TERMS) >> _HALF).min(axis=1).astype("<u4")
    bands = (zlib.crc32(band.tobytes()) for band in least.reshape(_BANDS, _ROWS))
    return b"".join(band.to_bytes(4, "little") for band in bands)


def shared_bands(own: Iterable[bytes], others: Iterable[bytes]) -> dict[bytes, list[int]]:
    """Return, by signature, the bands that it has in common with another one, as numbers.

    Only bands that one of `own` has; a signature that has none such is left out, so that little is
    held of a day whose articles have little in common.

    Args:
        own: signatures of the articles that are asked about.
        others: those of articles that they may be the same as.
    """
    mine = [s for s in own if len(s) == SIGNATURE_BYTES]
    every = [*mine, *(s for s in others if len(s) == SIGNATURE_BYTES)]
    bands = np.frombuffer(b"".join(every), "<u4").reshape(-1, _BANDS)
    shared = np.empty(bands.shape, bool)
    for place in range(_BANDS):
        values, counts = np.unique(bands[:, place], return_counts=True)
        of_mine = np.isin(values, bands[: len(mine), place])
        shared[:, place] = np.isin(bands[:, place], values[(counts > 1) & of_mine])
    numbers = bands.astype(np.uint64) * _BANDS + np.arange(_BANDS, dtype=np.uint64)
    return {
        every[row]: numbers[row, shared[row]].tolist() for row in np.flatnonzero(shared.any(axis=1))
    }


def is_same_text(one: Shingled, other: Shingled) -> bool:
    """Say whether two articles are one text, small edits aside.

    A report of another day made of the same template is not: its facts are spread over it, and its
    numbers are others.
    """
    common = len(np.intersect1d(one.shingles, other.shingles, assume_unique=True))
    if not common or common < _ALIKE * (len(one.shingles) + len(other.shingles) - common):
        return False
    fewer = min(len(one.numbers), len(other.numbers))
    both = np.intersect1d(one.numbers, other.numbers, assume_unique=True)
    return len(both) >= _SAME_NUMBERS * fewer
