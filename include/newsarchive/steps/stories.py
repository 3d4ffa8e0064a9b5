"""Which story each article belongs to, kept in a table with what finds it again."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from newsarchive.schema import STORIES
from newsarchive.steps.place import one_of, pairs, source_groups, table_of
from newsarchive.stories import REACH, Told, story_ids, suspects
from newsarchive.text.duplicates import Shingled, is_same_text, shingled, signature

_COMPARED = ["article_id", "title", "text"]
Rows = dict[str, dict[str, Any]]


def group_stories(targets: Mapping[str, Any], changed: Iterable[date]) -> list[date]:
    """Tell anew which articles are one story, after articles of some days changed.

    Reads the signatures of days within reach, and the texts of those that may be the same. A day
    whose stories change leads to the days after it, until none does.

    Args:
        targets: articles, as they are now, and stories.
        changed: article days that may have changed.

    Returns:
        The days whose rows in `stories` were replaced.
    """
    work = _Work(targets)
    due: set[date] = set()
    stale = set(changed)
    while stale or due:
        for day in stale:
            if work.take_in(day):
                due |= {day, *_after(day)}
        stale = set()
        if due and not (stale := work.stale(day := min(due))):
            due.remove(day)
            if work.tell(day):
                due |= set(_after(day))
    targets["stories"].replace(work.rows_to_write(), work.replaced)
    return sorted(work.replaced)


def _after(day: date) -> list[date]:
    return [day + timedelta(days=n) for n in range(1, REACH.days + 1)]


class _Work:
    """The rows of some days while they change."""

    def __init__(self, targets: Mapping[str, Any]) -> None:
        self._targets = targets
        self._rows: dict[date, Rows] = {}
        self.replaced: set[date] = set()
        self._asked: dict[date, set[str]] = {}
        self._texts: dict[str, Shingled] = {}

    def _at(self, day: date) -> Rows:
        if day not in self._rows:
            rows = self._targets["stories"].read([day]).to_pylist()
            self._rows[day] = {r["article_id"]: r for r in sorted(rows, key=_id_of)}
        return self._rows[day]

    def take_in(self, day: date) -> bool:
        """Read a day's articles; say whether there are others than were told of, or other texts."""
        articles = self._targets["articles"].read([day], ["article_id", "text_sha256"])
        now = pairs(articles, "article_id", "text_sha256")
        known = self._at(day)
        fresh = {i for i, text in now.items() if i not in known or known[i]["text_sha256"] != text}
        if not fresh and len(now) == len(known):
            return False
        rows = {i: row for i, row in known.items() if i in now}
        for identity, content in self._contents(day, fresh):
            rows[identity] = {
                "article_day": day,
                "article_id": identity,
                "story_id": None,
                "text_sha256": now[identity],
                "signature": signature(content),
            }
        self._rows[day] = dict(sorted(rows.items()))
        self.replaced.add(day)
        return True

    def stale(self, day: date) -> set[date]:
        """Return the days within a day's reach whose rows name articles that are not there.

        So it is where a publish died between its commits: articles moved, their rows did not.
        """
        self._read_suspects(day)
        return {d for d, ids in self._asked.items() if not ids <= self._texts.keys()}

    def tell(self, day: date) -> bool:
        """Give a day's articles their stories; say whether one has another story than before."""
        rows = self._at(day)
        if not rows:
            return False
        texts = self._texts
        told = story_ids(
            _signatures(rows),
            self._before(day),
            lambda one, other: is_same_text(texts[one], texts[other]),
        )
        if all(rows[i]["story_id"] == story for i, story in told.items()):
            return False
        self._rows[day] = {i: {**row, "story_id": told[i]} for i, row in rows.items()}
        self.replaced.add(day)
        return True

    def _before(self, day: date) -> list[Told]:
        return [
            Told(r["article_id"], r["story_id"], r["signature"])
            for d in _within(day)
            for r in self._at(d).values()
        ]

    def _read_suspects(self, day: date) -> None:
        """Read the texts that telling a day may ask for."""
        rows = self._at(day)
        asked = suspects(_signatures(rows), self._before(day)) if rows else set()
        self._asked = {d: asked & self._at(d).keys() for d in (*_within(day), day)}
        self._texts = {i: t for d, ids in self._asked.items() for i, t in self._contents(d, ids)}

    def _contents(self, day: date, ids: Collection[str]) -> Iterable[tuple[str, Shingled]]:
        if not ids:
            return
        articles, of_ids = self._targets["articles"], one_of("article_id", ids)
        for group in source_groups(articles.read([day], ["source"], of_ids)):
            of_group = one_of("source", group.to_pylist())
            for row in articles.read([day], _COMPARED, of_group & of_ids).to_pylist():
                yield row["article_id"], shingled(row["title"], row["text"])

    def rows_to_write(self) -> pa.Table:
        rows = [row for day in sorted(self.replaced) for row in self._at(day).values()]
        return table_of(rows, STORIES.arrow)


def _within(day: date) -> list[date]:
    return [day - timedelta(days=n) for n in range(REACH.days, 0, -1)]


def _signatures(rows: Rows) -> dict[str, bytes]:
    return {identity: row["signature"] for identity, row in rows.items()}


def _id_of(row: Mapping[str, Any]) -> str:
    return str(row["article_id"])
