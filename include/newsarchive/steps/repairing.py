"""What `verify` found damaged is made again, where `captures` and the WARC files are whole.

The steps make the rows as they made them first. A repair that was killed leaves a list of what it
was to make again, and the next one goes on with that.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from newsarchive import sums
from newsarchive.integrity import LOG, Finding, is_replaced, partition_of, table_of_log
from newsarchive.objects import Folder, listed, tree, write_whole
from newsarchive.outcome import Outcome
from newsarchive.parsers import Parsers
from newsarchive.schema import TABLES
from newsarchive.sources.load import WARC
from newsarchive.steps.archived import MEMORY_DAYS
from newsarchive.steps.listings import file_links
from newsarchive.steps.merging import merged, touched_by
from newsarchive.steps.parsing import parse_day
from newsarchive.steps.place import Place, Progress
from newsarchive.steps.publishing import named, show_day
from newsarchive.steps.stories import group_stories
from newsarchive.store import snapshot
from newsarchive.store.tables import committing

_OF_LISTINGS = frozenset({"links", "listings"})
_OF_PARSING = frozenset({"versions", "rejects", "aliases"})
_OF_PUBLISHING = frozenset({"articles", "article_index", "coverage", "stories"})
REBUILT = _OF_LISTINGS | _OF_PARSING | _OF_PUBLISHING
"""Tables whose rows follow from `captures` and the WARC files."""

JOURNAL = ".repair"
"""Below the archive: the files that a repair is about to make again, a line each."""


def interrupted(root: Folder) -> list[Finding]:
    """Return what a repair that was killed was to make again."""
    try:
        paths = (root / JOURNAL).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [Finding(path, "changed", "a repair of it was killed") for path in paths]


def repair(place: Place, findings: Sequence[Finding], progress: Progress) -> list[str]:
    """Make damaged files again; return in words what was done and what could not be.

    Args:
        place: where.
        findings: what is missing or changed; strays are left alone.
        progress: told of the days.
    """
    return _Repair(place, findings, progress).work()


class _Repair:
    def __init__(self, place: Place, findings: Sequence[Finding], progress: Progress) -> None:
        self._place, self._progress = place, progress
        self._root = place.root
        self._outcome = Outcome("repair", [])
        self._bad = {f.path for f in findings if f.problem != "stray"}
        self._again = {f.path for f in interrupted(place.root)}
        self.notes: list[str] = []
        self._live: dict[str, list[tuple[date, str]]] = {}

    def work(self) -> list[str]:
        """Make again what can be, and tell of it."""
        self._mend_sums()
        lost = sorted(self._unmendable())
        if lost:
            self.notes += [
                f"{name}: its log is damaged, and nothing else tells it" for name in lost
            ]
            return self.notes
        anew = {name for name in TABLES if self._broken_log(name) and not self._mend_log(name)}
        self._live = {
            n: self._place.archive.open(n).files() for n in TABLES if self._has(n) and n not in anew
        }
        damaged = self._damaged_days(anew)
        if damaged and not self._can_be_made(damaged):
            return self.notes
        with self._remembered():
            for name in sorted(anew):
                self._begin_anew(name)
            if snapshot.NAME in self._bad:
                self._show_what_is_live()
            if damaged:
                self._make(damaged)
                self._show(damaged)
            if snapshot.NAME in self._bad:
                for day in sorted(self._stale_days()):
                    show_day(self._place, day, self._outcome)
        self._remove_left()
        return self.notes

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        """Keep the list of what is made again on disk until all of it is."""
        journal = self._root / JOURNAL
        write_whole(journal, "".join(f"{path}\n" for path in sorted(self._bad)).encode())
        yield
        journal.unlink(missing_ok=True)

    def _has(self, name: str) -> bool:
        return self._place.archive.has(name)

    # ------------------------------------------------------------------ sums, logs, the snapshot

    def _mend_sums(self) -> None:
        """Keep what damaged sums still say rightly of files; the rest has none from now on."""
        for path, of in sums.load(self._root).damaged.items():
            right = {}
            for name, several in of.items():
                file = self._root / name
                if file.is_file() and sums.agrees(found := sums.digest(file), several):
                    right[name] = found
            sums.record(self._root, right)
            (self._root / path).unlink(missing_ok=True)
            self.notes.append(f"{path}: what it said of {len(right)} files is kept anew")
            for name in {n for n in sums.load(self._root).of if is_replaced(n)} - self._bad:
                file = self._root / name
                if file.is_file() and sums.digest(file) not in sums.load(self._root).of[name]:
                    self._forget(name.__eq__)  # sums of former states say nothing of it

    def _broken_log(self, name: str) -> set[str]:
        return {p for p in self._bad if p == f"{name}/{LOG}" or table_of_log(p) == name}

    def _unmendable(self) -> set[str]:
        return {
            name
            for name in TABLES.keys() - REBUILT
            if (broken := self._broken_log(name)) and not self._is_checkpoint_only(name, broken)
        }

    def _is_checkpoint_only(self, name: str, broken: Iterable[str]) -> bool:
        """Say whether all entries of a log are whole, so that its checkpoint can be made again."""
        first = self._root / name / LOG / f"{0:020d}.json"
        return first.exists() and all(
            p.endswith((".checkpoint.parquet", "_last_checkpoint")) for p in broken
        )

    def _mend_log(self, name: str) -> bool:
        """Make the checkpoint of a table's log again; False where more of it is damaged."""
        broken = self._broken_log(name)
        if not self._is_checkpoint_only(name, broken):
            return False
        for path in (*broken, f"{name}/{LOG}/_last_checkpoint"):
            (self._root / path).unlink(missing_ok=True)
        self._forget(lambda p: p in broken or p == f"{name}/{LOG}/_last_checkpoint")
        self._place.archive.open(name).checkpoint()
        self.notes.append(f"{name}: a checkpoint of its log was written anew")
        return True

    def _begin_anew(self, name: str) -> None:
        """Give a table an empty log; its files stay for the snapshot that names them."""
        for path in list(tree(self._root / name / LOG)):
            path.unlink(missing_ok=True)
        self._forget(lambda p: table_of_log(p) == name)
        self._place.archive.open(name)
        self.notes.append(f"{name}: its log was damaged; the table is made anew")

    def _forget(self, which: Callable[[str], bool]) -> None:
        sums.fold(self._root, lambda path, _: not which(path))

    def _show_what_is_live(self) -> None:
        """Make a snapshot of all tables as they are, but for what is damaged."""
        finished: dict[str, dict[date, list[str]]] = {}
        for name, files in self._live.items():
            by_day = finished.setdefault(name, {})
            for day, path in files:
                if path not in self._bad:
                    by_day.setdefault(day, []).append(path)
        with snapshot.publishing(self._root):
            snapshot.discard(self._root)
            snapshot.build(self._root, finished, self._place.declared.values())
        self.notes.append(f"{snapshot.NAME}: made anew from the tables")

    def _stale_days(self) -> set[date]:
        """Return run days that were parsed again after they were published."""
        written = {
            name: self._place.archive.open(name).written()
            for name in ("versions", "rejects", "aliases", "coverage")
            if self._has(name)
        }
        published = written.pop("coverage", {})
        return {
            day
            for days in written.values()
            for day, at in days.items()
            if day in published and at > published[day]
        }

    # -------------------------------------------------------------------------------------- rows

    def _damaged_days(self, anew: Iterable[str]) -> dict[str, set[date]]:
        """Return the partitions whose rows are to be made again."""
        shown = self._live_paths() | self._again
        if snapshot.NAME not in self._bad:
            shown.update(f.path for f in snapshot.named_files(self._root))
        damaged: dict[str, set[date]] = defaultdict(set)
        for path in self._bad & shown:
            where = partition_of(path)
            # Of other tables the snapshot may name a file that left: a publish names those there.
            if where and (where[0] in REBUILT or path not in self._live_paths()):
                damaged[where[0]].add(where[1])
        for name in anew:
            partition = TABLES[name].partition
            for folder in listed(self._root / name, f"{partition}=*"):
                damaged[name].add(date.fromisoformat(folder.name.partition("=")[2]))
            if partition == "run_day":
                damaged[name].update(day for day, _ in self._live.get("captures", ()))
        return damaged

    def _live_paths(self) -> set[str]:
        return {path for files in self._live.values() for _, path in files}

    def _can_be_made(self, damaged: dict[str, set[date]]) -> bool:
        """Say whether everything is whole that the damaged rows follow from; else note what not."""
        needed = set().union(*(damaged.get(n, set()) for n in _OF_PARSING))
        for day in set().union(*(damaged.get(n, set()) for n in _OF_LISTINGS)):
            needed |= {day - timedelta(days=n) for n in range(MEMORY_DAYS + 1)}
        counted = needed | damaged.get("coverage", set()) | damaged.get("captures", set())
        months = damaged.get("article_index", set())
        lost = sorted(
            path
            for day, path in self._live.get("captures", ())
            if path in self._bad and (day in counted or day.replace(day=1) in months)
        )
        if not lost and needed:
            captures = self._place.archive.open("captures")
            paths = pc.unique(captures.read(needed, ["warc_path"])["warc_path"]).to_pylist()
            lost = sorted(self._bad.intersection(filter(None, paths)))
        if lost:
            self.notes.append(
                f"nothing was made again: {', '.join(lost)} is what the rows would follow from"
            )
        return not lost

    def _make(self, damaged: dict[str, set[date]]) -> None:
        of_listings = set().union(*(damaged.get(n, set()) for n in _OF_LISTINGS))
        of_parsing = set().union(*(damaged.get(n, set()) for n in _OF_PARSING))
        for day in sorted(of_listings):
            for name in _OF_LISTINGS:
                if day in damaged.get(name, ()):
                    self._drop(name, [day])
            self._file_links(day)
        if damaged.get("aliases"):
            self.notes.append("aliases: moves were found again; ids of older parsers are not known")
        with Parsers() as parsers:
            for done, day in enumerate(sorted(of_parsing), 1):
                unread = {n for n in _OF_PARSING if day in damaged.get(n, ())}
                committing(
                    f"parse {day}",
                    parse_day,
                    self._place,
                    day,
                    self._outcome,
                    self._progress,
                    parsers,
                    None,
                    unread,
                )
                self._progress("days parsed", done, len(of_parsing))
        articles = damaged.get("articles", set())
        stories = damaged.get("stories", set()) | articles
        months = damaged.get("article_index", set())
        for name in ("coverage", "article_index", "stories"):
            self._drop(name, damaged.get(name, ()))
        if months:
            self._drop("articles", articles)  # for as long as the index is not whole
        else:
            self._merge(articles, stories)
        shown = of_listings | of_parsing | damaged.get("coverage", set())
        shown |= damaged.get("captures", set())
        for day in self._place.archive.open("versions").days():
            if day.replace(day=1) in months:
                shown.add(day)
        # No snapshot can be made while the one before names a file that cannot be opened.
        self._show(damaged)
        for done, day in enumerate(sorted(shown), 1):
            asked = self._place.sources if day in damaged.get("coverage", ()) else ()
            show_day(self._place, day, self._outcome, asked)
            self._progress("days published", done, len(shown))
        if months:
            self._merge(articles, stories)

    def _drop(self, name: str, days: Iterable[date]) -> None:
        committing(f"empty {name}", lambda: self._place.archive.open(name).drop(days))

    def _file_links(self, day: date) -> None:
        """Make the links of a day again, of every source that was asked or imported then."""
        rows = self._place.archive.open("captures").read([day], ["source", "route"]).to_pylist()
        routes: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row["route"]:
                routes[row["source"]].add(row["route"])
        declared = self._place.declared
        for asked in (True, False):
            sources = [
                declared[n]
                for n, r in sorted(routes.items())
                if n in declared
                if (r != {WARC}) == asked
            ]
            if sources:
                file_links(self._place, day, sources, self._outcome, asked=asked)

    def _merge(self, days: Iterable[date], stories: Iterable[date]) -> None:
        """Make all articles of some article days again, then what is one story among them."""

        def work() -> None:
            targets = self._place.archive.open_all(
                "articles", "article_index", "aliases", "versions", "stories"
            )
            for day in sorted(days):
                filed = targets["article_index"].read(
                    None, ["article_id", "run_day"], pc.field("article_day") == day
                )
                ids = set(filed["article_id"].to_pylist())
                rows: Iterable[pa.Table] = ()
                if ids:
                    touched = touched_by(targets, filed["run_day"][0].as_py(), ids)
                    made = merged(targets, touched, self._place.declared)
                    rows = (part.filter(pc.field("article_day") == day) for part in made)
                targets["articles"].replace(rows, [day])
            group_stories(targets, stories)

        with snapshot.publishing(self._root):
            committing("merge articles", work)

    def _show(self, damaged: dict[str, set[date]]) -> None:
        """Let the snapshot name what tables have now of partitions that were damaged."""
        archive = self._place.archive

        def work() -> None:
            files = {name: named(archive.open(name), days) for name, days in damaged.items()}
            snapshot.build(self._root, files, self._place.declared.values())

        with snapshot.publishing(self._root):
            committing("show what was made again", work)

    def _remove_left(self) -> None:
        """Remove damaged files that neither their table nor the snapshot names any more."""
        used = {f.path for f in snapshot.named_files(self._root)} | self._place.archive.live()
        for path in sorted(self._bad - used):
            if partition_of(path):
                (self._root / path).unlink(missing_ok=True)
