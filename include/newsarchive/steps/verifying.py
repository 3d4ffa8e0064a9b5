"""`verify`: every file of the archive read again and held against the sum that was kept of it."""

import json
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from newsarchive import integrity, sums
from newsarchive.errors import ArchiveError, Unavailable
from newsarchive.fetch.scan import Scanner, scan_file
from newsarchive.fetch.transport import Ended
from newsarchive.integrity import Finding, Known, Read
from newsarchive.objects import Folder, ObjectPath, StoreError, below, source, tree
from newsarchive.outcome import Outcome
from newsarchive.removals import TABLES as OF_ARTICLES
from newsarchive.schema import TABLES
from newsarchive.settings import Settings
from newsarchive.steps.erasing import JOURNAL as REMOVAL
from newsarchive.steps.erasing import KEYS
from newsarchive.steps.place import Progress, place_of, quiet, reported, with_archive
from newsarchive.steps.repairing import JOURNAL, interrupted, repair
from newsarchive.store import snapshot
from newsarchive.store.parquet import columns_of, read_rows
from newsarchive.store.tables import Archive

_SETTLED = 1.0  # seconds from a file that is replaced to its sum, at most
_OWN = re.compile(
    rf"\.{re.escape(snapshot.NAME)}\..*|{re.escape(snapshot.LOCK)}|{re.escape(JOURNAL)}.*"
    rf"|{re.escape(REMOVAL)}.*"
)
"""Names of the moment in the archive's folder: of readers, a publisher, a repair, a removal."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read and what was found; `findings` is empty where all is well."""

    outcome: Outcome
    files: int
    bytes: int
    findings: list[Finding]
    unknown: list[str]
    """Files of which no sum is kept."""
    rebuilt: list[Finding] = field(default_factory=list)
    """What was found first and is right again."""
    notes: list[str] = field(default_factory=list)
    """What a repair did, and what it could not do."""


def verify(
    settings: Settings | None = None,
    progress: Progress = quiet,
    *,
    repairing: bool = False,
    adopt: bool = False,
) -> Verified:
    """Read every file of the archive again and hold it against its sum.

    Files that writers are at work on are left out; what is committed meanwhile is not waited for.

    Args:
        settings: as loaded from the environment, if None.
        progress: told of the MB read.
        repairing: whether what can be made again from the WARC files is; all is read again after.
        adopt: whether files without a sum are given one, once they can be read through.

    Raises:
        ArchiveError: there is no archive.
    """
    settings = with_archive(settings)
    root = settings.archive_path
    found = _verified(settings, progress)
    rebuilt: list[Finding] = []
    notes: list[str] = []
    if repairing and any(f.problem != "stray" for f in found.findings):
        first = found.findings
        notes = repair(place_of(settings), first, progress)
        found = _verified(settings, progress)
        still = {f.path for f in found.findings}
        rebuilt = [f for f in first if f.path not in still]
    if adopt:
        _, unreadable = _adopt(root, found.unknown)
        unknown = [f.path for f in unreadable]
        found = replace(found, findings=found.findings + unreadable, unknown=unknown)
    outcome = Outcome("verify", [], notes=list(notes))
    outcome.add("archive", "files", found.files)
    outcome.add("archive", "MB", round(found.bytes / 1e6))
    outcome.add("archive", "unknown", len(found.unknown))
    outcome.add("archive", "rebuilt", len(rebuilt))
    for problem in ("missing", "changed", "stray"):
        outcome.add("archive", problem, sum(f.problem == problem for f in found.findings))
    outcome.notes += [f"{f.path}: {f.problem}, and rebuilt" for f in rebuilt]
    outcome.notes += map(str, found.findings)
    return replace(found, outcome=reported(outcome), rebuilt=rebuilt, notes=notes)


def _verified(settings: Settings, progress: Progress) -> Verified:
    root = settings.archive_path
    read = _read_all(root, settings, progress)
    kept = sums.load(root)  # after the files: what was written meanwhile has its sum by now
    if doubtful := [name for name, file in read.items() if _is_doubtful(name, file, kept)]:
        time.sleep(_SETTLED)
        read |= {name: replace(read[name], sha256=sums.digest(root / name)) for name in doubtful}
        kept = sums.load(root)
    known, unreadable = _known(root, read, kept)
    # A file that came after the folder was listed is as good as its writer.
    needed = {p: who for p, who in known.needed.items() if p in read or not (root / p).exists()}
    verdict = integrity.judge(read, kept, Known(needed, known.left))
    named = {f.path for f in verdict.findings}
    others = [*unreadable, *interrupted(root), *_not_removed(root, named)]
    findings = verdict.findings + [f for f in others if f.path not in named]
    size = sum(r.size for r in read.values())
    return Verified(Outcome("verify", []), len(read), size, findings, verdict.unknown)


def _is_doubtful(name: str, file: Read, kept: sums.Sums) -> bool:
    """Say whether a file may have been replaced just now, and its sum not be kept yet."""
    wanted = kept.of.get(name)
    return bool(wanted and integrity.is_replaced(name) and file.sha256 not in wanted)


def _read_all(root: Folder, settings: Settings, progress: Progress) -> dict[str, Read]:
    paths = [(path, below(path, root)) for path in _files(root)]
    total = sum(_size(path) for path, _ in paths)
    pace = sums.Pace(settings.verify_rate)
    since = time.time() - settings.retention_hours * 3600
    read = {}
    for path, name in paths:
        before = pace.done
        try:
            written = path.stat().st_mtime
            sha256, error = sums.digest(path, pace), ""
        except FileNotFoundError:
            continue  # it left, or was finished, since the folder was listed
        except StoreError:
            raise
        except OSError as failed:
            written, sha256, error = 0.0, "", failed.strerror or str(failed)
        read[name] = Read(sha256, pace.done - before, written > since, error)
        progress("MB", pace.done // 1_000_000, total // 1_000_000)
    return read


def _files(root: Folder) -> Iterator[Folder]:
    """Yield every file but those of the moment, and the sums: these say what they are."""
    if isinstance(root, ObjectPath):
        for path in tree(root):
            name = below(path, root)
            if not _OWN.fullmatch(name) and not _is_of_sums(name):
                yield path
        return
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder, name)
            if folder == str(root) and _OWN.fullmatch(name):
                continue
            if folder == str(root / sums.FOLDER) and sums.is_name(name):
                continue
            yield path


def _is_of_sums(name: str) -> bool:
    folder, _, last = name.rpartition("/")
    return folder == sums.FOLDER and sums.is_name(last)


def _size(path: Folder) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _known(root: Folder, read: dict[str, Read], kept: sums.Sums) -> tuple[Known, list[Finding]]:
    """Return what tables, snapshot and captures say of files, and what of them cannot be read.

    What is damaged is not asked.
    """
    needed = integrity.needed_of_logs(read, kept)
    bad = {f.path for f in integrity.judge(read, kept, Known(needed)).findings}
    archive = Archive(root)
    left: set[str] = set()
    unreadable = []
    for name in TABLES:
        if any(integrity.table_of_log(path) == name for path in bad) or not archive.has(name):
            continue
        try:
            target = archive.open(name)
            files = target.files()
            left.update(target.left())
        except Unavailable:
            raise
        except ArchiveError as error:
            unreadable.append(Finding(f"{name}/{integrity.LOG}", "changed", str(error)))
            continue
        needed.update(dict.fromkeys((path for _, path in files), "its table"))
        if name == "captures":
            warcs = _warc_paths(root, (path for _, path in files), bad)
            needed.update(dict.fromkeys(warcs, "captures"))
    if any(archive.has(name) for name in TABLES) or snapshot.NAME in kept.of:
        needed[snapshot.NAME] = "the tables, which it shows"
    if snapshot.NAME in read and snapshot.NAME not in bad:
        try:
            for file in snapshot.named_files(root):
                needed.setdefault(file.path, snapshot.NAME)
        except (ArchiveError, duckdb.Error) as error:
            unreadable.append(Finding(snapshot.NAME, "changed", str(error)))
    return Known(needed, left), unreadable


def _not_removed(root: Folder, bad: Collection[str]) -> list[Finding]:
    """Return what a removal did not come to, and files that hold rows of removed articles."""
    again = "`newsarchive remove --again` goes on"
    found = []
    if (root / REMOVAL).exists():
        found.append(Finding(REMOVAL, "stray", f"a removal that was not finished; {again}"))
    archive = Archive(root)
    if any(path.startswith("removals/") for path in bad) or not (removed := archive.removed()):
        return found
    for name in OF_ARTICLES:
        if any(integrity.table_of_log(path) == name for path in bad) or not archive.has(name):
            continue
        for _, path in archive.open(name).files():
            if path in bad or not (root / path).exists():
                continue
            where = removed.rows_of(name, columns_of(root / path))
            if read_rows(root / path, [KEYS[name]], where).num_rows:
                found.append(Finding(path, "stray", f"has rows of a removed article; {again}"))
    return found


def _warc_paths(root: Folder, files: Iterable[str], bad: Collection[str]) -> set[str]:
    """Return the WARC files that captures name, as far as the table's files can be read."""
    found: set[str] = set()
    for path in files:
        if path not in bad and (root / path).exists():
            rows = read_rows(root / path, ["warc_path"])
            found.update(pc.unique(rows["warc_path"].drop_null()).to_pylist())
    return found


def adopt_unknown(root: Folder, *, dry_run: bool = False) -> tuple[int, list[Finding]]:
    """Give each file of the archive that has no sum one, if it can be read through.

    Returns how many there are, and those that cannot.
    """
    archive, kept = Archive(root), sums.load(root)
    ours = {snapshot.NAME, *(f.path for f in snapshot.named_files(root))}
    for name in filter(archive.has, TABLES):
        target = archive.open(name)
        ours.update(path for _, path in target.files())
        ours.update(target.left())
    names = (below(path, root) for path in _files(root))
    unknown = [n for n in names if n not in kept.of and (n in ours or integrity.is_ours(n))]
    return (len(unknown), []) if dry_run else _adopt(root, unknown)


def _adopt(root: Folder, names: list[str]) -> tuple[int, list[Finding]]:
    unreadable, good = [], []
    for name in names:
        path = root / name
        try:
            _read_through(path)
        except StoreError:
            raise
        except (OSError, ValueError, ArchiveError, Ended) as error:
            unreadable.append(Finding(name, "changed", f"cannot be read: {error}"))
        else:
            good.append(path)
    sums.record_files(root, good)
    return len(good), unreadable


def _read_through(path: Folder) -> None:
    """Read a file as what it is, whole.

    Raises:
        OSError, ValueError, ArchiveError, Ended: it is not.
    """
    if path.suffix == ".parquet":
        with source(path) as given, pq.ParquetFile(given) as file:
            for _ in file.iter_batches():
                pass
    elif path.suffix == ".gz":
        scan_file(path, Scanner(lambda _: False, lambda _: None))
    elif path.suffix == ".json" or path.name == "_last_checkpoint":
        for line in path.read_text("utf-8").splitlines():
            json.loads(line)
