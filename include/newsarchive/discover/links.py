"""From what listings said to the links of one run day."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from newsarchive.days import bounds
from newsarchive.discover.page import Page
from newsarchive.model import Entry, Link
from newsarchive.sources.load import INDEXES, NEVER_POLLED, POLLED, WARC, Source
from newsarchive.text.address_dates import day_in_path, span_in_url
from newsarchive.text.identity import clean_url, host_of, link_id

# Names under which countries register others: example.co.uk is a site, co.uk is none.
_SHARED = set("ac co com edu gob gov gouv go gv info ltd me mil net nom ne ngo nic or".split())  # noqa: SIM905
_SHARED |= {"org", "plc", "press", "sch", "tv", "web"}
_FILED_ALREADY = frozenset({WARC, *INDEXES})
_MOST_NEW = 1000
"""Undated entries of a sitemap that may all be new when it is first seen."""
_FIRST_LOOK = "its first look: none of its entries without a date is taken for new"
_AT_ONCE = timedelta(minutes=10)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Archived:
    """An archived capture of a listing, its content already read."""

    captured_at: datetime
    """UTC."""
    listing: str
    """The address as declared (for dated listings a template)."""
    route: str
    """feed, sitemap, dated or section; gdelt, wayback, ccnews or warc."""
    url: str
    """Where it was fetched: the base of relative addresses; tells a dated listing's date."""
    page: Page
    payload_sha256: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """The links of a source on a run day, and what is known to be missing."""

    links: list[Link]
    """By URL."""
    gaps: dict[str, str]
    """By listing, a note of entries that may be missing: between two polls, or of a first look."""
    dropped: dict[str, int] = field(default_factory=dict)
    """How many addresses were left out, by reason: no web address, another site, no article."""


@dataclass(slots=True)
class _Merged:
    """Everything that the listings of the day said of one URL."""

    routes: set[str] = field(default_factory=set)
    listings: set[str] = field(default_factory=set)
    dated: tuple[tuple[object, ...], datetime | None, date | None] | None = None
    titled: tuple[tuple[object, ...], str] | None = None
    updated_at: datetime | None = None


def discover(
    source: Source, run_day: date, archived: Iterable[Archived], memory: Iterable[Archived] = ()
) -> Discovered:
    """Return the links of `source` that belong to `run_day`.

    A pure function of what is archived; the order of its inputs does not matter. An entry of a feed
    or section page belongs to the day of the poll that first showed it; one of a sitemap or dated
    listing to the day of its listed time (UTC), or to its listed date as it stands; one of a
    sitemap that has no date at all is treated like a feed's. What a public index or somebody's
    WARC files gave was filed under its day when it was read.

    Args:
        source: the publication.
        run_day: a UTC day.
        archived: the listings filed under `run_day`: polls of that day, and what its runs asked.
        memory: polls on days before; of each listing at least the last one.
    """
    reader = _Reader(source, run_day)
    files = sorted(archived, key=_when)
    past = sorted((a for a in [*memory, *files] if reader.is_past_poll(a)), key=_when)
    reader.own |= {u for a in [*files, *past] for u in (clean_url(a.url),) if u}

    first_looks = _first_looks(files, past, reader)
    shown_at_first: set[str] = set()
    shown_before: set[str] | None = None
    merged: dict[str, _Merged] = defaultdict(_Merged)
    done: set[tuple[str, str, str, bool]] = set()
    for file in files:
        polled = reader.is_poll(file)
        key = file.listing, file.url, file.payload_sha256, polled
        if key in done or (file.route in POLLED and not polled):
            continue  # the same bytes say nothing new; a feed knows only the present
        done.add(key)
        file_day = _file_day(file, run_day) if file.route == "dated" else None
        believed = _lastmod_tells(file)
        for position, listed in enumerate(file.page.entries):
            entry, filed = listed if believed else _without_lastmod(listed), None
            if file.route in _FILED_ALREADY:
                entry, filed = listed, run_day
            elif file.route not in POLLED:
                entry, filed = reader.filed(entry, file, file_day)
            if filed is None and not polled:
                continue
            if filed is not None and filed != run_day:
                continue
            url = reader.address(entry.url, file, count=True)
            if url is None:
                continue
            if filed is None:
                if shown_before is None:
                    shown_before = reader.addresses(past)
                if url in shown_before or (file.route == "sitemap" and url in shown_at_first):
                    continue
                if _when(file) in first_looks:
                    shown_at_first.add(url)
                    continue
            _merge(merged[url], reader.in_utc(entry), file, position)
    links = [_link(source, run_day, url, merged[url]) for url in sorted(merged)]
    dropped = {reason: len(urls) for reason, urls in sorted(reader.dropped.items())}
    gaps = _gaps(reader, [f for f in files if reader.is_poll(f)], past)
    return Discovered(links, {**dict.fromkeys(first_looks.values(), _FIRST_LOOK), **gaps}, dropped)


def _when(file: Archived) -> tuple[datetime, str, str, str]:
    return file.captured_at, file.listing, file.url, file.payload_sha256


class _Reader:
    """Addresses and times of one source's entries; each address is cleaned once."""

    def __init__(self, source: Source, run_day: date) -> None:
        self.start, self.end = bounds(run_day)
        self.zone = ZoneInfo(source.timezone)
        self.sites = {_site(h) for h in source.hosts}
        self.sites |= {_site(f"https://{d.partition('/')[0]}") for d in source.known_as}
        addresses = [source.url, *(li.url for li in source.listing)]
        self.own = {u for u in map(clean_url, addresses) if u}
        self.dropped: dict[str, set[str]] = defaultdict(set)
        self._cleaned: dict[tuple[str, str], tuple[str | None, str]] = {}

    def is_poll(self, file: Archived) -> bool:
        return file.route not in NEVER_POLLED and self.start <= file.captured_at < self.end

    def is_past_poll(self, file: Archived) -> bool:
        return file.route not in NEVER_POLLED and file.captured_at < self.start

    def address(self, raw: str, file: Archived, *, count: bool = False) -> str | None:
        """Return the cleaned address of an entry; None for what is no article of this source."""
        base = "" if raw[:7].lower() in ("http://", "https:/") else file.url
        if (raw, base) not in self._cleaned:
            url = clean_url(raw, base or None)
            self._cleaned[raw, base] = url, _site(host_of(url)) if url else ""
        url, site = self._cleaned[raw, base]
        reason = None
        if url is None:
            reason = "no web address"
        elif url in self.own:
            reason = "no article"
        # A feed may name a redirecting service, or a sister site on purpose. A sitemap speaks only
        # for its own site; a page has advertisements too.
        elif file.route != "feed" and site not in self.sites:
            reason = "another site"
        if reason and count:
            self.dropped[reason].add(raw)
        return None if reason else url

    def addresses(self, files: Iterable[Archived]) -> set[str]:
        return {u for f in files for e in f.page.entries for u in (self.address(e.url, f),) if u}

    def in_utc(self, entry: Entry) -> Entry:
        """Return `entry` with its times in UTC: one without zone is in the source's."""
        listed, updated = _utc(entry.listed_at, self.zone), _utc(entry.updated_at, self.zone)
        if (listed, updated) == (entry.listed_at, entry.updated_at):
            return entry
        return replace(entry, listed_at=listed, updated_at=updated)

    def filed(
        self, entry: Entry, file: Archived, file_day: date | None
    ) -> tuple[Entry, date | None]:
        """Return the entry of a sitemap or dated listing, and its run day if it has a date.

        The entry comes back with the day that its file or its address says, where it says none.

        Args:
            entry: as read.
            file: what it stands in.
            file_day: the local date that a dated listing's file is for.
        """
        if entry.listed_at is not None:
            at = _utc(entry.listed_at, self.zone)
            return entry, at.date() if at else None
        if entry.listed_day is not None:
            return entry, entry.listed_day
        day = file_day or day_in_path(entry.url)
        if day is not None:
            return replace(entry, listed_day=day), day
        # lastmod says on which day to look, and is not passed on as a publication date.
        updated = _utc(entry.updated_at, self.zone)
        day = updated.date() if updated else entry.updated_day
        # One of a day to come would hide the entry until then.
        return entry, day if day and day <= file.captured_at.date() + _A_DAY else None


def _utc(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    if at is None:
        return None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # at the ends of the calendar
        return None


def _file_day(file: Archived, run_day: date) -> date | None:
    """Return the local date that a dated listing's file is for; None for a month's or a year's."""
    days = [run_day + timedelta(days=n) for n in range(-3, 4)]
    try:
        near = {file.listing.format(date=d): d for d in days}
    except (KeyError, IndexError, ValueError, AttributeError):
        near = {}  # a template that no source has any more
    if near and len(near) < len(days):
        return None
    wanted = clean_url(file.url)
    for url, day in near.items():
        if clean_url(url) == wanted:
            return day
    span = span_in_url(file.url)  # redirected, or the child of a dated index
    return span[0] if span and span[0] == span[1] else None


def _merge(into: _Merged, entry: Entry, file: Archived, position: int) -> None:
    into.routes.add(file.route)
    into.listings.add(file.listing)
    rank = (
        0 if entry.listed_at else 1 if entry.listed_day else 2,  # a time is better than a date
        entry.listed_at or datetime.max.replace(tzinfo=UTC),
        entry.listed_day or date.max,
        *_when(file),
        position,
    )
    if into.dated is None or rank < into.dated[0]:
        into.dated = (rank, entry.listed_at, entry.listed_day)
    if entry.title and (into.titled is None or rank < into.titled[0]):
        into.titled = (rank, entry.title)
    if entry.updated_at and (into.updated_at is None or entry.updated_at > into.updated_at):
        into.updated_at = entry.updated_at


def _link(source: Source, run_day: date, url: str, merged: _Merged) -> Link:
    return Link(
        run_day=run_day,
        source=source.name,
        link_id=link_id(source.name, url),
        url=url,
        host=host_of(url),
        routes=sorted(merged.routes),
        listings=sorted(merged.listings),
        listed_title=merged.titled[1] if merged.titled else None,
        listed_at=merged.dated[1] if merged.dated else None,
        listed_day=merged.dated[2] if merged.dated else None,
        updated_at=merged.updated_at,
    )


def _lastmod_tells(file: Archived) -> bool:
    """Say whether the entries' times of change tell them apart.

    Some content systems write the time of the request, or of their last rebuilding, to all of them.
    """
    times = sorted(e.updated_at.replace(tzinfo=None) for e in file.page.entries if e.updated_at)
    if len(times) >= 20 and times[len(times) * 19 // 20] - times[len(times) // 20] <= _AT_ONCE:
        return False
    days = Counter(e.updated_day for e in file.page.entries if e.updated_day and not e.updated_at)
    return days.total() <= _MOST_NEW or max(days.values()) < days.total() * 9 // 10


def _without_lastmod(entry: Entry) -> Entry:
    if entry.updated_at is None and entry.updated_day is None:
        return entry
    return replace(entry, updated_at=None, updated_day=None)


def _first_looks(
    files: list[Archived], past: list[Archived], reader: _Reader
) -> dict[tuple[datetime, str, str, str], str]:
    """Return the polls that are the first of a sitemap with more undated entries than can be new.

    A site that lists all that it ever had, without dates, has not published it on one day.
    """
    known = {(p.listing, p.url) for p in past if p.page.entries}
    found = {}
    for file in files:
        key = file.listing, file.url
        if file.route != "sitemap" or not reader.is_poll(file) or key in known:
            continue
        known.add(key)
        believed = _lastmod_tells(file)
        entries = (e if believed else _without_lastmod(e) for e in file.page.entries)
        if sum(reader.filed(e, file, None)[1] is None for e in entries) > _MOST_NEW:
            found[_when(file)] = file.listing
    return found


def _gaps(reader: _Reader, polls: list[Archived], past: list[Archived]) -> dict[str, str]:
    """Note each polled listing of which two polls in a row share no entry, the later on the day.

    Polls without entries (broken, or no feed) are passed over: what they hid is looked for in the
    next one. The note has no times, as a time of capture would make equal archives differ.
    """
    gaps = {}
    for listing in sorted({p.listing for p in polls if p.route in POLLED}):
        row = [
            (poll[0].captured_at, shown)
            for poll in _polls([p for p in [*past, *polls] if p.listing == listing])
            if (shown := reader.addresses(poll))
        ]
        lost = sum(a.isdisjoint(b) for (_, a), (when, b) in pairwise(row) if when >= reader.start)
        if lost:
            polls_share = "poll shares" if lost == 1 else "polls share"
            gaps[listing] = f"{lost} {polls_share} no entry with the one before: some may be lost"
    return gaps


def _polls(files: list[Archived]) -> list[list[Archived]]:
    """Return the captures of one listing by poll: its first page comes first, and comes once."""
    polls: list[list[Archived]] = []
    for file in files:
        if file.route == "section" and polls and file.url not in {f.url for f in polls[-1]}:
            polls[-1].append(file)
        else:
            polls.append([file])
    return polls


def _site(host: str) -> str:
    """Return what is registered of a host: example.com of https://news.example.com:8443.

    The last two labels, or three below a country's shared second level (co.uk, com.eg); an IP
    address stands whole.
    """
    name = host.partition("://")[2]
    if name.startswith("["):
        return name.partition("]")[0]
    labels = name.partition(":")[0].rstrip(".").split(".")
    if labels[-1].isdigit():
        return ".".join(labels)
    shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHARED
    return ".".join(labels[-3 if shared else -2 :])
