"""Dates in addresses: of articles, as /2026/11/22/, and of listings, as sitemap-2026-11.xml."""

import re
from calendar import monthrange
from datetime import date
from urllib.parse import urlsplit


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
            number = _MONTHS.index(month) // 3 + 1 if month.isalpha() else int(month)
            return _day(int(year), number, int(day))
    backwards = _DAY_FIRST.search(path)
    if backwards:
        day, month, year = map(int, backwards.groups())
        return _day(year, month, day) if day > 12 else None  # else it may be the month
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


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_Y = r"((?:19|20)\d\d)"
_PATH_DAYS = (
    re.compile(rf"/{_Y}[/-](\d{{1,2}})/(\d{{1,2}})(?=/|$)"),
    re.compile(rf"/{_Y}/(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/(\d{{1,2}})(?=/|$)"),
    re.compile(rf"(?<![\d-]){_Y}-(\d\d)-(\d\d)(?![\d-]*\d)"),
    re.compile(rf"[/_t-]{_Y}(\d\d)(\d\d)(?=[/_.-]|$)"),
)
_DAY_FIRST = re.compile(rf"(?<![\d-])(\d\d)-(\d\d)-{_Y}(?![\d-]*\d)")
_URL_DAY = re.compile(rf"(?<!\d){_Y}(?:[-/_.]?)(\d\d)(?:[-/_.]?)(\d\d)(?!\d)")
_QUERY_DAY = re.compile(
    rf"\b(?:yyyy|year|y)={_Y}&(?:amp;)?(?:mm|month|m)=(\d{{1,2}})&(?:amp;)?(?:dd|day|d)=(\d{{1,2}})"
)
_URL_MONTH = re.compile(rf"(?<!\d){_Y}(?:[-/_.]|&(?:amp;)?(?:mm|month|m)=)?(\d\d)(?!\d)")
_URL_YEAR = re.compile(rf"(?<!\d){_Y}(?!\d)")
