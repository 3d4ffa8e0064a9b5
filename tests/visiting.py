"""Which links and visits must follow from the hours of polls and runs, told from the samples alone.

This is written against what the documents say of listings and visits, not against the archive's
code: a second opinion, to be held beside it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from days import plain, rows

from newsarchive.sample.generate import ENGLISH, PAPERS, Kind, Paper, Story
from newsarchive.sample.listings import lastmod, newest, recent
from newsarchive.sample.truth import Visited, stories_of, truth_of_visits
from newsarchive.text.identity import clean_url

REVISITS = {"1d": timedelta(days=1), "7d": timedelta(days=7)}
EARLY = timedelta(hours=1)
LOOKBACK = 2
TIMES = ("captured_at", "seen_until", "first_seen", "last_seen", "gone_at")
SLOWEST = timedelta(minutes=10)  # a step that takes longer than this is not told from another
KEYS = {
    "versions": ("run_day", "source", "url", "visit"),
    "articles": ("article_id",),
    "rejects": ("run_day", "source", "url"),
}


@dataclass
class Link:
    """A link of a run day, as the newspapers' listings and clock make it."""

    story: Story
    routes: set[str] = field(default_factory=set)
    updated_at: datetime | None = None
    visits: list[tuple[datetime, str]] = field(default_factory=list)

    def listed(self, route: str, updated_at: datetime | None) -> None:
        self.routes.add(route)
        if updated_at and (self.updated_at is None or updated_at > self.updated_at):
            self.updated_at = updated_at

    def visit(self, at: datetime) -> None:
        """Make the visit that is due, if there is one."""
        label = self._due(at)
        if label:
            self.visits.append((at, label))

    def _due(self, at: datetime) -> str | None:
        if not self.visits:
            return "first"
        first, seen = self.visits[0][0], self.visits[-1][0]
        if self.story.kind in (Kind.GONE, Kind.FORBIDDEN) or self.story.state(seen).deleted:
            return None
        over = [label for label, span in REVISITS.items() if at >= first + span - EARLY]
        if over and seen < first + REVISITS[over[-1]] - EARLY:
            return over[-1]
        if self.updated_at and self.updated_at > seen:
            return f"updated {self.updated_at:%Y-%m-%dT%H:%M:%SZ}"
        return None


class Expected:
    """What polls and runs at given times must have found, in order of time."""

    def __init__(self, base_url: str, papers: Iterable[Paper] = PAPERS) -> None:
        self.base_url, self.papers = base_url, tuple(papers)
        self.links: dict[tuple[date, str, str], Link] = {}
        self.shown: dict[str, list[tuple[datetime, set[str]]]] = defaultdict(list)
        self.ran: set[date] = set()

    def poll(self, at: datetime) -> None:
        day = at.date()
        for paper in self.papers:
            feed, sitemap = newest(paper, at), recent(paper, at)
            polls = self.shown[paper.name]
            known = next((urls for when, urls in reversed(polls) if when.date() < day), set())
            for story in feed:
                if self._url(story, at) not in known:
                    changed = story.state(at).since if paper is ENGLISH else None  # it has Atom
                    self._link(day, story, at).listed("feed", changed)
            for story in sitemap:
                if story.run_day == day:
                    self._link(day, story, at).listed("sitemap", lastmod(story, at))
            polls.append((at, {self._url(s, at) for s in [*feed, *sitemap]}))
        for (run_day, _, _), link in self.links.items():
            if run_day == day and not link.visits:
                link.visit(at)

    def run(self, run_day: date, at: datetime) -> None:
        plan = [run_day] + [
            day for n in (1, 2, 7) if (day := run_day - timedelta(days=n)) in self.ran
        ]
        for day in plan:
            if (run_day - day).days > LOOKBACK:
                continue  # its listings have settled
            for paper in self.papers:
                for story in stories_of(paper, day, at):
                    self._link(day, story, at).listed("dated", lastmod(story, at))
        for (day, _, _), link in self.links.items():
            if day in plan:
                link.visit(at)
        self.ran.add(run_day)

    def visited(self) -> list[Visited]:
        return [
            Visited(day, source, url, frozenset(link.routes), tuple(link.visits))
            for (day, source, url), link in self.links.items()
            if link.visits
        ]

    def truth(self) -> dict[str, list[dict[str, Any]]]:
        return truth_of_visits(self.visited(), self.base_url)

    def _url(self, story: Story, at: datetime) -> str:
        url = clean_url(self.base_url + story.listed_path(at))
        assert url
        return url

    def _link(self, day: date, story: Story, at: datetime) -> Link:
        key = day, story.paper.name, self._url(story, at)
        return self.links.setdefault(key, Link(story))


def differences(archive: Path, wanted: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return in words where an archive's rows differ from the truth of visits."""
    found: list[str] = []
    for view, key in KEYS.items():
        have = _by_key(rows(archive, view), key, found)
        want = _by_key(wanted[view], key, found)
        found += [f"{view}: missing {k}" for k in want.keys() - have.keys()]
        found += [f"{view}: extra {k}" for k in have.keys() - want.keys()]
        found += [
            f"{view} {k} {name}: {have[k][name]!r}, not {value!r}"
            for k in want.keys() & have.keys()
            for name, value in want[k].items()
            if not _fits(name, have[k][name], value)
        ]
    return sorted(found)


def _by_key(
    table: Iterable[dict[str, Any]], key: tuple[str, ...], found: list[str]
) -> dict[tuple[str, ...], dict[str, Any]]:
    made: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in table:
        identity = tuple(str(plain(row[k])) for k in key)
        if identity in made:
            found.append(f"twice: {identity}")
        made[identity] = row
    return made


def _fits(name: str, have: Any, want: Any) -> bool:
    if have == want or have is None or want is None:
        return bool(have == want)
    if name in TIMES:
        late = datetime.fromisoformat(have) - datetime.fromisoformat(want)
        return timedelta(0) <= late < SLOWEST
    if isinstance(want, str) and name.endswith("_at"):
        return datetime.fromisoformat(have) == datetime.fromisoformat(want)
    return False


def at_midnight(day: date) -> datetime:
    """Return the UTC midnight that a day begins with."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
