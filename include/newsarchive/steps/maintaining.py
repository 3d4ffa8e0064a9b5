"""`maintain`: fewer files, shorter logs, and what nobody needs any more removed; no row changes.

Readers see the same rows before, meanwhile and after. A file goes only when neither its table nor
the snapshot names it, and neither has within the retention. Only what came back of articles that
were removed on request is erased, and at once.
"""

import re
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from newsarchive import sums
from newsarchive.errors import ArchiveError
from newsarchive.fetch.warc import OPEN
from newsarchive.integrity import partition_of
from newsarchive.objects import Folder, staging, tree
from newsarchive.outcome import Outcome
from newsarchive.schema import TABLES
from newsarchive.settings import Settings
from newsarchive.steps.capturing import clear_away
from newsarchive.steps.place import Place, Progress, place_of, quiet, reported, with_archive
from newsarchive.steps.publishing import named
from newsarchive.steps.removing import keep_out
from newsarchive.steps.verifying import adopt_unknown
from newsarchive.store import snapshot
from newsarchive.store.tables import Target, committing

WHAT = (
    *("days compacted", "files joined", "bytes joined", "checkpoints", "log entries removed"),
    *("files removed", "bytes removed", "sums adopted"),
)
"""What is counted, by table."""
_HELD = 20.0  # seconds that a publisher waits for at most; one day more than that
_STAGED = re.compile(r".*#\d+|\.[0-9a-f]{32}")
"""Names under which the tables' library, and we, write what has no name yet."""


def maintain(
    settings: Settings | None = None, progress: Progress = quiet, *, dry_run: bool = False
) -> Outcome:
    """Keep the archive small and quick: compact, shorten the logs, remove what was left.

    The outcome counts `WHAT`, by table; `raw` and `sums` stand for what is in no table.

    Args:
        settings: as loaded from the environment, if None.
        progress: told of the tables.
        dry_run: whether to count what would be done, and to change nothing.

    Raises:
        ArchiveError: there is no archive, or a file that would be joined to others is damaged.
        Conflict: another writer was first too often.
    """
    place = place_of(with_archive(settings))
    outcome = Outcome("maintain", [])
    tables = [name for name in TABLES if place.archive.has(name)]
    if not dry_run:
        outcome.notes += keep_out(place, progress)
    for done, name in enumerate(tables, 1):
        (_plan_compaction if dry_run else _compact)(place, name, outcome)
        _shorten_log(place.archive.open(name), outcome, dry_run)
        progress("tables", done, len(tables))
    _remove_left(place, tables, outcome, dry_run)
    _clear_away(place, outcome, dry_run)
    _tidy_sums(place, outcome, dry_run)
    return reported(outcome)


# ------------------------------------------------------------------------------------- compaction


def _plan_compaction(place: Place, name: str, outcome: Outcome) -> None:
    for paths in _crowded(place.archive.open(name)).values():
        _count_compaction(place, name, paths, outcome)


def _count_compaction(place: Place, name: str, paths: Iterable[str], outcome: Outcome) -> None:
    sizes = [(place.root / path).stat().st_size for path in paths]
    outcome.add(name, "days compacted")
    outcome.add(name, "files joined", len(sizes))
    outcome.add(name, "bytes joined", sum(sizes))


def _crowded(target: Target) -> dict[date, list[str]]:
    """Return the partitions of a table that have more than one file, with their files."""
    return {day: paths for day, paths in _by_day(target.files()).items() if len(paths) > 1}


def _by_day(files: Iterable[tuple[date, str]]) -> dict[date, list[str]]:
    by_day: dict[date, list[str]] = defaultdict(list)
    for day, path in files:
        by_day[day].append(path)
    return by_day


def _compact(place: Place, name: str, outcome: Outcome) -> None:
    """Leave one file a day, and show it in place of those before; other publishers get their turn.

    The library's own compaction would keep the files' order of rows, and make several files of a
    large day; ours leaves one file that is sorted, as every other.
    """
    due = sorted(_crowded(place.archive.open(name)), reverse=True)
    kept = sums.load(place.root).of if due else {}
    while due:
        until = time.monotonic() + _HELD
        with snapshot.publishing(place.root):
            done: list[date] = []
            while due and (not done or time.monotonic() < until):
                day = due.pop()
                paths = committing(f"compact {name} {day}", _compact_day, place, name, day, kept)
                if paths:
                    _count_compaction(place, name, paths, outcome)
                    done.append(day)
            committing(f"show {name}", _show_same_rows, place, name, done)
    with snapshot.publishing(place.root):
        committing(f"show {name}", _show_same_rows, place, name, None)


def _compact_day(
    place: Place, name: str, day: date, kept: Mapping[str, Collection[str]]
) -> list[str]:
    target = place.archive.open(name)
    paths = [path for _, path in target.files([day])]
    if len(paths) < 2:
        return []
    for path in paths:
        # Else damaged rows would be written again, with a sum that is right.
        if path in kept and sums.digest(place.root / path) not in kept[path]:
            raise ArchiveError(f"{path}: damaged; `newsarchive verify --repair` comes first")
    target.compact(day)
    return paths


def _show_same_rows(place: Place, name: str, days: list[date] | None) -> None:
    """Let the snapshot name a table's files wherever they hold the rows that it shows.

    Where they do not, the day waits for its publish. Call as the only publisher.

    Args:
        place: where.
        name: of the table.
        days: which days; None: all that a compaction that died may have left.
    """
    if days is not None and not days:
        return
    target = place.archive.open(name)
    live = _by_day(target.files(days))
    shown = _by_day((f.day, f.path) for f in snapshot.named_files(place.root, name))
    same = [
        day
        for day, paths in live.items()
        if day in shown and len(paths) == 1 and sorted(shown[day]) != paths
        if target.read_files(day, sorted(shown[day])).equals(target.read_files(day, paths))
    ]
    if same:
        finished = {name: named(target, same)}
        snapshot.build(place.root, finished, place.declared.values())


# -------------------------------------------------------------------------------------------- logs


def _shorten_log(target: Target, outcome: Outcome, dry_run: bool) -> None:
    name = target.table.name
    if dry_run:
        outcome.add(name, "checkpoints", int(not target.has_checkpoint()))
        outcome.add(name, "log entries removed", len(target.old_entries()))
        return
    target.configure()
    outcome.add(name, "checkpoints", int(target.checkpoint()))
    outcome.add(name, "log entries removed", len(target.clean_log()))


# --------------------------------------------------------------------------------- what was left


def _remove_left(place: Place, tables: list[str], outcome: Outcome, dry_run: bool) -> None:
    """Remove files that left their table longer ago than the retention.

    None that the snapshot names, whatever its age, nor one that it named within the retention.
    """
    hours = place.settings.retention_hours
    since = datetime.now(UTC) - timedelta(hours=hours)
    with snapshot.publishing(place.root):  # else the snapshot might move meanwhile
        used = {file.path for file in snapshot.named_files(place.root)}
        used |= {p for p, at in snapshot.left_files(place.root).items() if at > since}
        for name in tables:
            for path in place.archive.open(name).removable(hours):
                if path not in used:
                    _remove(place.root / path, name, outcome, dry_run)
            for file in _staged(place.root / name, since):
                _remove(file, name, outcome, dry_run)


def _staged(folder: Folder, since: datetime) -> Iterator[Folder]:
    """Yield what killed writers left below a folder under names of the moment."""
    for path in tree(folder):
        if _STAGED.fullmatch(path.name) and path.stat().st_mtime < since.timestamp():
            yield path


def _remove(path: Folder, name: str, outcome: Outcome, dry_run: bool) -> None:
    try:
        size = path.stat().st_size
        if not dry_run:
            path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ArchiveError(f"{path}: {error.strerror}") from None
    outcome.add(name, "files removed")
    outcome.add(name, "bytes removed", size)


def _clear_away(place: Place, outcome: Outcome, dry_run: bool) -> None:
    """Clear away the WARC files that killed writers left open, of days that nobody runs again."""
    folders = sorted(
        {path.parent for path in (staging(place.root) / "raw").glob(f"run_day=*/*{OPEN}")}
    )
    if dry_run or not place.archive.has("captures"):
        return
    for folder in folders:
        cleared = clear_away(place, date.fromisoformat(folder.name.partition("=")[2]))
        outcome.add("raw", "files removed", len(cleared))
        outcome.notes += cleared


# ------------------------------------------------------------------------------------------- sums


def _tidy_sums(place: Place, outcome: Outcome, dry_run: bool) -> None:
    """Give a sum to files that have none, and join the files of sums into one."""
    root = place.root
    adopted, unreadable = adopt_unknown(root, dry_run=dry_run)
    outcome.add("sums", "sums adopted", adopted)
    outcome.notes += [f"{f.path}: {f.detail}" for f in unreadable]
    since = datetime.now(UTC) - timedelta(hours=place.settings.retention_hours)
    for path in _staged(root / sums.FOLDER, since):
        _remove(path, "sums", outcome, dry_run)
    if dry_run:
        return
    with snapshot.publishing(root):
        used = {file.path for file in snapshot.named_files(root)} | place.archive.live()
        now = sums.digest(root / snapshot.NAME) if (root / snapshot.NAME).exists() else ""
        right = now in sums.load(root).of.get(snapshot.NAME, ())

        def wanted(path: str, sha256: str) -> bool:
            if path == snapshot.NAME:
                return sha256 == now or not right
            return path in used or not partition_of(path) or (root / path).exists()

        sums.fold(root, wanted)
        if right and (then := sums.digest(root / snapshot.NAME)) != now:
            sums.record(root, {snapshot.NAME: then})  # another machine's, put there meanwhile
