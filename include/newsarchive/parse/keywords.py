"""Split a page's keywords where it separates them, and only there."""

import re

from newsarchive.text.folding import fold
from newsarchive.text.repair import tidy_line

_SEPARATOR = re.compile(r"[,،;؛|\n\u3001\uff0c\uff1b\u060c]|\s[\u2022\u00b7]\s|\s/\s")
_HASHTAGS = re.compile(r"(?:^|\s)#(?=\w)")
_EDGE = " \t#.\"'«»“”[]()\u2022\u00b7-"


def split_keywords(raw: str) -> list[str]:
    """Return the keywords of a line or a meta element, each once, in its order.

    Comma, semicolon, bar, line end and their Arabic and Chinese forms separate, and so does the #
    of several hashtags.
    Where nothing separates, the whole is one entry: where its words belong together is not for us
    to guess.

    Args:
        raw: as the page has it.
    """
    if len(_HASHTAGS.findall(raw)) > 1:
        parts = _HASHTAGS.split(raw)
        parts = [p.replace("_", " ") for p in parts]
    else:
        parts = [raw]
    entries = (tidy_line(entry).strip(_EDGE) for part in parts for entry in _SEPARATOR.split(part))
    unique: dict[str, str] = {}
    for entry in entries:
        if entry:
            unique.setdefault(fold(entry), entry)
    return list(unique.values())
