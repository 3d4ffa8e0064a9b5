"""Where a step works: the archive, the sources that are on, and the days of its run."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import discover as discovery
from newsarchive import settings as settings_module
from newsarchive.days import today
from newsarchive.discover.ccnews import CcNews
from newsarchive.discover.gdelt import Gdelt
from newsarchive.discover.index import Index
from newsarchive.discover.wayback import Wayback
from newsarchive.errors import ArchiveError
from newsarchive.objects import Folder
from newsarchive.outcome import Outcome
from newsarchive.providers import LIVE
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.sources.load import Listing, Politeness
from newsarchive.store.tables import Archive
from newsarchive.visits import days_back

log = logging.getLogger("newsarchive.steps")

_PATIENCE = 60.0  # seconds; who ignores a 429 of the Wayback Machine is shut out for an hour
_NO_BUDGET = 1_000_000_000
_GROUP = 500  # rows of some sources whose texts are in memory at once

Progress = Callable[[str, int, int], None]
"""What is being done, how many of it are done, out of how many."""


def with_archive(settings: Settings | None) -> Settings:
    """Return settings, of which the archive is there.

    Raises:
        ArchiveError: there is none.
    """
    settings = settings or settings_module.load()
    if not settings.archive_path.is_dir():
        raise ArchiveError(
            f"{settings.archive_path}: no archive here yet; `newsarchive run` makes one"
        )
    return settings


def quiet(what: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step works: settings, the archive, and the sources that are on."""

    settings: Settings
    archive: Archive
    declared: dict[str, Source]
    sources: dict[str, Source]

    @property
    def root(self) -> Folder:
        """Where the archive lies."""
        return self.archive.root

    @property
    def gdelt(self) -> Gdelt:
        """GDELT's article lists."""
        return Gdelt(self.settings.gdelt_url)

    @property
    def wayback(self) -> Wayback:
        """The Wayback Machine."""
        return Wayback(self.settings.wayback_url)

    @property
    def ccnews(self) -> CcNews:
        """Common Crawl's CC-NEWS."""
        return CcNews(self.settings.commoncrawl_url, self.settings.ccnews_days)

    @property
    def newest(self) -> dict[Index, date]:
        """Every public index, with the latest day that it can be asked for."""
        after = self.settings.index_after
        indexes: tuple[Index, ...] = (self.gdelt, self.wayback, self.ccnews)
        return {index: index.newest(today(), after) for index in indexes}

    @property
    def hosts_of_indexes(self) -> dict[str, Source]:
        """The hosts of the public indexes, each as the source that asks it, by the index's name."""
        settings = self.settings
        delays = {
            "gdelt": 60 / settings.gdelt_per_minute,
            "wayback": 60 / settings.wayback_per_minute,
        }
        return {
            index.name: Source(
                name=index.name,
                title=index.name,
                url=index.base,
                language="mul",
                timezone="UTC",
                # An address of one's own network is there only where the settings name it.
                allow_private=not index.base.startswith("https://"),
                listing=[Listing(kind="feed", url=index.base)],
                politeness=Politeness(
                    delay=delays.get(index.name),
                    patience=_PATIENCE,
                    max_requests=_NO_BUDGET,
                    max_megabytes=_NO_BUDGET,
                ),
            )
            for index in self.newest
        }

    def bodies(self, source: Source, day: date) -> list[str]:
        """Return who may be asked for a source's pages of a day; archives once it is well over."""
        after = self.settings.index_after
        settled = day <= today() - timedelta(days=1 + after)
        return [b for b in source.bodies if b == LIVE or settled]

    def asking(self, source: Source, index: str) -> Source:
        """Return a source as it asks the host of an index: that may be where its own may not."""
        host = self.hosts_of_indexes[index]
        return source.model_copy(update={"allow_private": host.allow_private})


def place_of(settings: Settings | None) -> Place:
    """Return where to work, from settings as given or as loaded.

    Raises:
        ArchiveError: no source is on.
    """
    settings = settings or settings_module.load()
    declared = settings.all_sources()
    on = {n: s for n, s in declared.items() if s.matches(settings.sources)}
    if not on:
        raise ArchiveError(
            f"no source is on: the setting sources = {','.join(settings.sources)!r} names none of "
            f"{len(declared)} declared ones; `newsarchive sources list` shows them"
        )
    return Place(settings, Archive(settings.archive_path), declared, on)


@dataclass(frozen=True, slots=True)
class Work:
    """What a run does for one day."""

    day: date
    listed: list[Source]
    """Sources whose listings are asked."""
    visited: list[Source]
    """Sources whose pages may be asked; those of `listed` among them."""


def plan_of(place: Place, run_day: date) -> list[Work]:
    """Return the days to work on: the run's own, then those redone or due a revisit.

    A day is redone while it is recent: a run of a day long past finds listings that have settled,
    and pages whose revisits would tell of today, not of then.
    """
    sources = list(place.sources.values())
    plan = [Work(run_day, sources, sources)]
    again: dict[int, tuple[list[Source], list[Source]]] = defaultdict(lambda: ([], []))
    for source in sources:
        lookback = range(1, source.politeness.lookback + 1)
        for back in {*lookback, *days_back(source.politeness.revisits)}:
            listed, visited = again[back]
            visited.append(source)
            if back in lookback:
                listed.append(source)
    late = (today() - run_day).days - 1  # days since the run's own day was the newest
    if late > max(again, default=0):
        return plan
    days = {run_day - timedelta(days=back): back for back in again}
    ran = place.archive.open("coverage").read(days, ["run_day", "source"])
    pairs = set(zip(ran["run_day"].to_pylist(), ran["source"].to_pylist(), strict=True))
    for day in sorted(days, reverse=True):
        listed, visited = ([s for s in some if (day, s.name) in pairs] for some in again[days[day]])
        longest = max((s.politeness.lookback for s in listed), default=0)
        if (today() - day).days - 1 > longest:
            listed = []
        if visited and (listed or (today() - day).days - 1 <= days[day]):
            plan.append(Work(day, listed, visited))
    return plan


def can_answer(place: Place, source: Source, day: date) -> bool:
    """Say whether a source has a listing that can answer for a past day, or an index that can."""
    return bool(discovery.asks(source, day) or discovery.indexes_for(source, day, place.newest))


def run_days(place: Place, run_day: date) -> list[date]:
    """Return the days that a run works on."""
    return [work.day for work in plan_of(place, run_day)]


def table_of(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as an Arrow table."""
    return pa.Table.from_pylist(rows, schema=schema)


def having(rows: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return the rows that have one of some values in a column."""
    return rows.filter(pc.is_in(rows[column], value_set=values))


def one_of(column: str, values: Iterable[str]) -> pc.Expression:
    """Return the filter for rows that have one of some texts in a column; of none, no row."""
    return pc.field(column).isin(pa.array(sorted(values), pa.string()))


def source_groups(*tables: pa.Table) -> Iterator[pa.Array]:
    """Yield the names of the sources that tables have rows of, sorted, some at a time.

    Those of a group have some hundred rows together, or it is one source that has more.
    """
    counts: Counter[str] = Counter()
    for table in tables:
        for found in table["source"].value_counts().to_pylist():
            counts[found["values"]] += found["counts"]
    group: list[str] = []
    size = 0
    for name in sorted(counts):
        if group and size + counts[name] > _GROUP:
            yield pa.array(group, pa.string())
            group, size = [], 0
        group.append(name)
        size += counts[name]
    if group:
        yield pa.array(group, pa.string())


def pairs(rows: pa.Table, key: str, value: str) -> dict[Any, Any]:
    """Return the values of one column by those of another."""
    return dict(zip(rows[key].to_pylist(), rows[value].to_pylist(), strict=True))


def count_rows(outcome: Outcome, rows: pa.Table, what: str) -> None:
    """Count rows by their source."""
    for found in rows["source"].value_counts().to_pylist():
        outcome.add(found["values"], what, found["counts"])


def reported(outcome: Outcome) -> Outcome:
    """Log the outcome's table, as the last thing that a step does."""
    log.info("%s", outcome.table())
    return outcome
