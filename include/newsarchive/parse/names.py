"""Names of authors, as bylines write them."""

import re
from collections.abc import Iterable

from newsarchive.parse.agencies import is_agency
from newsarchive.text.folding import bare, fold
from newsarchive.text.repair import tidy_line

_BY = re.compile(
    r"^(?:written by|reported by|words by|story by|by|par|por|von|di|door|av|oleh|автор"
    r"|بقلم|كتبت|كتبه|كتب|إعداد|اعداد|تحرير)"
    r"(?:\s*[:：/-]\s*|\s+)(?=\S)",
    re.I,
)
_LONGEST_BYLINE = 600
_BETWEEN = re.compile(
    r"\s*(?:[;؛|/\n•·]|\s(?:and|und|et|y|e|en|och|og|ve|и|oraz|with)\s|\s&\s|\sو\s|[,،](?!\s*(?:jr|sr|md|phd|m\.d|ii|iii)\b))\s*",
    re.I,
)
_TAIL = re.compile(
    r"\s*(?:[-\u2013\u2014|(,]\s*)?(?:https?://\S+|\S+@\S+\.\S+|@\w+|\bfollow\b.*|\bupdated\b.*|\bpublished\b.*)\s*\)?$",
    re.I,
)
_ADDRESS = re.compile(r"\s*(?:(?:https?:)?//|www\.|\S+/\S+/)")
_ACCOUNTS = """
    admin | administrator | editor | editors | the editors | staff | staff writer
    staff reporter | newsroom | news desk | web desk | desk | redaktion | redacción
    redaccion | redação | la rédaction | rédaction | redazione | redaksi | редакция
    webmaster | guest | user | author | unknown | anonymous | none | null | by | online | team
    press release | المحرر | محرر | مدير الموقع | هيئة التحرير | أسرة التحرير | التحرير | كاتب
    الموقع | مدير | المحررون | غير معروف | super user | superuser | root
"""
_NOT_PERSONS = frozenset(bare(n) for n in _ACCOUNTS.replace("\n", "|").split("|"))


def split_names(text: str) -> list[str]:
    """Return the names in a byline, without "by" and without addresses.

    Args:
        text: `By Ann Lee and Bo Ek`, `كتب: أحمد علي`, a list with commas or semicolons.
    """
    if len(text) > _LONGEST_BYLINE or _ADDRESS.match(text):
        return []
    text = _BY.sub("", tidy_line(text))
    return [name for part in _BETWEEN.split(text) if (name := clean_name(part))]


def clean_name(text: str) -> str | None:
    """Return a name without "by", address or punctuation around it; None where none is left."""
    text = tidy_line(text)
    if len(text) > _LONGEST_BYLINE or _ADDRESS.match(text):
        return None
    text = _TAIL.sub("", _BY.sub("", text)).strip(' \t.,،;؛:|/\\-\u2013\u2014()[]*"«»“”')
    letters = sum(map(str.isalpha, text))
    if (
        letters < 2
        or letters < 0.6 * len(text.replace(" ", ""))
        or len(text) > 80
        or len(text.split()) > 8
    ):
        return None
    return text


def sort_names(names: Iterable[str], site_names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Tell persons from agencies; the site itself, its desks and accounts are neither.

    Args:
        names: cleaned, in page order.
        site_names: what the site calls itself, its host's name among them.

    Returns:
        Persons and agencies, each once, in page order.
    """
    sites = {bare(s) for s in site_names if s}
    persons: dict[str, str] = {}
    agencies: dict[str, str] = {}
    for name in names:
        key = bare(name)
        if not key or key in _NOT_PERSONS or _is_site(key, sites):
            continue
        (agencies if is_agency(name) else persons).setdefault(fold(name), name)
    return list(persons.values()), list(agencies.values())


def _is_site(key: str, sites: set[str]) -> bool:
    squeezed = key.replace(" ", "")
    for site in sites:
        short = site.replace(" ", "")
        if squeezed == short or (
            len(short) > 4
            and squeezed in (short + "com", "the" + short, short + "staff", short + "news")
        ):
            return True
    return False
