"""GDELT's article list: what it saw each minute, one file a minute for the whole world.

https://blog.gdeltproject.org/announcing-the-gdelt-article-list-rss-feed/: gzip of JSON lines in
UTF-8, named by the minute in UTC. Most minutes have no file. Its `date` is often the time at which
GDELT saw the page, so that it is passed on as no publication date; a page belongs to the day of
the files that name it, as an entry of a feed to the day of the poll.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from newsarchive.days import bounds
from newsarchive.discover.index import Cost
from newsarchive.discover.page import Page
from newsarchive.model import Entry
from newsarchive.sources.load import Source
from newsarchive.text.domains import Domains

ABSENT = frozenset({403, 404})
"""Statuses of a minute that has no file: its store answers 403 for what is not there."""
_MOST_BYTES = 512 << 20
_MINUTES = range(60)
_A_FILE = 400_000  # bytes; some two files each quarter of an hour


@dataclass(frozen=True, slots=True)
class Gdelt:
    """The article lists at one place."""

    base: str
    name: ClassVar[str] = "gdelt"
    first_day: ClassVar[date] = date(2020, 1, 1)
    shared: ClassVar[bool] = True

    def addresses(self, day: date, source: Source | None = None) -> list[str]:
        """Return the address of each minute's file."""
        return [address for hour in self.hours(day) for address in self.minutes(hour)]

    def hours(self, day: date) -> list[datetime]:
        """Return the beginning of each hour."""
        start = bounds(day)[0]
        return [start + timedelta(hours=n) for n in range(24)]

    def minutes(self, hour: datetime) -> list[str]:
        """Return the address of each minute's file of an hour."""
        times = (hour + timedelta(minutes=n) for n in _MINUTES)
        return [f"{self.base}/gdeltv3/gal/{t:%Y%m%d%H%M}00.gal.json.gz" for t in times]

    def address_of(self, hour: datetime) -> str:
        """Return the address that what is kept of an hour's files is filed under."""
        return f"{self.base}/gdeltv3/gal/{hour:%Y%m%d%H}*.gal.json.gz"

    def read(self, body: bytes, day: date, source: Source, url: str = "") -> Page:
        """Return the entries of a source, of a minute's file or of what is kept of an hour's."""
        lines, problem = lines_of(body, Domains({source.name: source.known_as}))
        entries = [
            Entry(row["url"], row["title"] if isinstance(row.get("title"), str) else None)
            for row in map(json.loads, lines.get(source.name, ()))
        ]
        return Page(entries, [], problem)

    def newest(self, today: date, after: int) -> date:
        """Return the latest day that it can be asked for."""
        return today - timedelta(days=1 + after)

    def reads(self, day: date) -> list[date]:
        """Return the days whose files are read to answer for a day: itself."""
        return [day]

    def cost(self, day: date) -> Cost:
        """Return about what a day takes, for all sources together."""
        return Cost(24 * 60, 2 * 96 * _A_FILE)


def lines_of(body: bytes, domains: Domains) -> tuple[dict[str, list[bytes]], str | None]:
    """Return the lines that name a page of each source, as they stand, and what was wrong.

    Args:
        body: of a file, gzip or plain; of one that is cut off, the lines that are whole.
        domains: of the sources wanted.
    """
    found: dict[str, list[bytes]] = defaultdict(list)
    text, problem = unpacked(body)
    odd = 0
    for line in _lines(text, cut=problem is not None):
        row = _row(line)
        if row is None:
            odd += 1
            continue
        for name in domains.names(row["url"]):
            found[name].append(line)
    if odd and problem is None:
        problem = f"{odd} lines are no JSON with a url"
    return found, problem


def _lines(text: bytes, *, cut: bool) -> Iterator[bytes]:
    lines: Iterable[bytes] = text.split(b"\n")
    if cut:
        lines = list(lines)[:-1]
    return (stripped for line in lines if (stripped := line.strip()))


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("url"), str) else None


def unpacked(body: bytes) -> tuple[bytes, str | None]:
    """Return a file's text, gzip undone as far as it goes, and what was wrong with it."""
    if not body.startswith(b"\x1f\x8b"):
        return body, None
    out = bytearray()
    while body.startswith(b"\x1f\x8b"):
        stream = zlib.decompressobj(31)
        try:
            out += stream.decompress(body, _MOST_BYTES + 1 - len(out))
        except zlib.error as error:
            return bytes(out), f"gzip: {error}"
        if len(out) > _MOST_BYTES:
            return bytes(out[:_MOST_BYTES]), f"more than {_MOST_BYTES} bytes"
        if not stream.eof:
            return bytes(out), "gzip: the stream ends early"
        body = stream.unused_data
    return bytes(out), None
