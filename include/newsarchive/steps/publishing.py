"""`publish`: articles, coverage and the snapshot."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import coverage
from newsarchive.errors import RunFailed
from newsarchive.model import Coverage
from newsarchive.moves import remaining
from newsarchive.outcome import Outcome
from newsarchive.providers import next_provider, provider_of
from newsarchive.schema import COVERAGE
from newsarchive.settings import Settings
from newsarchive.steps.capturing import OF_OUTCOMES, budgets_used, page_outcomes, visits_of
from newsarchive.steps.merging import file_index, index_rows, moves_of, touched_by, with_others
from newsarchive.steps.place import (
    Place,
    Progress,
    can_answer,
    count_rows,
    having,
    place_of,
    plan_of,
    quiet,
    reported,
    source_groups,
)
from newsarchive.steps.stories import group_stories
from newsarchive.store import snapshot
from newsarchive.store.tables import committing, rows_of

_OF_VERSIONS = ["source", "article_id", "link_id", "part", "published_day"]


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


def judge(run_day: date, settings: Settings | None = None) -> Outcome:
    """Say whether a day's run counts as failed, after all that could be had of it is safe.

    Raises:
        RunFailed: a source that is `required` failed, or more than the share `most_failed` of all.
    """
    place = place_of(settings)
    rows = place.archive.open("coverage").read([run_day], ["source", "status"]).to_pylist()
    statuses = {r["source"]: r["status"] for r in rows if r["source"] in place.sources}
    required = [name for name, source in place.sources.items() if source.required]
    failed, words = coverage.verdict(statuses, required, place.settings.most_failed)
    if failed:
        raise RunFailed(f"{run_day}: {words}")
    outcome = Outcome("judge", [run_day])
    for status in statuses.values():
        outcome.add("all", status)
    outcome.notes += [f"{run_day}: {words}"] if words else []
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
    """Commit articles, index, stories, coverage, snapshot of a day; return article days changed."""
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
        "stories",
    )
    targets["captures"].compact(day)

    index = targets["article_index"]
    known_here = index.read([day.replace(day=1)], ["article_id"], pc.field("run_day") == day)
    versions = targets["versions"].read([day], _OF_VERSIONS)
    moves = moves_of(targets, [day])
    columns = (
        known_here["article_id"],
        versions["article_id"],
        moves["article_id"],
        moves["alias_id"],
    )
    touched = touched_by(targets, day, {i for column in columns for i in column.to_pylist()})
    article_day = touched.article_days()
    changed = sorted({*touched.filed["article_day"].to_pylist(), *article_day.values()})
    targets["articles"].replace(with_others(targets, touched, place.declared, changed), changed)
    months = file_index(index, touched, index_rows(touched, article_day, touched.ids), touched.ids)
    grouped = group_stories(targets, changed)

    counted = list(_count_coverage(place, targets, day, versions, moves, asked))
    targets["coverage"].replace(rows_of(counted, COVERAGE), [day])

    run_day_tables = ("links", "listings", "captures", "versions", "rejects", "coverage", "aliases")
    finished = {name: named(targets[name], [day]) for name in run_day_tables}
    finished["articles"] = named(targets["articles"], changed)
    finished["article_index"] = named(index, months | {day.replace(day=1)})
    finished["stories"] = named_stories(place, targets["stories"], grouped)
    snapshot.build(place.root, finished, place.declared.values())

    count_rows(outcome, touched.shown, "articles")
    for row in counted:
        if asked:  # else parsing counted them, in the same outcome
            outcome.add(row.source, "rejects", row.rejected)
        outcome.notes.append(
            f"{day} {row.source}: {row.status}{f' ({row.note})' if row.note else ''}"
        )
    return changed


def named(target: Any, days: Iterable[date]) -> dict[date, list[str]]:
    """Return the files of some partitions, as the snapshot wants them."""
    by_day: dict[date, list[str]] = {day: [] for day in days}
    for day, path in target.files(by_day):
        by_day[day].append(path)
    return by_day


def named_stories(place: Place, target: Any, grouped: Iterable[date]) -> dict[date, list[str]]:
    """Return the files of stories to name: of days grouped, and what a publish that died left."""
    known = {f.path for f in snapshot.named_files(place.root, "stories")}
    left = {day for day, path in target.files() if path not in known}
    return named(target, {*grouped, *left})


def _count_coverage(
    place: Place,
    targets: Mapping[str, Any],
    day: date,
    versions: pa.Table,
    moves: pa.Table,
    asked: Iterable[str],
) -> Iterator[Coverage]:
    """Yield the coverage of each source, in their order; memory is for the rows of some sources."""
    tables = {
        "links": targets["links"].read([day], ["source", "link_id", "routes"]),
        "listings": targets["listings"].read([day]),
        "versions": versions,
        "rejects": targets["rejects"].read(
            [day], ["source", "link_id", "reason", "payload_sha256"]
        ),
    }
    pages = targets["captures"].read([day], OF_OUTCOMES, where=pc.field("kind") == "page")
    of_run = pa.table({"source": pa.array(asked, pa.string())})
    ran = targets["coverage"].read([day], ["source"])
    budgets = budgets_used(place, day)
    # What the day itself tells of moves: its coverage stays a function of its own rows.
    shown_as = remaining(dict.fromkeys(versions["article_id"].to_pylist(), day), moves.to_pylist())
    for group in source_groups(of_run, ran, *tables.values()):
        some = {name: having(table, "source", group) for name, table in tables.items()}
        pages_of_some = having(pages, "source", group)
        ended = page_outcomes(pages_of_some)
        outcomes = {i: (r["outcome"], r["status"]) for i, r in ended.items()}
        refused = coverage.refused_by_host(ended)
        _leave_open(place, day, some["links"], pages_of_some, outcomes, refused)
        providers: dict[str, set[str]] = defaultdict(set)
        for row in ended.values():
            if row["outcome"] == "ok":
                providers[row["source"]].add(provider_of(row))
        rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for what, table in some.items():
            for row in table.to_pylist():
                rows[row["source"], what].append(row)
        for name in group.to_pylist():
            for row in rows[name, "versions"]:
                row["article_id"] = shown_as.get(row["article_id"], row["article_id"])
            source = place.declared.get(name)
            yield coverage.count(
                day,
                source,
                name,
                bool(source and can_answer(place, source, day)),
                rows[name, "listings"],
                rows[name, "links"],
                outcomes,
                rows[name, "versions"],
                rows[name, "rejects"],
                refused,
                budgets.get(name),
                providers[name],
            )


def _leave_open(
    place: Place,
    day: date,
    links: pa.Table,
    pages: pa.Table,
    outcomes: dict[str, tuple[str, int | None]],
    refused: Mapping[str, str],
) -> None:
    """Take out of `outcomes` the links that somebody is still to be asked for."""
    several = {n: b for n, s in place.declared.items() if len(b := place.bodies(s, day)) > 1}
    if not several:
        return
    visits = visits_of(pages)
    for row in having(links, "source", pa.array(several, pa.string())).to_pylist():
        link_id, captures = row["link_id"], visits.get(row["link_id"], [])
        if outcomes.get(link_id, ("", None))[0] != "ok" and next_provider(
            several[row["source"]], captures, link_id in refused
        ):
            outcomes.pop(link_id, None)
