"""What a backfill will take, before anything is asked: requests, bytes, time. Pure.

Figures come from what the archive knows of a source (pages a day, bytes a page), else from what its
file expects, else from the usual. They are said to be about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from newsarchive import discover as discovery
from newsarchive.days import local_dates
from newsarchive.discover import Index
from newsarchive.sources.load import INDEXES, POLLED, Source

_PAGES = 50  # of a source of which nothing is known
_PAGE_BYTES = 150_000
_LISTING_BYTES = 100_000
_SITEMAP_FILES = 2  # asked for a day: the root, and what the root names
_ANSWER = 0.5  # seconds; what a request takes besides the delay
_BYTES_A_SECOND = 10_000_000
SHARED = "(all sources)"
PAGES = "pages"


@dataclass(frozen=True, slots=True)
class Known:
    """What the archive knows of a source."""

    pages_a_day: float | None = None
    page_bytes: float | None = None
    polled: frozenset[date] = frozenset()
    """Days of which polls archived its feeds, sitemaps or sections."""
    links: Mapping[date, int] | None = None
    """By day, links that are listed already."""
    held: Mapping[date, int] | None = None
    """By day, those whose pages are here."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one listing of a source, or its pages, will take in one month."""

    month: date
    """Its first day."""
    source: str
    listing: str
    """The address as declared, the name of an index, or `pages`."""
    route: str
    days: int
    """Of the days asked for, those that it can answer for; of pages: those that will have any."""
    of: int
    """Days asked for."""
    requests: int
    bytes: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backfill will take."""

    days: int
    """Days with anything to do."""
    lines: list[Line]
    seconds: float
    """About how long it will take, hosts side by side, one request at a time at each."""

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(line.requests for line in self.lines)

    @property
    def bytes(self) -> int:
        """All bytes."""
        return sum(line.bytes for line in self.lines)


def plan(
    wanted: Mapping[date, Sequence[Source]],
    newest: Mapping[Index, date],
    known: Mapping[str, Known],
    delays: Mapping[str, float],
    searched: Iterable[date] = (),
) -> Plan:
    """Return what it will take to run some days for some sources.

    Args:
        wanted: by day, the sources with anything to do.
        newest: every index, with the latest day that it can be asked for.
        known: by source, what the archive knows.
        delays: seconds between two requests, by source and by index.
        searched: days whose files of CC-NEWS were all searched already.
    """
    lines: list[Line] = []
    by_month: dict[tuple[date, str], list[date]] = {}
    sources = {s.name: s for some in wanted.values() for s in some}
    for day, some in sorted(wanted.items()):
        for source in some:
            by_month.setdefault((day.replace(day=1), source.name), []).append(day)
    answering: dict[str, set[date]] = {}
    for (month, name), days in sorted(by_month.items()):
        source, knows = sources[name], known.get(name, Known())
        own, able = _listings(month, source, days, newest, knows)
        lines += own
        answering.setdefault(name, set()).update(able)
        lines.append(_pages(month, source, days, able, knows))
    lines += _shared(wanted, newest, set(searched))
    return Plan(len(wanted), lines, _seconds(lines, sources, delays))


def _listings(
    month: date,
    source: Source,
    days: Sequence[date],
    newest: Mapping[Index, date],
    knows: Known,
) -> tuple[list[Line], set[date]]:
    """Return a line for each listing of a source, and the days that one of them can answer for."""
    lines: list[Line] = []
    able: set[date] = set()
    for listing in source.listing:
        note = None
        if listing.kind in POLLED:
            answered, requests = [d for d in days if d in knows.polled], 0
            note = "as archived by polls" if answered else "knows only the present"
        elif listing.kind == "dated":
            answered = list(days)
            requests = sum(
                len({listing.at(d) for d in local_dates(day, source.timezone)}) for day in days
            )
        else:
            answered, requests = list(days), _SITEMAP_FILES * len(days)
        able.update(answered)
        lines.append(
            Line(
                month,
                source.name,
                listing.url,
                listing.kind,
                len(answered),
                len(days),
                requests,
                requests * _LISTING_BYTES,
                note,
            )
        )
    for index in newest:
        if index.name not in source.indexes:
            continue
        answered = [d for d in days if index in discovery.indexes_for(source, d, newest)]
        able.update(answered)
        costs = [] if index.shared else [index.cost(d) for d in answered]
        lines.append(
            Line(
                month,
                source.name,
                index.name,
                index.name,
                len(answered),
                len(days),
                sum(c.requests for c in costs) * len(source.known_as),
                sum(c.bytes for c in costs) * len(source.known_as),
                "read once for all sources, below" if index.shared else None,
            )
        )
    return lines, able


def _pages(
    month: date, source: Source, days: Sequence[date], able: set[date], knows: Known
) -> Line:
    usual = knows.pages_a_day
    if usual is None:
        expected = source.expected
        usual = (expected.min + expected.max) / 2 if expected.max else expected.min or _PAGES
    links, held = knows.links or {}, knows.held or {}
    pages = sum(
        max(0, links[d] - held.get(d, 0)) if d in links else usual for d in days if d in able
    )
    each = knows.page_bytes or _PAGE_BYTES
    note = None if "live" in source.bodies else f"from {', '.join(source.bodies)}"
    return Line(
        month,
        source.name,
        PAGES,
        PAGES,
        sum(d in able for d in days),
        len(days),
        round(pages),
        round(pages * each),
        note,
    )


def _shared(
    wanted: Mapping[date, Sequence[Source]],
    newest: Mapping[Index, date],
    searched: set[date],
) -> list[Line]:
    """Return the lines of indexes that are read once for all sources."""
    lines: list[Line] = []
    for index in newest:
        if not index.shared:
            continue
        asked = {
            day
            for day, some in wanted.items()
            if any(index in discovery.indexes_for(s, day, newest) for s in some)
        }
        read = {d for day in asked for d in index.reads(day)}
        if index.name == "ccnews":
            read -= searched
        by_month: dict[date, list[date]] = {}
        for day in sorted(read):
            by_month.setdefault(day.replace(day=1), []).append(day)
        for month, days in by_month.items():
            costs = [index.cost(d) for d in days]
            lines.append(
                Line(
                    month,
                    SHARED,
                    index.name,
                    index.name,
                    len(days),
                    len(days),
                    sum(c.requests for c in costs),
                    sum(c.bytes for c in costs),
                )
            )
    return lines


def _seconds(
    lines: Iterable[Line], sources: Mapping[str, Source], delays: Mapping[str, float]
) -> float:
    """Return about how long it takes: hosts answer side by side, the slowest decides."""
    busy: dict[str, float] = {}
    for line in lines:
        by_index = line.route in INDEXES
        host = line.route if by_index else sources[line.source].hosts[0]
        delay = delays.get(line.route if by_index else line.source, 0.0)
        spent = line.requests * (delay + _ANSWER) + line.bytes / _BYTES_A_SECOND
        busy[host] = busy.get(host, 0.0) + spent
    return max(busy.values(), default=0.0)
