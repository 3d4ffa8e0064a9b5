"""Dates as listings write them: ISO 8601, RFC 822, month names of many languages, addresses."""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from urllib.parse import urlsplit

# Outside of these a number is another calendar's year, or a content system's way to say "none".
_FIRST_YEAR, _LAST_YEAR = 1800, 2200

_MONTHS_BY_LANGUAGE = """
jan january janv janvier ene enero janeiro gen gennaio januar janner ocak oca januari янв
    января январь ιαν ژانویه يناير جانفي كانون_الثاني
feb february fev fevr fevrier febrero fevereiro febbraio februar subat sub februari фев
    февраля февраль φεβ فوریه فبراير فيفري شباط
mar march mars marzo marco marz mrz mart maart maret мар марта март μαρ مارس اذار
apr april avr avril abr abril aprile nis nisan апр апреля апрель απρ اوریل ابريل افريل نيسان
may mai mayo maio mag maggio mayis mei мая май μαι مه مايو ماي ايار
jun june juin junio junho giu giugno juni haz haziran июн июня июнь ιουν ژوین ژوئن يونيو
    يونيه جوان حزيران
jul july juil juillet julio julho lug luglio juli tem temmuz июл июля июль ιουλ ژوییه ژوئیه
    يوليو يوليه يوليوز جويلية تموز
aug august aout ago agosto agustus agu agustos авг августа август αυγ اوت اغسطس غشت اب
sep sept september septembre septiembre set setembro settembre eyl eylul сен сент сентября
    сентябрь σεπ سپتامبر سبتمبر شتنبر ايلول
oct october octobre octubre out outubro ott ottobre okt oktober eki ekim окт октября октябрь
    οκτ اکتبر اكتوبر تشرين_الاول
nov november novembre noviembre novembro kas kasim ноя нояб ноября ноябрь νοε نوامبر نوفمبر
    نونبر تشرين_الثاني
dec december decembre dic diciembre dez dezembro dicembre dezember ara aralik des desember
    дек декабря декабрь δεκ دسامبر ديسمبر دجنبر كانون_الاول
"""

# What RFC 822 names, and abbreviations that mean one offset wherever they are used. IST, AST and
# their like mean several; a time with one of those is read in the source's own zone.
_ZONES = """
0 z ut utc gmt wet
1 west cet mez bst
2 cest mesz eet cat sast
3 eest eat msk trt
5 pkt
7 wib
8 wita hkt sgt awst
9 jst kst
10 aest
11 aedt
12 nzst
13 nzdt
-3 brt
-4 edt
-5 est cdt
-6 cst mdt
-7 mst pdt
-8 pst akdt
-9 akst
-10 hst
"""
_ZONE_HOURS = {
    name: int(line.split()[0]) for line in _ZONES.split("\n") if line for name in line.split()[1:]
}

_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\u0640\ufeff]")
_ISO_DAY = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|(\d\d)(\d\d))(?!\d)")
_CJK_DAY = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_COMPACT_TIME = re.compile(r"t(\d\d)(\d\d)(\d\d)?(?=\D|$)")
_TIME = re.compile(
    r"(?<!\d)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?!\d)\s*"
    r"(a\.?m\b\.?|p\.?m\b\.?|صباحا|مساء|ص(?!\w)|م(?!\w))?"
)
_ZONE = re.compile(
    r"\s*\(?(?:(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?(\d\d))?(?!\d)|([a-z]{1,5})(?![a-z]))"
)
_WORD = re.compile(r"[^\W\d_]+(?:_[^\W\d_]+)*")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date as it was written, and its time where there is one."""

    day: date
    """As written, in its own offset, never converted."""
    at: datetime | None
    """UTC where a zone is written, without zone where none is; None for a date without a time."""


def parse_date(text: str | None) -> Stamp | None:
    """Return the date that `text` says, or None when it says none or it cannot be told which.

    A year alone, a year and a month, or three bare numbers in an unknown order are no date.

    Args:
        text: as a feed or sitemap writes it, in any of the usual forms and many languages.
    """
    return _parsed(text.strip()[:200]) if text else None


@lru_cache(maxsize=4096)  # a listing says the same times again and again
def _parsed(text: str) -> Stamp | None:
    if not text.isascii():
        text = _folded(text)
    text = text.lower()
    found = _ISO_DAY.match(text) or _CJK_DAY.search(text)
    if found:
        numbers = [int(g) for g in found.groups() if g and g.isdigit()]
        day, rest = _day(*numbers), text[found.end() :]
    else:
        time = _TIME.search(text)
        day, rest = _day_in_words(_without(text, time) if time else text), text
        if time and day:
            rest = text[time.start() :]
    if day is None or (
        day.month == day.day == 1 and day.year == 1970 and "00:00" in rest
    ):  # the epoch: no date
        return None
    return Stamp(day, _time(day, rest))


def day_in_path(url: str) -> date | None:
    """Return the day in the path of an article's address, as /2026/11/22/ or 2026-11-22, if any."""
    try:
        path = urlsplit(url).path.lower()
    except ValueError:
        return None
    for pattern in _PATH_DAYS:
        found = pattern.search(path)
        if found:
            year, month, day = found.groups()
            number = _MONTHS[month] if month in _MONTHS else int(month)
            return _day(int(year), number, int(day))
    return None


def span_in_url(url: str) -> tuple[date, date] | None:
    """Return the first and last day that a listing's address names: a day, a month or a year."""
    whole = _URL_DAY.search(url) or _QUERY_DAY.search(url)
    day = _day(*(int(g) for g in whole.groups())) if whole else None
    if day:
        return day, day
    for found in _URL_MONTH.finditer(url):
        year, month = int(found.group(1)), int(found.group(2))
        if 1 <= month <= 12:
            return date(year, month, 1), date(year, month, monthrange(year, month)[1])
    year_alone = _URL_YEAR.search(url)
    if year_alone:
        year = int(year_alone.group(1))
        return date(year, 1, 1), date(year, 12, 31)
    return None


_Y = r"((?:19|20)\d\d)"
_PATH_DAYS = (
    re.compile(rf"/{_Y}[/-](\d{{1,2}})/(\d{{1,2}})(?=/|$)"),
    re.compile(rf"/{_Y}/(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/(\d{{1,2}})(?=/|$)"),
    re.compile(rf"(?<![\d-]){_Y}-(\d\d)-(\d\d)(?![\d-]*\d)"),
    re.compile(rf"/{_Y}(\d\d)(\d\d)(?=[/_-]|$)"),
)
_URL_DAY = re.compile(rf"(?<!\d){_Y}(?:[-/_.]?)(\d\d)(?:[-/_.]?)(\d\d)(?!\d)")
_QUERY_DAY = re.compile(
    rf"\b(?:yyyy|year|y)={_Y}&(?:amp;)?(?:mm|month|m)=(\d{{1,2}})&(?:amp;)?(?:dd|day|d)=(\d{{1,2}})"
)
_URL_MONTH = re.compile(rf"(?<!\d){_Y}(?:[-/_.]|&(?:amp;)?(?:mm|month|m)=)?(\d\d)(?!\d)")
_URL_YEAR = re.compile(rf"(?<!\d){_Y}(?!\d)")


def _folded(text: str) -> str:
    """Return `text` in lower case, plain letters and digits, month names of two words joined."""
    text = unicodedata.normalize("NFKD", _MARKS.sub("", text).casefold())
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = text.replace("ی", "ي").replace("ک", "ك").replace("ى", "ي").replace("ı", "i")
    text = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
    return re.sub(
        r"(تشرين|كانون)\s+(الاول|الثاني)", r"\1_\2", unicodedata.normalize("NFC", text)
    ).strip()


def _month_names() -> dict[str, int]:
    # A line that begins with a space goes on with the month before it.
    lines = re.sub(r"\n +", " ", _MONTHS_BY_LANGUAGE).split("\n")
    return {_folded(w): n for n, line in enumerate(filter(None, lines), 1) for w in line.split()}


_MONTHS = _month_names()


def _day(year: int, month: int, day: int) -> date | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _day_in_words(text: str) -> date | None:
    # The last month name counts: what is a month in one language (mar) is a weekday in another.
    named = [(m, _MONTHS[m.group()]) for m in _WORD.finditer(text) if m.group() in _MONTHS]
    if not named:
        return None
    word, month = named[-1]
    before = _NUMBER.findall(text[: word.start()])
    after = _NUMBER.findall(text[word.end() :])
    if before and after:  # 22 Nov 2026, 22 Nov 26, 2026 Nov 22
        first, second = before[-1], after[0]
        day, year = (second, first) if len(first) == 4 else (first, second)
    elif len(after) >= 2:  # Nov 22, 2026
        day, year = after[0], next((n for n in after[1:] if len(n) == 4), after[1])
    else:
        return None
    if len(day) > 2 or len(year) not in (2, 4):
        return None
    number = int(year)
    if len(year) == 2:  # RFC 822
        number += 2000 if number < 69 else 1900
    return _day(number, month, int(day))


def _without(text: str, time: re.Match[str]) -> str:
    """Return the date that stands around a time, whose offset may look like a year."""
    behind = text[time.end() :]
    zone = _ZONE.match(behind)
    return text[: time.start()] + " " + (behind[zone.end() :] if zone and zone[1] else behind)


def _time(day: date, rest: str) -> datetime | None:
    """Return the time in `rest`, which begins where the date ended or at the time itself."""
    found = _TIME.search(rest)
    half = None
    if found:
        hour, minute, second = int(found.group(1)), int(found.group(2)), int(found.group(3) or 0)
        micro, half = int((found.group(4) or "0").ljust(6, "0")[:6]), found.group(5)
    else:
        found = _COMPACT_TIME.match(rest)
        if not found:
            return None
        hour, minute, second, micro = *(int(g or 0) for g in found.groups()), 0
    if half and hour <= 12:
        hour = hour % 12 + (12 if half[0] in "pم" else 0)
    try:
        at = datetime(day.year, day.month, day.day, hour, minute, min(second, 59), micro)
    except ValueError:  # 24:00, 12:61: the day still stands
        return None
    zone = _zone(rest[found.end() :])
    return at if zone is None else at.replace(tzinfo=timezone(zone)).astimezone(UTC)


def _zone(text: str) -> timedelta | None:
    found = _ZONE.match(text)
    if not found:
        return None
    sign, hours, minutes, name = found.groups()
    if name:
        known = _ZONE_HOURS.get(name)
        return None if known is None else timedelta(hours=known)
    if len(hours) == 1 or int(hours) <= 14:
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return -offset if sign == "-" else offset
    return None
