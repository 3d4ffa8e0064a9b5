"""How a day stands, and how old the newest articles are: for whoever watches over the archive."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.days import days_between
from newsarchive.settings import Settings
from newsarchive.steps.place import Place, pairs, place_of

WANTING = ("failed", "low")
"""Statuses of a source's day that somebody should look at."""
_FAR = 14  # days; an older newest article is not looked for


@dataclass(frozen=True, slots=True)
class Day:
    """The coverage of one source."""

    source: str
    status: str
    kept: int
    expected_min: int | None
    note: str | None

    def __str__(self) -> str:
        """Return one line."""
        few = f", {self.expected_min} expected at least" if self.status == "low" else ""
        why = f": {self.note}" if self.note else ""
        return f"{self.source}: {self.status} ({self.kept} articles{few}){why}"


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of a run day."""

    coverage: list[Day]
    ages: dict[str, float]
    """Seconds since the newest article, by source."""

    def statuses(self) -> dict[str, int]:
        """Return how many sources have each status; `failed` and `low` always among them."""
        return {**dict.fromkeys(WANTING, 0), **Counter(row.status for row in self.coverage)}

    def wanting(self) -> list[Day]:
        """Return the sources that somebody should look at."""
        return [row for row in self.coverage if row.status in WANTING]


def watch(run_day: date, settings: Settings | None = None) -> Watched:
    """Return how a run day stands, of the sources that are on."""
    place = place_of(settings)
    columns = ["source", "status", "kept", "expected_min", "note"]
    rows = place.archive.open("coverage").read([run_day], columns).to_pylist()
    coverage = [Day(**row) for row in rows if row["source"] in place.sources]
    return Watched(coverage, _ages(place, datetime.now(UTC)))


def newest_ages(settings: Settings | None = None) -> dict[str, float]:
    """Return the seconds since the newest article of each source that is on.

    Fourteen days stand for those and all that is older, or for none at all.
    """
    return _ages(place_of(settings), datetime.now(UTC))


def _ages(place: Place, now: datetime) -> dict[str, float]:
    days = days_between(now.date() - timedelta(days=_FAR), now.date() + timedelta(days=1))
    rows = place.archive.open("articles").read(days, ["source", "published_at", "first_seen"])
    # A page may state a time that is still to come: it is no older than when it was seen.
    seen = rows["first_seen"]
    said = pc.coalesce(rows["published_at"], seen)
    at = pc.if_else(pc.less(said, seen), said, seen)
    newest = (
        pa.table({"source": rows["source"], "at": at}).group_by("source").aggregate([("at", "max")])
    )
    found = pairs(newest, "source", "at_max")
    oldest = timedelta(days=_FAR)
    return {
        name: min(now - found[name] if name in found else oldest, oldest).total_seconds()
        for name in sorted(place.sources)
    }
