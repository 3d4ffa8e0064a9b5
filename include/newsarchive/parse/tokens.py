"""Numbers for the words that name a page's boxes or fill its blocks: what a model learns of."""

from collections.abc import Callable, Iterable
from itertools import repeat
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from newsarchive.text.remember import remembered

_BITS = 0x7FFFFFFF


def numbers_of(kind: str) -> Callable[[str], int]:
    """Return a function from a word to its number of 31 bits: the CRC of `kind:word`.

    Args:
        kind: of names, of which there are few; one word of two kinds has two numbers.
    """
    start = crc32(f"{kind}:".encode())

    @remembered(8_192)
    def number(word: str) -> int:
        return crc32(word.encode(), start) & _BITS

    return number


_WORDS = crc32(b"w:")


def word_numbers(words: Iterable[str]) -> NDArray[np.int32]:
    """Return the numbers of words of texts, as `numbers_of` gives those of names."""
    numbers = list(map(crc32, map(str.encode, words), repeat(_WORDS)))
    return (np.array(numbers, np.uint32) & _BITS).astype(np.int32)
