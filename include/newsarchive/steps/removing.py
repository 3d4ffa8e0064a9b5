"""`remove`: articles that somebody asked to be removed are erased, and do not come back."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout

from newsarchive.errors import ArchiveError, Conflict
from newsarchive.fetch.rewriting import content_of, parts
from newsarchive.model import Removal
from newsarchive.objects import Folder, below, staging, tree
from newsarchive.outcome import Outcome
from newsarchive.redaction import Secret, addresses_in
from newsarchive.removals import TABLES, Removals, removals_of
from newsarchive.schema import TABLES as SCHEMAS
from newsarchive.settings import Settings
from newsarchive.steps.archived import MEMORY_DAYS, Pages
from newsarchive.steps.erasing import (
    KEYS,
    Erasing,
    Plan,
    pieces_of,
    removal_of,
    scan,
)
from newsarchive.steps.place import (
    Place,
    Progress,
    one_of,
    place_of,
    quiet,
    reported,
    with_archive,
)
from newsarchive.store.parquet import columns_of, read_rows
from newsarchive.text.identity import article_id, clean_url, is_home, link_id

LOCK = ".removal.lock"
_STAMP = re.compile(r"-(\d{8}T\d{6}Z)-[0-9a-f]{8}\.warc\.gz$")
_SHORTEST_ID = 6
_SHORTEST_PASSAGE = 40  # characters of a paragraph that tell an article


@dataclass(frozen=True, slots=True)
class Erased:
    """What a removal erased, or would."""

    outcome: Outcome
    """By table; `raw` stands for the WARC files."""
    removals: list[Removal]
    stories: list[str] = field(default_factory=list)
    """Ids of other articles that are near-duplicates of those removed."""
    left: list[str] = field(default_factory=list)
    """In words, what could not be erased yet: the same command without articles goes on."""
    elsewhere: list[str] = field(default_factory=list)
    """Links below the archive to files outside of it that hold pages of the articles."""


def remove(
    articles: Sequence[str],
    reason: str,
    asked_by: str | None = None,
    settings: Settings | None = None,
    progress: Progress = quiet,
    *,
    dry_run: bool = False,
) -> Erased:
    """Erase articles from every table, WARC file, log and former state, and keep them out.

    What recognises them stays in the table `removals`: hashes, and nothing that they said. Killed
    at any moment, `erase_again` goes on.

    Args:
        articles: ids (24 characters, or the first six or more), or URLs.
        reason: why; it is kept.
        asked_by: who asked for it; it is kept.
        settings: as loaded from the environment, if None.
        progress: told of the MB read, and of the days.
        dry_run: whether to count what would be erased, and to change nothing.

    Raises:
        ArchiveError: there is no archive, or no such article.
        Conflict: another removal is at work.
    """
    place = place_of(with_archive(settings))
    if dry_run:
        return _counted(place, _planned(place, articles, reason, asked_by), progress)
    with _alone(place.root):
        _finish(place, progress)
        plan = _planned(place, articles, reason, asked_by)
        return _erase(place, plan, progress)


def erase_again(
    tombstones: Iterable[Mapping[str, Any]] = (),
    settings: Settings | None = None,
    progress: Progress = quiet,
) -> Erased:
    """Finish what a removal left, and erase what came back of articles that were removed.

    Args:
        tombstones: removals of another archive, as rows of `removals`: of a backup made before
            them, say. They are kept here too.
        settings: as loaded from the environment, if None.
        progress: told of the MB read, and of the days.

    Raises:
        ArchiveError: there is no archive, or a tombstone is none.
        Conflict: another removal is at work.
    """
    place = place_of(with_archive(settings))
    try:
        given = [removal_of(dict(row)) for row in tombstones]
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"no list of removals: {type(error).__name__}: {error}") from None
    with _alone(place.root):
        done = _finish(place, progress)
        rows = {r["article_id"]: removal_of(r) for r in list_removals(place.settings)}
        fresh = [r for r in given if r.article_id not in rows]
        plan = _came_back(place, [*rows.values(), *fresh], since=None)
        if plan is None and fresh:
            plan = Plan([], [], [])
        if plan is not None:
            known = {r.article_id for r in plan.removals}
            plan.removals += [r for r in fresh if r.article_id not in known]
            return _erase(place, plan, progress)
    return done or Erased(reported(Outcome("remove", [])), [])


def keep_out(place: Place, progress: Progress) -> list[str]:
    """Do as `erase_again` does, for what came back of late; say in words what was done."""
    if not place.archive.has("removals"):
        return []
    try:
        with _alone(place.root):
            done = [_finish(place, progress)]
            rows = [removal_of(r) for r in list_removals(place.settings)]
            plan = _came_back(place, rows, since=datetime.now(UTC) - timedelta(days=MEMORY_DAYS))
            if plan is not None:
                done.append(_erase(place, plan, progress))
    except Conflict as error:
        return [str(error)]
    return [
        note
        for erased in filter(None, done)
        for note in (
            f"removals: {erased.outcome.counts()['records erased']} records erased again",
            *erased.outcome.notes,
        )
    ]


def list_removals(settings: Settings | None = None) -> list[dict[str, Any]]:
    """Return the tombstones of an archive, earliest first.

    Raises:
        ArchiveError: there is no archive.
    """
    archive = place_of(with_archive(settings)).archive
    rows = archive.open("removals").read().to_pylist() if archive.has("removals") else []
    return sorted(rows, key=lambda r: (r["removed_at"], r["source"], r["article_id"]))


@contextmanager
def _alone(root: Folder) -> Iterator[None]:
    """Hold this machine's lock of removals of an archive; the kernel frees it at death."""
    lock = FileLock(staging(root) / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise Conflict(
            f"{root}: another removal is at work; run it again when that has ended"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _finish(place: Place, progress: Progress) -> Erased | None:
    """Go on with what a removal left."""
    plan = Plan.load(place.root)
    return _erase(place, plan, progress) if plan else None


def _erase(place: Place, plan: Plan, progress: Progress) -> Erased:
    outcome = Outcome("remove", [])
    stories = _stories(place, plan)
    _count_rows(place, plan, outcome)
    erasing = Erasing(place, plan, outcome, progress)
    erasing.work()
    outcome.days = sorted(plan.days)
    outcome.notes += erasing.left
    outcome.notes += [
        f"{path}: leads to a file outside of the archive, which holds pages of them"
        for path in erasing.elsewhere
    ]
    return Erased(reported(outcome), plan.removals, stories, erasing.left, erasing.elsewhere)


def _counted(place: Place, plan: Plan, progress: Progress) -> Erased:
    """Return what a plan would erase."""
    outcome = Outcome("remove", sorted(plan.days))
    _count_rows(place, plan, outcome)
    found = scan(place, plan, progress)
    outcome.add("raw", "records erased", found.records)
    outcome.add("raw", "files rewritten", len(found.files))
    return Erased(
        reported(outcome), plan.removals, _stories(place, plan), found.at_work, found.elsewhere
    )


def _count_rows(place: Place, plan: Plan, outcome: Outcome) -> None:
    for name in TABLES:
        number = _matching(place, name, plan.known, [KEYS[name]]).num_rows
        outcome.add(name, "rows erased", number)


def _stories(place: Place, plan: Plan) -> list[str]:
    """Return the ids of other articles that tell the same stories."""
    mine = _matching(place, "stories", plan.known, ["story_id"])["story_id"]
    if not len(mine):
        return []
    same = place.archive.open("stories").read(
        None, ["article_id", "story_id"], pc.field("story_id").isin(pc.unique(mine))
    )
    return sorted(set(same["article_id"].to_pylist()) - plan.known.articles)


# ------------------------------------------------------------------------------------ what it is


def _planned(place: Place, articles: Sequence[str], reason: str, asked_by: str | None) -> Plan:
    """Return what is to be erased of some articles.

    Raises:
        ArchiveError: one of them is not there.
    """
    now = datetime.now(UTC)
    plan = Plan([], [], [])
    seen: set[str] = set()
    for what in articles:
        due = _meant(place, what)
        while due:
            traces = _Traces(place, *due.pop())
            if traces.shown_as in seen:
                continue
            seen.add(traces.shown_as)
            traces.add_to(plan)
            plan.removals.append(
                Removal(
                    removed_day=now.date(),
                    article_id=traces.shown_as,
                    source=traces.source,
                    removed_at=now,
                    reason=reason,
                    asked_by=asked_by,
                    article_ids=sorted(traces.ids),
                    link_ids=sorted(traces.links),
                    payloads=sorted(traces.payloads),
                )
            )
            # Two sources may list one address: what stands there is to go, whoever had it.
            due += _at_addresses(place, traces.urls, without=traces.source)
    return plan


def _meant(place: Place, what: str) -> list[tuple[set[str], set[str]]]:
    """Return the ids of articles and links that an id means, or a URL at each source that has it.

    Raises:
        ArchiveError: it is neither, or several articles begin so, or none.
    """
    if "://" in what:
        return _at_address(place, what)
    wanted = what.strip().lower()
    if len(wanted) < _SHORTEST_ID or not set(wanted) <= set("0123456789abcdef"):
        raise ArchiveError(
            f"{what!r} is no id and no URL; an id is 24 characters of 0-9 and a-f, its first "
            f"{_SHORTEST_ID} are enough"
        )
    found: set[str] = set()
    for name, column in (
        ("article_index", "article_id"),
        ("versions", "article_id"),
        ("aliases", "alias_id"),
    ):
        if not found and place.archive.has(name):
            begins = pc.starts_with(pc.field(column), wanted)
            found = set(place.archive.open(name).read(None, [column], begins)[column].to_pylist())
    if len(found) > 1:
        raise ArchiveError(
            f"{what}: {len(found)} articles begin so: {', '.join(sorted(found)[:5])}"
        )
    if not found:
        gone = {i for i in place.archive.removed().articles if i.startswith(wanted)}
        was = "was removed already" if gone else "no article has this id"
        raise ArchiveError(f"{what}: {was}")
    return [(found, set())]


def _at_address(place: Place, what: str) -> list[tuple[set[str], set[str]]]:
    url = clean_url(what)
    if url is None:
        raise ArchiveError(f"{what!r} is no web address")
    found = _at_addresses(place, [url])
    if not found:
        gone = {link_id(n, url) for n in place.declared} & place.archive.removed().links
        was = "was removed already" if gone else "no source listed it, and no article is there"
        raise ArchiveError(f"{what}: {was}")
    return found


def _at_addresses(
    place: Place, urls: Iterable[str], without: str = ""
) -> list[tuple[set[str], set[str]]]:
    """Return the ids of articles and links that some addresses have at each source that has one.

    Args:
        place: where.
        urls: the addresses, cleaned.
        without: a source that is left out.
    """
    urls = set(urls)
    coverage = place.archive.open("coverage").read(None, ["source"])
    names = {*place.declared, *pc.unique(coverage["source"]).to_pylist()} - {without}
    known = Removals(
        frozenset(article_id(n, url) for n in names for url in urls),
        frozenset(link_id(n, url) for n in names for url in urls),
    )
    having: set[str] = set()
    for table in ("links", "captures", "versions", "rejects"):
        having.update(_matching(place, table, known, ["source"])["source"].to_pylist())
    return [
        ({article_id(n, url) for url in urls}, {link_id(n, url) for url in urls})
        for n in sorted(having)
    ]


class _Traces:
    """Everything that leads to an article, or from it."""

    def __init__(
        self,
        place: Place,
        ids: Collection[str],
        links: Collection[str],
        payloads: Collection[str] = (),
    ) -> None:
        self._place = place
        self.ids, self.links, self.payloads = set(ids), set(links), set(payloads)
        self.urls: set[str] = set()
        self.source, self.shown_as = "", ""
        self._rows: dict[str, list[dict[str, Any]]] = {}
        size = -1
        while size != (size := len(self.ids) + len(self.links) + len(self.payloads)):
            self._follow()

    @property
    def known(self) -> Removals:
        return Removals(frozenset(self.ids), frozenset(self.links), frozenset(self.payloads))

    @property
    def is_empty(self) -> bool:
        return not any(self._rows.values())

    def _follow(self) -> None:
        """Go from what is known to the rows, and from these to what else is known of it."""
        columns = {
            "versions": [
                *("article_id", "parent_article_id", "link_id", "payload_sha256", "source"),
                *("url", "canonical_url", "title", "text", "summary", "warc_path", "warc_offset"),
            ],
            "aliases": ["alias_id", "article_id"],
            "links": ["link_id", "source", "url", "listed_title"],
            "captures": [
                *("link_id", "source", "url", "kind", "hop", "payload_sha256"),
                *("warc_path", "warc_offset"),
            ],
            "rejects": ["link_id", "source", "url"],
            "article_index": ["article_id", "shown_as"],
        }
        known = self.known
        self._rows = {
            name: _matching(self._place, name, known, wanted).to_pylist()
            for name, wanted in columns.items()
        }
        for row in self._rows["versions"]:
            self.ids |= {row["article_id"], row.get("parent_article_id") or row["article_id"]}
            if row["link_id"]:
                self.links.add(row["link_id"])
            else:
                self.payloads.add(row["payload_sha256"])
        for row in self._rows["aliases"]:
            self.ids |= {row["alias_id"], row["article_id"]}
        for row in self._rows["article_index"]:
            self.ids |= {row["article_id"], row.get("shown_as") or row["article_id"]}
        self._take_urls()
        rows = [
            r for name in ("versions", "links", "captures", "rejects") for r in self._rows[name]
        ]
        self.source = rows[0]["source"] if rows else self.source
        shown = sorted(r.get("shown_as") or r["article_id"] for r in self._rows["article_index"])
        shown += sorted(r["article_id"] for r in self._rows["versions"])
        shown += sorted(article_id(self.source, url) for url in self.urls)
        self.shown_as = shown[0] if shown else ""

    def _take_urls(self) -> None:
        for row in (*self._rows["links"], *self._rows["rejects"], *self._rows["versions"]):
            if row["link_id"] is None:
                continue  # of a document: the name of a file
            # The address of a site, to which many pages lead, tells no article.
            for url in (clean_url(row[c] or "") for c in ("url", "canonical_url") if c in row):
                if url and not is_home(url):
                    self.urls.add(url)
                    self.ids.add(article_id(row["source"], url))
                    self.links.add(link_id(row["source"], url))
        for row in self._rows["captures"]:
            if row["kind"] == "page" and row["hop"] == 0 and not is_home(row["url"]):
                self.urls.add(clean_url(row["url"]) or row["url"])

    def add_to(self, plan: Plan) -> None:
        """Add to a plan what is to be erased."""
        passages = set()
        titles = {r["listed_title"] for r in self._rows["links"] if r["listed_title"]}
        for row in self._rows["versions"]:
            titles.add(row["title"])
            passages |= {p for p in row["text"].split("\n\n") if len(p) >= _SHORTEST_PASSAGE}
            passages |= {row["summary"]} if row.get("summary") else set()
        plan.secrets.append(Secret(sorted(self.urls), sorted(titles), sorted(passages)))
        plan.sources = sorted({*plan.sources, *([self.source] if self.source else [])})
        for name in ("captures", "versions"):
            for row in self._rows[name]:
                if row["warc_path"] is not None:
                    plan.spots.add((row["warc_path"], row["warc_offset"]))
        for name in ("links", "captures", "versions", "rejects", "aliases"):
            days = _matching(self._place, name, self.known, ["run_day"])["run_day"]
            plan.days.update(days.to_pylist())


def _matching(place: Place, name: str, known: Removals, columns: Sequence[str]) -> pa.Table:
    """Return the rows of a table that are those of some articles; older files may lack columns."""
    table = SCHEMAS[name]
    parts = [pa.schema([table.arrow.field(c) for c in columns]).empty_table()]
    for day, path in place.archive.open(name).files() if place.archive.has(name) else ():
        there = columns_of(place.root / path)
        wanted = [c for c in columns if c in there] or [KEYS[name]]
        rows = read_rows(place.root / path, wanted, known.rows_of(name, there))
        if rows.num_rows and table.partition in columns:
            days = pa.array([day] * rows.num_rows, pa.date32())
            rows = rows.append_column(table.partition, days)
        if rows.num_rows:
            parts.append(rows)
    return pa.concat_tables(parts, promote_options="permissive")


# ---------------------------------------------------------------------------------- what came back


def _came_back(place: Place, removals: Sequence[Removal], since: datetime | None) -> Plan | None:
    """Return what is to be erased of articles that were removed; None if nothing is.

    Args:
        place: where.
        removals: the tombstones.
        since: WARC files begun before are not read again; None: those of before the removals.
    """
    plan = Plan([], [], [])
    elsewhere = _found_elsewhere(place)
    known = removals_of(map(asdict, removals))
    there = any(_matching(place, name, known, [KEYS[name]]).num_rows for name in TABLES)
    for removal in removals if there or elsewhere else ():
        found = {link for i in removal.article_ids for link in elsewhere.get(i, ())}
        links = {*removal.link_ids, *found}
        traces = _Traces(place, removal.article_ids, links, removal.payloads)
        if traces.is_empty:
            continue
        traces.add_to(plan)
        more = {
            "article_ids": sorted({*removal.article_ids, *traces.ids}),
            "link_ids": sorted({*removal.link_ids, *traces.links}),
            "payloads": sorted({*removal.payloads, *traces.payloads}),
        }
        plan.removals.append(Removal(**{**asdict(removal), **more}))
        plan.sources = sorted({*plan.sources, removal.source})
    known = removals_of(map(asdict, [*removals, *plan.removals]))
    secrets = _named_again(place, removals, known, since)
    if not plan.removals and not secrets:
        return None
    plan.secrets += secrets
    plan.sources = sorted({*plan.sources, *(r.source for r in removals)})
    return plan


def _found_elsewhere(place: Place) -> dict[str, set[str]]:
    """Return the links at which pages were found that are articles removed before, by their ids."""
    found: dict[str, set[str]] = defaultdict(set)
    if place.archive.has("rejects"):
        columns, of_them = ["link_id", "detail"], pc.field("reason") == "removed"
        for row in place.archive.open("rejects").read(None, columns, of_them).to_pylist():
            if row["link_id"]:
                found[row["detail"]].add(row["link_id"])
    return found


def _named_again(
    place: Place, removals: Sequence[Removal], known: Removals, since: datetime | None
) -> list[Secret]:
    """Return what WARC files say of removed articles that were begun after their removal.

    Their pages, too: of one that was being fetched there may be bytes, and no row.
    """
    first = min((r.removed_at for r in removals), default=datetime.max.replace(tzinfo=UTC))
    first = max(since, first) if since else first
    sources = sorted({r.source for r in removals})
    found: dict[str, set[str]] = defaultdict(set)
    for path in tree(place.root / "raw", "*.warc.gz"):
        name = below(path, place.root)
        if _begun(name) < first:
            continue
        for part in parts(pieces_of(path), name):
            uri = part.field("WARC-Target-URI")
            urls = addresses_in(content_of(part).body, uri) | {clean_url(uri) or ""}
            mine = {u for u in urls if any(link_id(s, u) in known.links for s in sources)}
            for url in mine:
                found[url] |= _titles(place, name, part.offset, url)
    return [Secret([url], sorted(titles)) for url, titles in sorted(found.items())]


def _titles(place: Place, name: str, offset: int, url: str) -> set[str]:
    """Return the headlines that a listing in a record has for an address."""
    at = one_of("warc_path", [name]) & (pc.field("warc_offset") == offset)
    at &= pc.field("listing").is_valid() & (pc.field("kind") != "page")
    day = name.split("/")[1].partition("=")[2]
    days = [date.fromisoformat(day)] if day else []
    titles = set()
    for row in place.archive.open("captures").read(days, where=at).to_pylist():
        archived = Pages(place.root, place.declared).archived(row)
        for entry in archived.page.entries if archived else ():
            if entry.title and clean_url(entry.url, row["url"]) == url:
                titles.add(entry.title)
    return titles


def _begun(name: str) -> datetime:
    """Return when a WARC file was begun, as its name says; of a file of others, now."""
    found = _STAMP.search(name)
    if not found:
        return datetime.now(UTC)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
