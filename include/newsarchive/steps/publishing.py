"""`publish`: articles, coverage and the snapshot."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import coverage
from newsarchive import discover as discovery
from newsarchive.articles import merge
from newsarchive.outcome import Outcome
from newsarchive.schema import (
    ARTICLE_INDEX,
    ARTICLES,
    COVERAGE,
)
from newsarchive.settings import Settings
from newsarchive.sources import Source
from newsarchive.steps.capturing import OF_OUTCOMES, budgets_used, page_outcomes
from newsarchive.steps.place import (
    Place,
    Progress,
    count_rows,
    having,
    place_of,
    plan_of,
    quiet,
    reported,
    table_of,
)
from newsarchive.store import snapshot
from newsarchive.store.tables import committing, rows_of

_GROUP = 1000  # articles that are objects at once; the rest of a day is compact Arrow


def publish(run_day: date, settings: Settings | None = None, progress: Progress = quiet) -> Outcome:
    """Show a day to readers: merge its versions, count its coverage, move the snapshot.

    The outcome's days are the article days that changed. What is on disk is whole whatever happens,
    and running it again finishes the work.

    Raises:
        Conflict: another writer was first too often.
    """
    place = place_of(settings)
    outcome = Outcome("publish", [])
    plan = plan_of(place, run_day)
    for done, work in enumerate(plan, 1):
        show_day(place, work.day, outcome, [s.name for s in work.visited])
        progress("publish", done, len(plan))
    return reported(outcome)


def show_day(place: Place, day: date, outcome: Outcome, asked: Iterable[str] = ()) -> None:
    """Publish a run day as the only publisher, and add the article days changed to the outcome.

    Args:
        place: where.
        day: the run day.
        outcome: what the step did.
        asked: names of the sources whose listings the day's run asks; an import or a reparse asks
            none.
    """
    with snapshot.publishing(place.root):
        changed = committing(f"publish {day}", _publish_day, place, day, outcome, asked)
    outcome.days = sorted({*outcome.days, *changed})


def _publish_day(place: Place, day: date, outcome: Outcome, asked: Iterable[str]) -> list[date]:
    """Commit articles, index, coverage, snapshot of a run day; return article days changed."""
    targets = place.archive.open_all(
        "articles",
        "article_index",
        "coverage",
        "captures",
        "versions",
        "rejects",
        "links",
        "listings",
        "aliases",
    )
    versions = targets["versions"].read([day])
    targets["captures"].compact(day)

    index = targets["article_index"]
    known_here = index.read([day.replace(day=1)], ["article_id"], pc.field("run_day") == day)
    touched = pc.unique(
        pa.chunked_array(
            [*versions["article_id"].chunks, *known_here["article_id"].chunks], pa.string()
        )
    )
    of_touched = pc.field("article_id").isin(touched)
    filed = index.read(where=of_touched)
    other_days = sorted(set(filed["run_day"].to_pylist()) - {day})
    others = targets["versions"].read(other_days, where=of_touched)
    articles = _merged(versions, others, place.declared)
    article_day = dict(
        zip(articles["article_id"].to_pylist(), articles["article_day"].to_pylist(), strict=True)
    )

    changed = sorted({*filed["article_day"].to_pylist(), *article_day.values()})
    untouched = targets["articles"].read(changed, where=~of_touched)
    targets["articles"].replace(pa.concat_tables([untouched, articles]), changed)
    file_index(targets["article_index"], article_day, filed, versions, others)

    counted = _count_coverage(place, targets, day, versions, asked)
    targets["coverage"].replace(rows_of(counted, COVERAGE), [day])

    run_day_tables = ("links", "listings", "captures", "versions", "rejects", "coverage", "aliases")
    finished = {name: named(targets[name], [day]) for name in run_day_tables}
    finished["articles"] = named(targets["articles"], changed)
    finished["article_index"] = named(targets["article_index"], _months(day, filed))
    snapshot.build(place.root, finished, place.declared.values())

    count_rows(outcome, articles, "articles")
    for row in counted:
        if asked:  # else parsing counted them, in the same outcome
            outcome.add(row.source, "rejects", row.rejected)
        outcome.notes.append(
            f"{day} {row.source}: {row.status}{f' ({row.note})' if row.note else ''}"
        )
    return changed


def _merged(versions: pa.Table, others: pa.Table, sources: Mapping[str, Source]) -> pa.Table:
    """Merge versions into articles, some at a time: a day's texts are not objects all at once."""
    merged = [ARTICLES.arrow.empty_table()]
    identities = pc.unique(
        pa.chunked_array(
            [*versions["article_id"].chunks, *others["article_id"].chunks], pa.string()
        )
    )
    for n in range(0, len(identities), _GROUP):
        some = identities[n : n + _GROUP]
        rows = [r for t in (versions, others) for r in having(t, "article_id", some).to_pylist()]
        merged.append(rows_of(merge(rows, sources), ARTICLES))
    return pa.concat_tables(merged)


def named(target: Any, days: Iterable[date]) -> dict[date, list[str]]:
    """Return the files of some partitions, as the snapshot wants them."""
    by_day: dict[date, list[str]] = {day: [] for day in days}
    for day, path in target.files(by_day):
        by_day[day].append(path)
    return by_day


def _months(day: date, filed: pa.Table) -> set[date]:
    months = {d.replace(day=1) for d in filed["run_day"].to_pylist()}
    return months | {day.replace(day=1)}


def file_index(
    target: Any, article_day: Mapping[str, date], filed: pa.Table, *versions: pa.Table
) -> None:
    """Record where the touched articles' versions are, and under which day each is filed.

    Args:
        target: the index.
        article_day: of each article touched, by id.
        filed: their rows in the index so far.
        versions: their versions.
    """
    pairs = {
        (row_day, identity)
        for table in versions
        for row_day, identity in zip(
            table["run_day"].to_pylist(), table["article_id"].to_pylist(), strict=True
        )
    }
    rows = [
        {
            "run_month": d.replace(day=1),
            "run_day": d,
            "article_id": i,
            "article_day": article_day[i],
        }
        for d, i in pairs
    ]
    months = {r["run_month"] for r in rows} | {
        d.replace(day=1) for d in filed["run_day"].to_pylist()
    }
    touched = pa.array({*article_day, *filed["article_id"].to_pylist()}, pa.string())
    kept = target.read(months, where=~pc.field("article_id").isin(touched))
    target.replace(pa.concat_tables([kept, table_of(rows, ARTICLE_INDEX.arrow)]), months)


def _count_coverage(
    place: Place,
    targets: Mapping[str, Any],
    day: date,
    versions: pa.Table,
    asked: Iterable[str],
) -> list[Any]:
    ran = targets["coverage"].read([day], ["source"])["source"].to_pylist()
    pages = targets["captures"].read([day], OF_OUTCOMES, where=pc.field("kind") == "page")
    ended = page_outcomes(pages)
    outcomes = {i: (r["outcome"], r["status"]) for i, r in ended.items()}
    refused = coverage.refused_by_host(ended)
    budgets = budgets_used(place, day)
    by_source: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for name, table in (
        ("links", targets["links"].read([day], ["source", "link_id"])),
        ("listings", targets["listings"].read([day])),
        ("versions", versions.select(["source", "article_id", "link_id", "part"])),
        (
            "rejects",
            targets["rejects"].read([day], ["source", "link_id", "reason", "payload_sha256"]),
        ),
    ):
        for row in table.to_pylist():
            by_source[row["source"]][name].append(row)
    return [
        coverage.count(
            day,
            (source := place.declared.get(name)),
            name,
            bool(source and discovery.asks(source, day)),
            by_source[name]["listings"],
            by_source[name]["links"],
            outcomes,
            by_source[name]["versions"],
            by_source[name]["rejects"],
            refused,
            budgets.get(name),
        )
        for name in sorted({*asked, *ran, *by_source})
    ]
