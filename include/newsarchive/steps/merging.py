"""Which versions make an article: its own, of every run day and of every address that it had."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.articles import DECIDE_THE_DAY, article_days, merge
from newsarchive.moves import MOVED, RETITLED, remaining
from newsarchive.schema import ARTICLE_INDEX, ARTICLES
from newsarchive.sources import Source
from newsarchive.steps.place import having, one_of, pairs, source_groups, table_of
from newsarchive.store.tables import rows_of


@dataclass(frozen=True, slots=True)
class Touched:
    """Some articles whole: everything that decides what they are, but for their texts."""

    ids: frozenset[str]
    """Every id that versions, aliases or the index have for them."""
    filed: pa.Table
    """Their rows in the index so far."""
    aliases: pa.Table
    """Of moves."""
    versions: pa.Table
    """Which versions they have: `source` and `DECIDE_THE_DAY`."""
    shown_as: Mapping[str, str]
    """The id that is shown in place of another one."""

    @property
    def any_of_ids(self) -> pc.Expression:
        """A filter: rows whose `article_id` is one of theirs."""
        return one_of("article_id", self.ids)

    @property
    def shown(self) -> pa.Table:
        """Their `source` and `article_id` as they are shown, a row each."""
        ids = [self.shown_as.get(i, i) for i in self.versions["article_id"].to_pylist()]
        every = pa.table({"source": self.versions["source"], "article_id": pa.array(ids, "string")})
        return every.group_by(every.column_names).aggregate([])

    def article_days(self) -> dict[str, date]:
        """Return the day that each is filed under, by the id that it is shown as."""
        found: dict[str, date] = {}
        for group in source_groups(self.versions):
            rows = having(self.versions, "source", group).to_pylist()
            found |= article_days(rows, self.shown_as)
        return found


def touched_by(targets: Mapping[str, Any], day: date, ids: Iterable[str]) -> Touched:
    """Return the articles that some ids belong to, with all their versions.

    The index leads from an id to the run days with versions or aliases of it, aliases and embedded
    articles to other ids, until there are no more.

    Args:
        targets: article_index, aliases and versions.
        day: a run day that is looked at too, though the index may not have it yet.
        ids: ids of articles that versions have.
    """
    known = frozenset(ids)
    while True:
        own = one_of("article_id", known)
        filed = targets["article_index"].find("article_id", known)
        days = sorted({day, *filed["run_day"].to_pylist()})
        aliases = moves_of(targets, days, own | one_of("alias_id", known))
        family = targets["versions"].read(
            days,
            ["article_id", "parent_article_id"],
            where=own | one_of("parent_article_id", known),
        )
        found = known.union(
            aliases["alias_id"].to_pylist(),
            aliases["article_id"].to_pylist(),
            family["article_id"].to_pylist(),
            family["parent_article_id"].drop_null().to_pylist(),
        )
        if found == known:
            break
        known = found
    versions = targets["versions"].read(days, ["source", *DECIDE_THE_DAY], where=own)
    first = versions.group_by("article_id").aggregate([("run_day", "min")])
    first_run_day = pairs(first, "article_id", "run_day_min")
    return Touched(known, filed, aliases, versions, remaining(first_run_day, aliases.to_pylist()))


def moves_of(targets: Mapping[str, Any], days: Iterable[date], where: Any = None) -> pa.Table:
    """Return the aliases of some run days that tell of moves."""
    rows: pa.Table = targets["aliases"].read(days, where=where)
    return having(rows, "reason", pa.array([MOVED, RETITLED]))


def merged(
    targets: Mapping[str, Any], touched: Touched, sources: Mapping[str, Source]
) -> Iterator[pa.Table]:
    """Merge versions into articles, some sources at a time: memory is not for all their texts.

    Args:
        targets: versions, as they were when `touched` was read.
        touched: the articles.
        sources: declared sources by name.
    """
    for group in source_groups(touched.versions):
        yield _merged(targets, touched, sources, group)


def with_others(
    targets: Mapping[str, Any],
    touched: Touched,
    sources: Mapping[str, Source],
    days: Collection[date],
) -> Iterator[pa.Table]:
    """Yield what article days hold from now on, some sources at a time, in the order of sources.

    Args:
        targets: versions and articles, as they were when `touched` was read.
        touched: articles that are merged anew; all that they are filed under is among `days`.
        sources: declared sources by name.
        days: the article days, whose other articles stay as they are.
    """
    articles, others = targets["articles"], ~touched.any_of_ids
    for group in source_groups(touched.versions, articles.read(days, ["source"], others)):
        kept = articles.read(days, where=one_of("source", group.to_pylist()) & others)
        yield pa.concat_tables([kept, _merged(targets, touched, sources, group)])


def _merged(
    targets: Mapping[str, Any], touched: Touched, sources: Mapping[str, Source], group: pa.Array
) -> pa.Table:
    """Merge the versions of some sources; each has ids of its own."""
    known = having(touched.versions, "source", group)
    days = pc.unique(known["run_day"]).to_pylist()
    own = one_of("article_id", pc.unique(known["article_id"]).to_pylist())
    versions = targets["versions"].read(days, where=one_of("source", group.to_pylist()) & own)
    return rows_of(merge(versions.to_pylist(), sources, touched.shown_as), ARTICLES)


def index_rows(touched: Touched, article_day: Mapping[str, date], ids: Collection[str]) -> pa.Table:
    """Return the rows of the index that are right for some ids.

    Args:
        touched: their articles.
        article_day: the day that each article is filed under, by the id that it is shown as.
        ids: the ids.
    """
    pairs = {
        (run_day, identity)
        for table, column in (
            (touched.versions, "article_id"),
            (touched.aliases, "article_id"),
            (touched.aliases, "alias_id"),
        )
        for run_day, identity in zip(
            table["run_day"].to_pylist(), table[column].to_pylist(), strict=True
        )
        if identity in ids
    }
    return table_of(
        [
            {
                "run_month": run_day.replace(day=1),
                "run_day": run_day,
                "article_id": identity,
                # What an alias names may have no version, and so no day of its own.
                "article_day": article_day.get(touched.shown_as.get(identity, identity), run_day),
                "shown_as": touched.shown_as.get(identity),
            }
            for run_day, identity in pairs
        ],
        ARTICLE_INDEX.arrow,
    )


def file_index(target: Any, touched: Touched, rows: pa.Table, ids: Collection[str]) -> set[date]:
    """Make `rows` all that the index has of some ids; return the months that it changed."""
    filed = having(touched.filed, "article_id", pa.array(sorted(ids), pa.string()))
    months = {*rows["run_month"].to_pylist(), *filed["run_month"].to_pylist()}
    others = ~one_of("article_id", ids)
    target.replace(pa.concat_tables([target.read(months, where=others), rows]), months)
    return months
