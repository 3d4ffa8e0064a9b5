"""The Wayback Machine: its index (CDX) lists what it captured of a domain, and it has the bytes.

https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server: captures of a time span,
one for each address (`collapse=urlkey`: the first), in pages joined by a resume key. What it
captured on a day need not have been published then: an address with a date in it decides by that,
one without belongs to the day on which it was captured first. The span reaches one day further,
for what was captured on the day after.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from newsarchive.days import local_dates
from newsarchive.discover.index import Cost
from newsarchive.discover.page import Page
from newsarchive.model import Entry
from newsarchive.sources.load import Source
from newsarchive.text.address_dates import day_in_path

_A_PAGE = 5_000  # captures in one answer
_FIELDS = "timestamp,original"
_REPLAY = re.compile(r"/web/(\d{4,14})(?:[a-z]{2}_)?/(.+)", re.DOTALL)
# What no article's address ends in.
_FILES = re.compile(
    r"\.(?:jpe?g|png|gif|webp|svg|ico|css|js|json|xml|rss|txt|pdf|mp[34]|woff2?|zip)$", re.I
)


@dataclass(frozen=True, slots=True)
class Wayback:
    """The Wayback Machine at one place."""

    base: str
    name: ClassVar[str] = "wayback"
    first_day: ClassVar[date] = date(1996, 1, 1)
    shared: ClassVar[bool] = False

    def addresses(self, day: date, source: Source) -> list[str]:
        """Return a query for each domain of a source."""
        after = day + timedelta(days=1)
        queries = []
        for domain in source.known_as:
            below = "/" in domain
            given = {
                "url": f"{domain}/" if below else domain,
                "matchType": "prefix" if below else "domain",
                "from": f"{day:%Y%m%d}",
                "to": f"{after:%Y%m%d}",
                "filter": "statuscode:200",
                "collapse": "urlkey",
                "output": "json",
                "fl": _FIELDS,
                "limit": str(_A_PAGE),
                "showResumeKey": "true",
            }
            queries.append(f"{self.base}/cdx/search/cdx?{urlencode(given)}")
        return queries

    def read(self, body: bytes, day: date, source: Source, url: str = "") -> Page:
        """Return the addresses that belong to a day, and the query for those that follow.

        Args:
            body: a page of the answer, as JSON.
            day: the run day.
            source: whose pages.
            url: the query that it answers.
        """
        try:
            rows = json.loads(body or b"[]")
        except ValueError as error:
            return Page([], [], f"not the index's JSON ({error})")
        if not isinstance(rows, list) or not all(isinstance(r, list) for r in rows):
            return Page([], [], "not the index's JSON (no list of rows)")
        key = None
        if len(rows) >= 2 and rows[-2] == [] and len(rows[-1]) == 1:
            key = str(rows[-1][0])
            rows = rows[:-2]
        if rows and rows[0] != _FIELDS.split(","):
            return Page([], [], f"not the columns that were asked for: {str(rows[0])[:80]}")
        dates = set(local_dates(day, source.timezone))
        entries = [Entry(r[1]) for r in rows[1:] if len(r) == 2 and _belongs(r, day, dates)]
        return Page(entries, [], None, _following(url, key) if key else None)

    def replay(self, page: str, at: datetime) -> str:
        """Return the address of a page's bytes as served, captured as near as can be to a time."""
        return f"{self.base}/web/{at.astimezone(UTC):%Y%m%d%H%M%S}id_/{page}"

    def newest(self, today: date, after: int) -> date:
        """Return the latest day that it can be asked for."""
        return today - timedelta(days=1 + after)

    def reads(self, day: date) -> list[date]:
        """Return the days whose files are read to answer for a day: itself."""
        return [day]

    def cost(self, day: date) -> Cost:
        """Return about what a day of one source takes."""
        return Cost(2, 500_000)


def original_of(url: str) -> str | None:
    """Return the page whose replay has this address; None for another address."""
    found = _REPLAY.search(url)
    return found[2] if found else None


def captured_at(url: str) -> datetime | None:
    """Return when what a replay's address shows was captured, UTC; None for another address."""
    found = _REPLAY.search(url)
    if not found or len(found[1]) != 14:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _belongs(row: list[Any], day: date, dates: set[date]) -> bool:
    stamp, address = str(row[0]), str(row[1])
    path = urlsplit(address).path if "://" in address else ""
    if _FILES.search(path):
        return False
    stated = day_in_path(address)
    if stated is not None:
        return stated in dates
    return stamp.startswith(f"{day:%Y%m%d}") and _names_an_article(path)


def _names_an_article(path: str) -> bool:
    """Say whether a path without a date looks like one article's: a number, or many words."""
    last = path.rstrip("/").rpartition("/")[2]
    return bool(re.search(r"\d{4,}", last)) or len(re.split(r"[-_]|%20", last)) >= 4


def _following(url: str, key: str) -> str:
    parts = urlsplit(url)
    given = {k: v[-1] for k, v in parse_qs(parts.query).items()} | {"resumeKey": key}
    return parts._replace(query=urlencode(given, quote_via=quote)).geturl()
