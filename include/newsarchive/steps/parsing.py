"""`parse`: versions and rejects from the bytes in the archive; no network."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields
from datetime import date
from functools import partial
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive.articles import NO_SOURCE
from newsarchive.model import Alias, Capture, Link, Reject, Version
from newsarchive.moves import PARSER, aliases_of
from newsarchive.outcome import Outcome
from newsarchive.parse import PARSER_VERSION
from newsarchive.parsers import Job, Parsers
from newsarchive.schema import (
    ALIASES,
    REJECTS,
    VERSIONS,
)
from newsarchive.settings import Settings
from newsarchive.steps.capturing import visits_of
from newsarchive.steps.place import (
    Place,
    Progress,
    count_rows,
    having,
    one_of,
    place_of,
    plan_of,
    quiet,
    reported,
    run_days,
    source_groups,
)
from newsarchive.store.tables import committing, rows_of
from newsarchive.text.identity import clean_url
from newsarchive.visits import history

_GROUP = 512  # links whose rows are objects at once; the rest of their sources is compact Arrow
_MADE = ("versions", "rejects")
_OF_COUNTING = [
    "source",
    "kind",
    "provider",
    "link_id",
    "capture_id",
    "captured_at",
    "payload_sha256",
]


def parse(
    run_day: date,
    settings: Settings | None = None,
    progress: Progress = quiet,
    parsers: Parsers | None = None,
) -> Outcome:
    """Make versions and rejects of `run_day`'s captures; needs no network.

    Rows that the same parser made of the same capture are reused.

    Args:
        run_day: the day.
        settings: as loaded from the environment, if None.
        progress: told of each page.
        parsers: that parsed ahead while the pages were fetched; None: others are started.
    """
    place = place_of(settings)
    outcome = Outcome("parse", run_days(place, run_day))
    plan = plan_of(place, run_day)
    with nullcontext(parsers) if parsers else Parsers() as some:
        for work in plan:
            # What writing the rows takes, the processes need not have beside it.
            one = partial(parse_day, then=some.end if work is plan[-1] else None)
            committing(f"parse {work.day}", one, place, work.day, outcome, progress, some)
    return reported(outcome)


def ahead(
    place: Place, day: date, expected: int, parsers: Parsers
) -> Callable[[Sequence[Capture]], None]:
    """Return what begins to parse pages of a day whose bytes were kept just now.

    Args:
        place: where.
        day: the run day.
        expected: how many pages are asked for.
        parsers: what parses.
    """
    parsers.start(expected)
    # As objects they would be ten times as large.
    links = place.archive.open("links").read([day]).sort_by("link_id").combine_chunks()
    identities = links["link_id"].chunk(0) if len(links) else pa.array([], pa.string())

    def link_of(capture: Capture) -> Link | None:
        n = bisect_left(
            range(len(links)), capture.link_id or "", key=lambda at: identities[at].as_py()
        )
        rows = links.slice(n, 1).to_pylist()
        return Link(**rows[0]) if rows and rows[0]["link_id"] == capture.link_id else None

    def begin(captures: Sequence[Capture]) -> None:
        held = (c for c in captures if c.kind == "page" and c.outcome == "ok")
        parsers.begin(_job(place, c, link_of(c)) for c in held)

    return begin


def parse_day(
    place: Place,
    day: date,
    outcome: Outcome,
    progress: Progress,
    parsers: Parsers,
    chosen: Collection[str] | None = None,
    unread: Collection[str] = (),
    each: "Callable[[Parsed], None] | None" = None,
    then: Callable[[], None] | None = None,
) -> None:
    """Replace the versions and rejects of a run day by what its captures say.

    Args:
        place: where.
        day: the run day.
        outcome: what the step did.
        progress: told of each page.
        parsers: what parses.
        chosen: names of the sources whose captures are parsed; the rows of others stay as they are.
            None: all.
        unread: names of the tables whose rows of the day are damaged: they are not read.
        each: told what was made of some sources' captures, and what was there.
        then: called when all is parsed, before it is written.
    """
    targets = place.archive.open_all("versions", "rejects", "aliases")
    aliases = _Aliases(day, targets["aliases"].read([] if "aliases" in unread else [day]))
    rejects = [REJECTS.arrow.empty_table()]
    counted = [VERSIONS.arrow.empty_table().select(["source"])]
    parsed = reused = 0

    def versions() -> Iterator[pa.Table]:
        nonlocal parsed, reused
        readable = {n: t for n, t in targets.items() if n not in unread}
        for made in parsed_day(place, day, readable, progress, parsers, chosen):
            some = pa.concat_tables([made.others.versions, made.new.versions])
            rejects.extend([made.others.rejects, made.new.rejects])
            counted.append(some.select(["source"]))
            aliases.take_in(made)
            parsed, reused = parsed + made.parsed, reused + made.reused
            if each:
                each(made)
            yield some
        if then:
            then()

    targets["versions"].replace(versions(), [day])
    rows = pa.concat_tables(rejects)
    targets["rejects"].replace(rows, [day])
    aliases.keep(targets["aliases"])
    count_rows(outcome, pa.concat_tables(counted), "versions")
    count_rows(outcome, rows, "rejects")
    outcome.notes.append(f"{day}: {parsed} parsed, {reused} reused")


def parsed_day(
    place: Place,
    day: date,
    there: Mapping[str, Any],
    progress: Progress,
    parsers: Parsers,
    chosen: Collection[str] | None = None,
) -> "Iterator[Parsed]":
    """Yield what the captures of a run day say, some sources at a time; writes nothing.

    In the order of sources, all of them: those that are not chosen as well.

    Args:
        place: where.
        day: the run day.
        there: versions and rejects, as far as they can be read, for the day's rows of before.
        progress: told of each page.
        parsers: what parses.
        chosen: names of the sources whose captures are parsed; None: all.
    """
    targets = place.archive.open_all("captures", "links")
    of_parsing = one_of("kind", ["page", "import"])
    if chosen is not None:
        of_parsing &= one_of("source", chosen)
    known = targets["captures"].read([day], _OF_COUNTING, of_parsing)
    known = _without_unlisted(known, targets["links"].read([day], ["link_id"]))
    before = [there[n].read([day], ["source"]) for n in _MADE if n in there]

    def portions() -> Iterator[Portion]:
        for group in source_groups(known, *before):
            of_group = one_of("source", group.to_pylist())
            tables = {n: there[n].read([day], where=of_group) for n in _MADE if n in there}
            rows, others = Rows(**tables), Rows()
            if chosen is not None:
                names = pa.array(sorted(chosen), pa.string())
                rows, others = rows.of(names), rows.of_others(names)
            links = targets["links"].read([day], where=of_group)
            captures = targets["captures"].read([day], where=of_parsing & of_group)
            yield Portion(_without_unlisted(captures, links), links, rows, others)

    made = rows_of_captures(place, portions(), _number(known), progress, parsers)
    for portion, parts in groupby(made, key=lambda pair: pair[0]):
        rows = [part for _, part in parts]
        yield Parsed(
            portion.old,
            Rows(
                pa.concat_tables([r.versions for r in rows]),
                pa.concat_tables([r.rejects for r in rows]),
            ),
            portion.others,
            [alias for r in rows for alias in r.moves],
            sum(r.parsed for r in rows),
            sum(r.reused for r in rows),
        )


def _without_unlisted(captures: pa.Table, links: pa.Table) -> pa.Table:
    """Leave out pages that an index brought and no listing of their source names."""
    brought = pc.fill_null(pc.equal(captures["provider"], "ccnews"), False)
    listed = pc.is_in(captures["link_id"], value_set=links["link_id"].combine_chunks())
    return captures.filter(pc.or_(pc.invert(brought), listed))


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that a parse made of some captures."""

    versions: pa.Table = field(default_factory=VERSIONS.arrow.empty_table)
    rejects: pa.Table = field(default_factory=REJECTS.arrow.empty_table)

    def of(self, sources: pa.Array) -> "Rows":
        """Return the rows of some sources."""
        return Rows(*(having(t, "source", sources) for t in (self.versions, self.rejects)))

    def of_others(self, sources: pa.Array) -> "Rows":
        """Return the rows of all other sources."""
        others = ~pc.field("source").isin(sources)
        return Rows(self.versions.filter(others), self.rejects.filter(others))

    def reusable(self, capture_ids: pa.Array) -> dict[tuple[str, str, str], list[Version | Reject]]:
        """Return what parsing made of captures, by capture, parser and version of source file."""
        found: dict[tuple[str, str, str], list[Version | Reject]] = defaultdict(list)
        records: list[Version | Reject] = [
            *map(_version, having(self.versions, "capture_id", capture_ids).to_pylist()),
            *(Reject(**r) for r in having(self.rejects, "capture_id", capture_ids).to_pylist()),
        ]
        for record in records:
            if not (isinstance(record, Version) and record.state == "gone"):
                key = record.capture_id, record.parser_version, record.source_version
                found[key].append(record)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """The captures of some sources on a run day, and all that parsing them needs."""

    captures: pa.Table
    """Of pages or imports; all those of a link's visits on the day."""
    links: pa.Table
    """Rows of `links` that they belong to."""
    old: Rows = field(default_factory=Rows)
    """What may be used again."""
    others: Rows = field(default_factory=Rows)
    """Rows of sources that are not to be parsed."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the captures of some sources say, beside what an earlier parse made of them."""

    old: Rows
    """The rows of before, of the sources that were parsed."""
    new: Rows
    others: Rows
    """The rows of the sources that were not."""
    moves: list[Alias]
    parsed: int
    reused: int


@dataclass(frozen=True, slots=True)
class Made:
    """The rows of some captures, and how many were parsed and how many are an earlier parse's."""

    versions: pa.Table
    rejects: pa.Table
    moves: list[Alias]
    parsed: int
    reused: int


@dataclass(slots=True)
class _Group:
    """Some links' visits on their way."""

    chains: list[list[Capture]]
    made: dict[str, Sequence[Version | Reject]]
    """What an earlier parse made, by capture id."""
    jobs: list[Job]
    results: Iterator[list[Version | Reject]]
    """Of the jobs, in their order."""


def rows_of_captures(
    place: Place,
    portions: Iterable[Portion],
    total: int,
    progress: Progress,
    parsers: Parsers,
) -> Iterator[tuple[Portion, Made]]:
    """Yield the rows of captures, a group of links at a time: memory is for two groups.

    Each portion has one group at the least, if an empty one.

    Args:
        place: where.
        portions: the captures.
        total: how many links and imports there are in all.
        progress: told of each link or import.
        parsers: what parses.
    """
    done = 0
    removed = place.archive.removed().articles

    def finished(group: _Group) -> Made:
        nonlocal done
        for job, records in zip(group.jobs, group.results, strict=True):
            group.made[job.capture.capture_id] = records
        told = [
            _without_removed(history((c, group.made.get(c.capture_id, ())) for c in chain), removed)
            for chain in group.chains
        ]
        rows = [record for of_link in told for record in of_link]
        done += len(group.chains)
        progress("parsed", done, total)
        return Made(
            rows_of([r for r in rows if isinstance(r, Version)], VERSIONS),
            rows_of([r for r in rows if isinstance(r, Reject)], REJECTS),
            [alias for of_link in told for alias in aliases_of(of_link)],
            len(group.jobs),
            len(group.made) - len(group.jobs),
        )

    before: tuple[Portion, _Group] | None = None
    for portion in portions:
        for some in _by_links(portion.captures):
            group = _begun(place, some, portion, parsers, total)
            if before is not None:
                yield before[0], finished(before[1])
            before = portion, group
    if before is not None:
        yield before[0], finished(before[1])


def _by_links(captures: pa.Table) -> Iterator[pa.Table]:
    """Yield captures, some links or imports at a time; at least once."""
    captures = captures.sort_by("captured_at")  # what was begun ahead is made in this order
    # A link's visits belong together; of bytes that two imports added at once one is enough.
    pages = pc.unique(captures["link_id"].drop_null())
    imports = pa.array(_first_of_each_import(captures), pa.string())
    if not len(pages) and not len(imports):
        yield captures
    for column, identities in (("link_id", pages), ("capture_id", imports)):
        for n in range(0, len(identities), _GROUP):
            yield having(captures, column, identities[n : n + _GROUP])


def _number(captures: pa.Table) -> int:
    """Return of how many links and imports captures are."""
    pages = len(pc.unique(captures["link_id"].drop_null()))
    return pages + len(_first_of_each_import(captures))


def _begun(
    place: Place, captures: pa.Table, portion: Portion, parsers: Parsers, total: int
) -> _Group:
    """Hand over to the parsers what has to be parsed of some links' visits, or of imports."""
    link_ids = pc.unique(captures["link_id"])
    link_of = {
        r["link_id"]: Link(**r) for r in having(portion.links, "link_id", link_ids).to_pylist()
    }
    visits = [
        *visits_of(captures).values(),
        *([row] for row in captures.to_pylist() if row["link_id"] is None),
    ]
    chains = [[Capture(**row) for row in rows] for rows in visits]
    reusable = portion.old.reusable(pc.unique(captures["capture_id"]))
    made: dict[str, Sequence[Version | Reject]] = {}
    jobs: list[Job] = []
    for capture in (c for chain in chains for c in _worth_parsing(chain)):
        source = place.declared.get(capture.source)
        key = capture.capture_id, PARSER_VERSION, source.version if source else NO_SOURCE
        if key in reusable:
            made[capture.capture_id] = reusable[key]
            continue
        jobs.append(_job(place, capture, link_of.get(capture.link_id or "")))
    return _Group(chains, made, jobs, parsers.parse(jobs, total))


def _job(place: Place, capture: Capture, link: Link | None) -> Job:
    final = clean_url(capture.url) or capture.url
    return Job(place.root, capture, link, final, place.declared.get(capture.source))


def _version(row: Mapping[str, Any]) -> Version:
    pairs = {name: dict(row[name] or ()) for name in ("evidence", "confidence")}
    return Version(**{**row, **pairs})


def _without_removed(
    told: Sequence[Version | Reject], removed: Collection[str]
) -> Sequence[Version | Reject]:
    """Return what a link's visits tell; a reject, where it is an article removed on request."""
    for version in told:
        if isinstance(version, Version) and version.article_id in removed:
            common = {f.name for f in fields(Reject)} & {f.name for f in fields(Version)}
            given = {name: getattr(version, name) for name in common}
            return [Reject(**given, reason="removed", detail=version.article_id, status=None)]
    return told


def _worth_parsing(chain: Sequence[Capture]) -> list[Capture]:
    """Return the captures of a link's visits that have something to tell.

    Of failures only the last counts, where nothing better is there.
    """
    held = [c for c in chain if c.outcome == "ok"]
    failed = [c for c in chain if c.outcome not in ("ok", "not_modified")]
    last = max(failed, key=lambda c: (c.captured_at, c.attempt, c.hop), default=None)
    return held if held or last is None else [last]


def _first_of_each_import(captures: pa.Table) -> list[str]:
    """Return a capture id for each document: bytes that two imports added at once are one."""
    first: dict[tuple[str, str], tuple[Any, str]] = {}
    imports = captures.filter(pc.field("kind") == "import")
    for row in imports.select(
        ["source", "payload_sha256", "captured_at", "capture_id"]
    ).to_pylist():
        key = row["source"], row["payload_sha256"]
        mine = row["captured_at"], row["capture_id"]
        first[key] = min(first.get(key, mine), mine)
    return [identity for _, identity in first.values()]


class _Aliases:
    """What is known of other ids of a day's articles."""

    def __init__(self, day: date, there: pa.Table) -> None:
        self._day = day
        self._known = {Alias(**r) for r in there.to_pylist()}
        self._wanted = {a for a in self._known if a.reason in (None, PARSER)}

    def take_in(self, made: Parsed) -> None:
        """Add what moved, and former ids of articles that the parser gives another one now.

        Moves follow from the captures and are replaced; former ids are remembered.
        """
        columns = ["source", "url", "part", "article_id"]
        before = {(s, u, p): i for s, u, p, i in _tuples(made.old.versions, columns)}
        not_parsed = set(made.others.versions["article_id"].to_pylist())
        self._wanted |= {a for a in self._known if a.article_id in not_parsed}
        self._wanted |= {
            Alias(self._day, earlier, identity, PARSER)
            for s, u, p, identity in _tuples(made.new.versions, columns)
            if (earlier := before.get((s, u, p))) and earlier != identity
        }
        self._wanted.update(made.moves)

    def keep(self, target: Any) -> None:
        """Record it, where it is not what is there."""
        if self._wanted != self._known or not self._known:
            target.replace(rows_of(self._wanted, ALIASES), [self._day])


def _tuples(rows: pa.Table, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[c].to_pylist() for c in columns), strict=True)
