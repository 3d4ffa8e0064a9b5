"""Erasing what was removed: rows, records, files that readers have left, logs. Safe to do again.

What is looked for is in a plan, kept on disk until all of it is gone: rows that lead to a record go
before the record does, and a removal that was killed goes on from the plan. Order: tombstones, so
that nothing comes back; copies of records of which a part stays; rows; articles and the snapshot;
WARC files; files that left their tables; logs; sums.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import sums
from newsarchive.errors import ArchiveError, Damaged
from newsarchive.fetch.rewriting import Part, content_of, parts, rewritten, without
from newsarchive.fetch.warc import OPEN, Stored, WarcFiles
from newsarchive.integrity import LOG, partition_of
from newsarchive.model import Removal
from newsarchive.objects import (
    Folder,
    ObjectPath,
    below,
    listed,
    move,
    staging,
    tree,
)
from newsarchive.outcome import Outcome
from newsarchive.redaction import Blanking, Secret
from newsarchive.removals import TABLES as OF_ARTICLES
from newsarchive.removals import Removals, removals_of
from newsarchive.schema import REMOVALS, TABLES
from newsarchive.steps.capturing import clear_away
from newsarchive.steps.place import Place, Progress, one_of
from newsarchive.steps.publishing import named, show_day
from newsarchive.steps.stories import group_stories
from newsarchive.store import snapshot
from newsarchive.store.parquet import columns_of, read_rows
from newsarchive.store.tables import committing, rows_of

JOURNAL = ".removal"
"""Below the archive: the plan of a removal that is not finished. It holds what is to be erased."""

Spot = tuple[str, int]
"""A record: its WARC file, below the archive, and its offset."""

_PIECE = 1 << 20
_OF_PAGES = ("captures", "versions", "rejects", "articles")
"""Tables that say where records lie."""
_OF_RELATED = ("versions", "articles")
KEYS = {
    name: "link_id" if name in ("links", "captures", "rejects") else "article_id"
    for name in OF_ARTICLES
}
"""A column that every file of a table has."""
_ADDRESSES = ("url", "redirect_to", "asked_url")
"""Columns of `captures` that may lead to an article from the link of another."""
_BY_RUN_DAY = ("links", "listings", "captures", "versions", "rejects", "aliases")
_BY_PUBLISH = ("articles", "article_index", "stories")
"""What `publish` makes of the others; looked at again after it."""
_SETTLED = 600.0  # seconds after which a file that joined no table is no writer's any more


@dataclass(slots=True)
class Plan:
    """What one removal erases."""

    removals: list[Removal]
    """The tombstones."""
    secrets: list[Secret]
    sources: list[str]
    spots: set[Spot] = field(default_factory=set)
    """Records that go whole."""
    moved: dict[Spot, Stored] = field(default_factory=dict)
    """Records of which a part stays, and where that lies now."""
    days: set[date] = field(default_factory=set)
    """Run days to publish again."""

    @property
    def known(self) -> Removals:
        """What recognises the articles."""
        return removals_of(map(asdict, self.removals))

    def save(self, root: Folder) -> None:
        """Keep the plan on disk."""
        given = {
            "removals": [asdict(r) for r in self.removals],
            "secrets": [asdict(s) for s in self.secrets],
            "sources": self.sources,
            "spots": sorted(self.spots),
            "moved": [[*spot, asdict(stored)] for spot, stored in sorted(self.moved.items())],
            "days": sorted(self.days),
        }
        # Under one name until it is whole: what a kill leaves of it, the next one writes over.
        with _replacing(root, JOURNAL, [json.dumps(given, default=_written).encode()]):
            pass

    @classmethod
    def load(cls, root: Folder) -> Self | None:
        """Return the plan that a removal left; None if all were finished.

        Raises:
            ArchiveError: it cannot be read.
        """
        path = root / JOURNAL
        try:
            given = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ArchiveError(f"{path}: cannot be read: {error}") from None
        return cls(
            removals=[removal_of(r) for r in given["removals"]],
            secrets=[Secret(**s) for s in given["secrets"]],
            sources=given["sources"],
            spots={(path, offset) for path, offset in given["spots"]},
            moved={(path, offset): Stored(**s) for path, offset, s in given["moved"]},
            days={date.fromisoformat(d) for d in given["days"]},
        )


def _written(value: Any) -> str:
    return str(value.isoformat())


def removal_of(row: dict[str, Any]) -> Removal:
    """Return a tombstone from its fields, times as such or as text.

    Raises:
        KeyError, TypeError, ValueError: they are not those of one.
    """
    given = {f.name: row[f.name] for f in fields(Removal)}
    if isinstance(given["removed_day"], str):
        given["removed_day"] = date.fromisoformat(given["removed_day"])
        given["removed_at"] = datetime.fromisoformat(given["removed_at"])
    return Removal(**given)


@dataclass(slots=True)
class Scanned:
    """What WARC files hold of what is looked for."""

    gone: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Offsets of records that go, by file."""
    parts: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    """Of records of which a part goes: length in bytes by offset, by file."""
    elsewhere: list[str] = field(default_factory=list)
    """Files that are no part of the archive, and hold some."""
    at_work: list[str] = field(default_factory=list)
    """Files that writers are at work on."""
    records: int = 0

    @property
    def files(self) -> list[str]:
        """Files to write anew."""
        return sorted({*self.gone, *self.parts} - {*self.elsewhere})


def scan(place: Place, plan: Plan, progress: Progress) -> Scanned:
    """Look for the articles of a plan in the WARC files that have records of their sources."""
    found, blanking = Scanned(), Blanking(plan.secrets)
    files = list(_warcs(place, plan))
    total = sum(path.stat().st_size for _, path in files)
    done = 0
    for name, path in files:
        if name.endswith(OPEN):
            found.at_work.append(name)
            continue
        responses: set[str] = set()
        for part in parts(pieces_of(path), name):
            done += len(part.data)
            progress("MB", done // 1_000_000, total // 1_000_000)
            spot = name, part.offset
            whole = spot in plan.spots or blanking.names(part.field("WARC-Target-URI").encode())
            if whole or part.field("WARC-Concurrent-To") in responses:
                responses.add(part.field("WARC-Record-ID"))
                found.gone[name].add(part.offset)
            elif spot in plan.moved:
                found.gone[name].add(part.offset)
            elif _names(part, blanking):
                found.parts[name][part.offset] = len(part.data)
        if (
            not isinstance(path, ObjectPath)
            and path.is_symlink()
            and (name in found.gone or name in found.parts)
        ):
            found.elsewhere.append(name)
    found.records = sum(map(len, (*found.gone.values(), *found.parts.values())))
    return found


def _warcs(place: Place, plan: Plan) -> Iterator[tuple[str, Folder]]:
    captures = place.archive.open("captures")
    of: dict[str, set[str]] = defaultdict(set)
    for day in captures.days():
        pairs = captures.read([day], ["source", "warc_path"], pc.field("warc_path").is_valid())
        for row in pairs.group_by(["source", "warc_path"]).aggregate([]).to_pylist():
            of[row["warc_path"]].add(row["source"])
    at_work = staging(place.root)
    for path in sorted(tree(at_work / "raw", f"*.warc.gz{OPEN}"), key=str):
        yield below(path, at_work), path
    for path in sorted(tree(place.root / "raw", "*.warc.gz"), key=str):
        name = below(path, place.root)
        sources = of.get(name)
        if sources is None or not sources.isdisjoint(plan.sources):
            yield name, path


def _names(part: Part, blanking: Blanking) -> bool:
    content = content_of(part)
    return blanking.names(content.head) or blanking.names(content.body)


def pieces_of(path: Folder) -> Iterator[bytes]:
    """Yield a file in pieces.

    Raises:
        ArchiveError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from None


@contextmanager
def _replacing(root: Folder, name: str, pieces: Iterable[bytes]) -> Iterator[Path]:
    """Write a file anew, yield it where it lies until then, and put it in place.

    Raises:
        ArchiveError: it cannot be written; what was there is whole.
    """
    where = PurePosixPath(name)
    fresh = staging(root) / where.with_name(f".{where.name.removeprefix('.')}.anew")
    try:
        fresh.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        yield fresh
        move(fresh, root / name)
    except OSError as error:
        raise ArchiveError(f"{root / name}: {error.strerror}") from None
    finally:
        fresh.unlink(missing_ok=True)


def _put(root: Folder, name: str, pieces: Iterable[bytes]) -> str:
    """Write a file anew and return its SHA-256; readers find the one before, or the new one."""
    with _replacing(root, name, pieces) as fresh:
        sha256 = sums.digest(fresh)
        # Before it is in place: either of the two sums is right meanwhile.
        sums.record(root, {name: sha256})
    return sha256


class Erasing:
    """One removal at work; call with the archive's lock of removals held."""

    def __init__(self, place: Place, plan: Plan, outcome: Outcome, progress: Progress) -> None:
        """Prepare to erase what a plan says."""
        self._place, self._plan, self._outcome = place, plan, outcome
        self._root, self._progress = place.root, progress
        self._known, self._blanking = plan.known, Blanking(plan.secrets)
        self._now = datetime.now(UTC)
        self._gone: set[str] = set()
        self._holding: dict[tuple[str, bool], bool] = {}
        self._renewed: dict[str, str] = {}
        self.left: list[str] = []
        """In words, what could not be erased yet."""
        self.elsewhere: list[str] = []
        """Files outside of the archive that hold records of the articles."""

    def work(self) -> None:
        """Erase it all; the plan stays on disk where something is left."""
        self._plan.save(self._root)
        self._bury()
        open_yet = tree(staging(self._root) / "raw", f"*.warc.gz{OPEN}")
        for folder in {path.parent.name for path in open_yet}:
            clear_away(self._place, date.fromisoformat(folder.partition("=")[2]))
        found = scan(self._place, self._plan, self._progress)
        self.left += [f"{name}: is being written" for name in found.at_work]
        self.elsewhere = found.elsewhere
        self._copy_parts(found)
        self._plan.days |= self._days_touched()
        self._plan.save(self._root)
        self._erase_rows()
        self._publish()
        self._erase_published()
        self._rewrite(found)
        self._remove_files()
        for name in filter(self._place.archive.has, TABLES):
            self._clean_log(name)
        self._renew_sums()
        if not self.left:
            (self._root / JOURNAL).unlink(missing_ok=True)

    # ----------------------------------------------------------------------------- tombstones

    def _bury(self) -> None:
        def work() -> None:
            target = self._place.archive.open("removals")
            there = {r["article_id"]: removal_of(r) for r in target.read().to_pylist()}
            fresh = [_joined(there.get(r.article_id), r) for r in self._plan.removals]
            fresh = [r for r in fresh if there.get(r.article_id) != r]
            if not fresh:
                return
            days = {r.removed_day for r in fresh}
            ids = {r.article_id for r in fresh}
            others = target.read(days, where=~one_of("article_id", ids))
            target.replace(pa.concat_tables([others, rows_of(fresh, REMOVALS)]), days)

        committing("remove", work)

    # -------------------------------------------------------------------------------- records

    def _copy_parts(self, found: Scanned) -> None:
        """Keep what stays of records in files of their own, and remember where."""
        if not found.parts:
            return
        captures = self._place.archive.open("captures")
        where = one_of("warc_path", found.parts)
        columns = ["run_day", "kind", "warc_path", "warc_offset"]
        rows = {
            (r["warc_path"], r["warc_offset"]): r
            for r in captures.read(None, columns, where).to_pylist()
        }
        with WarcFiles(self._root, "redacted", self._place.settings.user_agent) as warc:
            for name, lengths in found.parts.items():
                if name in found.elsewhere:
                    continue
                for offset, length in lengths.items():
                    found.gone[name].add(offset)
                    row = rows.get((name, offset))
                    if row is None:
                        continue  # no row leads to it
                    with (self._root / name).open("rb") as file:
                        file.seek(offset)
                        (part,) = parts([file.read(length)], name)
                    listing = row["kind"] not in ("page", "import")

                    def blanked(data: bytes, listing: bool = listing) -> bytes:
                        return self._blanking.blanked(data, listing=listing)

                    anew = without(part, blanked, self._now)
                    if anew:
                        self._plan.moved[name, offset] = warc.copy(row["run_day"], *anew)

    def _rewrite(self, found: Scanned) -> None:
        """Write WARC files anew without the records that go; readers find each whole."""
        for done, name in enumerate(found.files, 1):
            gone = found.gone[name]
            anew = rewritten(pieces_of(self._root / name), gone, self._now, name)
            self._renewed[name] = _put(self._root, name, anew)
            self._outcome.add("raw", "records erased", len(gone))
            self._outcome.add("raw", "files rewritten")
            self._progress("WARC files", done, len(found.files))

    # ----------------------------------------------------------------------------------- rows

    def _days_touched(self) -> set[date]:
        return {day for name in _BY_RUN_DAY if name != "listings" for day in self.days_of(name)}

    def days_of(self, name: str) -> list[date]:
        """Return the partitions of a table with rows that are to go or to change."""
        if not self._place.archive.has(name):
            return []
        target = self._place.archive.open(name)
        return sorted({d for d, path in target.files() if self._holds(name, path)})

    def _holds(self, name: str, path: str, *, moved: bool = True) -> bool:
        """Say whether a file has rows that are to go, or to change; files never change."""
        if (path, moved) not in self._holding:
            self._holding[path, moved] = self._look_into(name, path, moved)
        return self._holding[path, moved]

    def _look_into(self, name: str, path: str, moved: bool) -> bool:
        if name not in OF_ARTICLES:
            return False
        there = columns_of(self._root / path)
        if self._known:
            where = self._known.rows_of(name, there)
            if read_rows(self._root / path, [KEYS[name]], where).num_rows:
                return True
        if name == "captures":
            rows = read_rows(self._root / path, [c for c in _ADDRESSES if c in there])
            if any(self._secret(column) for column in rows.columns):
                return True
        if name in _OF_RELATED and "related" in there:
            rows = read_rows(self._root / path, ["related"])
            if self._secret(pc.list_flatten(rows["related"])):
                return True
        if moved and name in _OF_PAGES and self._plan.moved:
            where = one_of("warc_path", {spot for spot, _ in self._plan.moved})
            spots = read_rows(self._root / path, ["warc_path", "warc_offset"], where)
            return not self._plan.moved.keys().isdisjoint(_spots(spots))
        return False

    def _erase_rows(self) -> None:
        for name in _BY_RUN_DAY:
            days = sorted(self._plan.days) if name == "listings" else self.days_of(name)
            for done, day in enumerate(days, 1):
                committing(f"erase {name} {day}", self._erase_day, name, day)
                self._progress(name, done, len(days))

    def _erase_day(self, name: str, day: date) -> None:
        target = self._place.archive.open(name)
        rows = target.read([day])
        kept = self._counted(rows, day) if name == "listings" else self._cleaned(name, rows)
        if not kept.equals(rows):
            target.replace(kept, [day])
            self._outcome.add(name, "days written anew")

    def _cleaned(self, name: str, rows: pa.Table) -> pa.Table:
        """Return rows without those that go, and with what changes in others."""
        kept = self._known.without(name, rows)
        if name == "captures":
            for column in _ADDRESSES:
                kept = kept.filter(~one_of(column, self._secret(kept[column])))
        if name in _OF_RELATED:
            kept = self._without_related(kept)
        return self._at_new_spots(kept) if name in _OF_PAGES else kept

    def _secret(self, texts: pa.ChunkedArray) -> set[str]:
        """Return those of some texts that are an address or a headline of the articles."""
        return self._blanking.strings(t for t in pc.unique(texts).to_pylist() if t)

    def _without_related(self, rows: pa.Table) -> pa.Table:
        secret = self._secret(pc.list_flatten(rows["related"]))
        if not secret:
            return rows
        left = [[t for t in of or () if t not in secret] for of in rows["related"].to_pylist()]
        return _with(rows, {"related": left})

    def _at_new_spots(self, rows: pa.Table) -> pa.Table:
        moved = [self._plan.moved.get(spot) for spot in _spots(rows)]
        if not any(moved):
            return rows
        names = [n for n in Stored("", 0, 0, "", "").columns if n in rows.schema.names]
        values = {n: rows[n].to_pylist() for n in names}
        for number, stored in enumerate(moved):
            if stored is not None:
                for n in names:
                    values[n][number] = stored.columns[n]
        return _with(rows, values)

    def _counted(self, rows: pa.Table, day: date) -> pa.Table:
        """Return what listings answered for a day, their links counted again."""
        links = self._place.archive.open("links").read([day], ["source", "listings"])
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for row in links.to_pylist():
            for listing in row["listings"]:
                counts[row["source"], listing] += 1
        pairs = zip(*(rows[c].to_pylist() for c in ("source", "listing", "links")), strict=True)
        of = set(self._plan.sources)
        return _with(
            rows, {"links": [counts[s, li] if s in of else number for s, li, number in pairs]}
        )

    # ------------------------------------------------------------------- articles, the snapshot

    def _publish(self) -> None:
        """Let everything follow that follows from the rows, of days that were published."""
        days = sorted(self._plan.days.intersection(self._place.archive.open("coverage").days()))
        for done, day in enumerate(days, 1):
            show_day(self._place, day, Outcome("publish", []))
            self._progress("days published", done, len(days))

    def _erase_published(self) -> None:
        """Erase what no publish came by, and let the snapshot name what is there now."""
        with snapshot.publishing(self._root):
            regrouped = self.days_of("articles")
            for name in (*_BY_PUBLISH, *_BY_RUN_DAY):
                for day in self.days_of(name):
                    committing(f"erase {name} {day}", self._erase_day, name, day)
            if regrouped:
                committing("stories", self._regroup, regrouped)
            committing("show what is left", self._show_what_is_left)

    def _show_what_is_left(self) -> None:
        """Let the snapshot name no file that holds rows of the articles."""
        archive = self._place.archive
        finished: dict[str, dict[date, list[str]]] = {}
        shown = {(f.table, f.day, f.path) for f in snapshot.named_files(self._root)}
        for name in filter(archive.has, (*_BY_PUBLISH, *_BY_RUN_DAY)):
            target = archive.open(name)
            live = {path for _, path in target.files()}
            stale = {
                day
                for table, day, path in shown
                if table == name and path not in live and self._holds(name, path)
            }
            finished[name] = named(target, stale)
        removals = archive.open("removals")
        finished["removals"] = named(removals, removals.days())
        snapshot.build(self._root, finished, self._place.declared.values())

    def _regroup(self, days: Iterable[date]) -> None:
        group_stories(self._place.archive.open_all("articles", "stories"), days)

    # ------------------------------------------------------------------- files, logs, sums

    def _remove_files(self) -> None:
        """Remove files with rows of the articles that no table names any more."""
        used = {f.path for f in snapshot.named_files(self._root)} | self._place.archive.live()
        for name in filter(self._place.archive.has, OF_ARTICLES):
            target = self._place.archive.open(name)
            left = set(target.left())
            for file in list(tree(self._root / name, "*.parquet#*")):  # never to be a whole one
                if time.time() - file.stat().st_mtime > _SETTLED:
                    file.unlink(missing_ok=True)
            for file in sorted(tree(self._root / name, "*.parquet"), key=str):
                path = below(file, self._root)
                if path in used or partition_of(path) is None:
                    continue
                try:
                    young = path not in left and time.time() - file.stat().st_mtime < _SETTLED
                    if not self._may_hold(name, path):
                        continue
                    if young:
                        self.left.append(f"{path}: was written just now, and joined no table yet")
                        continue
                    file.unlink()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise ArchiveError(f"{file}: {error.strerror}") from None
                self._gone.add(path)
                self._outcome.add(name, "files erased")

    def _may_hold(self, name: str, path: str) -> bool:
        """Say whether a file of no table has rows of the articles, or cannot be read."""
        try:
            return self._holds(name, path, moved=False)
        except Damaged:  # a writer was killed amid it
            return True

    def _clean_log(self, name: str) -> None:
        """Take out of a table's log what it says of the values in files that are no longer live."""
        target = self._place.archive.open(name)
        live = {path for _, path in target.files()}
        target.checkpoint()
        log = self._root / name / LOG
        for entry in listed(log, "*.json"):
            before = entry.read_bytes()
            after = _without_stats(before, name, live)
            if after != before:
                path = below(entry, self._root)
                self._renewed[path] = _put(self._root, path, [after])
        checkpoints = listed(log, "*.checkpoint.parquet")
        old = {below(p, self._root): p for p in checkpoints if int(p.name[:20]) < target.version}
        if old:
            # First their sums: what has one and is gone counts as lost.
            sums.fold(self._root, lambda path, _: path not in old)
            for file in old.values():
                file.unlink(missing_ok=True)

    def _renew_sums(self) -> None:
        def wanted(path: str, sha256: str) -> bool:
            return path not in self._gone and self._renewed.get(path, sha256) == sha256

        if self._gone or self._renewed:
            sums.fold(self._root, wanted)


def _joined(there: Removal | None, fresh: Removal) -> Removal:
    """Return the tombstone of an article that is removed again: it knows what both know."""
    if there is None:
        return fresh
    return Removal(
        **{
            **asdict(there),
            **{
                name: sorted({*getattr(there, name), *getattr(fresh, name)})
                for name in ("article_ids", "link_ids", "payloads")
            },
        }
    )


def _spots(rows: pa.Table) -> Iterator[tuple[Any, Any]]:
    return zip(rows["warc_path"].to_pylist(), rows["warc_offset"].to_pylist(), strict=True)


def _with(rows: pa.Table, values: dict[str, list[Any]]) -> pa.Table:
    """Return rows with other values in some columns."""
    for name, column in values.items():
        number = rows.schema.get_field_index(name)
        kind = rows.schema.field(name)
        rows = rows.set_column(number, kind, pa.chunked_array([pa.array(column, kind.type)]))
    return rows


def _without_stats(entry: bytes, table: str, live: Collection[str]) -> bytes:
    """Return an entry of a log without the least and greatest values of files that left."""
    lines = []
    for line in entry.splitlines():
        action = json.loads(line)
        for kind in ("add", "remove"):
            of = action.get(kind)
            if of and of.get("stats") and f"{table}/{unquote(of['path'])}" not in live:
                of.pop("stats")
                line = json.dumps(action, ensure_ascii=False, separators=(",", ":")).encode()
        lines.append(line)
    return b"\n".join(lines)
