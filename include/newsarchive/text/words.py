"""Count words, also where a script writes them without spaces."""

import re
from collections.abc import Iterable

from newsarchive.text.remember import remembered

# Each Chinese or Japanese character counts as one word, as word processors have it.
_SINGLE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# Thai, Lao, Burmese and Khmer words are some four letters (vowel signs included) long.
_RUN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
_RUN_LETTERS = 4
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
# From its first letter or digit on; a comma between digits, and a stop alone, are within a word.
_WITHIN = "[^\\s,.\u2014\u2015\u2026/|،؛؟«»“”()\\[\\]{}!?;]*"
_COUNTED = re.compile(rf"[^\W_]{_WITHIN}(?:(?:(?<=\d),(?=\d)|\.(?!\.)){_WITHIN})*")


@remembered(2048)  # one page's lines are counted again and again
def count_words(text: str) -> int:
    """Return the number of words: what stands between spaces and holds a letter or digit.

    Chinese and Japanese characters count one each; runs of Thai, Lao, Burmese and Khmer letters a
    quarter of their
    length, which is near what a dictionary finds.

    Args:
        text: anything; vowel marks, joiners, hyphens and apostrophes are parts of their words.
    """
    count = 0
    if not text.isascii():
        text, count = _SINGLE.subn(" ", text)
        count += sum(-(-len(run) // _RUN_LETTERS) for run in _RUN.findall(text))
        text = _RUN.sub(" ", text)
    return count + len(_COUNTED.findall(text))


def has_words(texts: Iterable[str], least: int) -> bool:
    """Say whether texts have so many words together; what is behind these is not counted.

    Args:
        texts: of which words are counted as `count_words` does.
        least: one at least.
    """
    count = 0
    for text in texts:
        count += count_words(text)
        if count >= least:
            return True
    return False


def split_words(bare: str) -> list[str]:
    """Return the words of a text, and each character of what is written without spaces.

    Args:
        bare: a text without punctuation, as `folding.bare` returns it.
    """
    return bare.split() if bare.isascii() else _WORD.findall(bare)
