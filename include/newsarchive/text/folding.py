"""Fold texts so that spellings which readers take for the same compare equal."""

import re
import unicodedata

from newsarchive.text.remember import remembered

# Letters that Arabic and Persian keyboards, and careless typing, give for one and the same.
_SAME = {
    **dict.fromkeys("أإآٱٲٳٵ", "ا"),
    **dict.fromkeys("ىیېيۍ", "ي"),
    **dict.fromkeys("ئۓ", "ي"),
    "ؤ": "و",
    "ة": "ه",
    "ۀ": "ه",
    "ە": "ه",
    "ہ": "ه",
    "ۃ": "ه",
    "ک": "ك",
    "ڪ": "ك",
    **{chr(0x0660 + n): str(n) for n in range(10)},
    **{chr(0x06F0 + n): str(n) for n in range(10)},
}
# Tatweel, vowel and Koran marks, joiners, soft hyphen, direction marks, byte order mark: spelling,
# not content.
_MARKS = re.compile(
    "[\u00ad\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u061c"
    "\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_SIGN = re.compile(r"[^\w ]|_")
_LETTERS = re.compile(r"[^\W_]+")
_LATIN_MARKS = re.compile("[\u0300-\u036f]")


@remembered(2048)  # one page's lines are compared with each other again and again
def fold(text: str) -> str:
    """Return `text` as it is compared: one spelling a letter, lower case, single spaces.

    Alef forms, ya and alef maqsura, ta marbuta, hamza carriers and Persian letters fall together;
    Arabic-Indic and
    Persian digits become ASCII; tatweel, harakat, joiners and direction marks go; the rest as NFKC
    and case folding
    have it. Folding twice changes nothing more.

    Args:
        text: anything; white space of all kinds, line ends too, becomes one space, none at the
            ends.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = _MARKS.sub("", text)
        for letter, same in _SAME.items():  # of long texts a few times faster than `translate`
            if letter in text:
                text = text.replace(letter, same)
    return " ".join(text.split())


@remembered(2048)
def bare(text: str) -> str:
    """Return the folded text without accents and punctuation: to tell whether headlines are one.

    Args:
        text: anything; a text of punctuation alone gives the empty string.
    """
    text = fold(text)
    if text.isascii():
        return " ".join(_LETTERS.findall(text))
    text = _LATIN_MARKS.sub("", unicodedata.normalize("NFKD", text))
    return " ".join(_SIGN.sub(_mark_or_space, text).split())


def is_same(text: str, headline: str) -> bool:
    """Say whether a text is a headline, but for spelling and punctuation.

    Paragraphs, which are much longer, are told apart without folding them.
    """
    if len(text) > 4 * len(headline) + 80:
        return False
    own = bare(headline)
    return may_begin(text, own) and bare(text) == own


def may_begin(text: str, beginning: str) -> bool:
    """Say whether a text can begin, once it is bare, like a bare one, by its first letter.

    Of hundreds of lines of a page nearly all are told apart by that, without folding them.
    """
    start = text[:2]
    # A mark behind the first letter may make another one of both.
    if len(start) < 2 or not start.isalnum():
        return True
    first = bare(start[0])
    return not first or first[0] == beginning[:1]


def _mark_or_space(sign: re.Match[str]) -> str:
    return sign[0] if unicodedata.category(sign[0])[0] == "M" else " "
