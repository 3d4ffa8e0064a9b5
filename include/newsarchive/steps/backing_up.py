"""`backup`: a copy of the archive that is an archive itself, made while writers go on."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from newsarchive import sums
from newsarchive.errors import ArchiveError
from newsarchive.integrity import LOG
from newsarchive.objects import SCHEME, Folder, StoreError, below, copy, listed, tree
from newsarchive.outcome import Outcome
from newsarchive.schema import TABLES
from newsarchive.settings import Settings
from newsarchive.steps.place import Place, Progress, place_of, quiet, reported
from newsarchive.steps.removing import erase_again, list_removals
from newsarchive.store import snapshot

_RAW = "raw"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup holds, and what of the archive was not as it was written."""

    outcome: Outcome
    files: int
    bytes: int
    copied: int
    """Files that were not there from an earlier backup."""
    damaged: list[str] = field(default_factory=list)
    """Paths of files that are missing, or whose SHA-256 is another than was kept: not copied."""


def back_up(
    destination: Path, settings: Settings | None = None, progress: Progress = quiet
) -> BackedUp:
    """Copy the archive as its snapshot shows it, with all WARC files.

    Files never change once they are written, so that a later backup to the same place copies what
    is new, and removes what left the tables. Each file is held against its SHA-256 as it is copied.

    Args:
        destination: a folder that is empty, not there yet, or an earlier backup.
        settings: as loaded from the environment, if None.
        progress: told of the MB copied.

    Raises:
        ArchiveError: there is no archive, or the destination cannot be one.
    """
    place = place_of(settings)
    _check(place, destination)
    # The snapshot first, tables next, raw last: each names only what the next has by then.
    named = snapshot.named_files(place.root)
    wanted = {f.path for f in named}
    for table in TABLES:
        if place.archive.has(table):
            wanted |= _of_table(place, table)
    wanted |= {below(path, place.root) for path in tree(place.root / _RAW, "*.warc.gz")}
    buried = _removals_of(place, destination)
    destination.mkdir(parents=True, exist_ok=True)
    copied, damaged, size = _copy_all(place.root, destination, sorted(wanted), progress)
    sums.record(destination, copied)
    _show(place, destination, [f for f in named if f.path not in damaged])
    _remove_others(destination, wanted)
    shown = sums.digest(destination / snapshot.NAME)
    sums.fold(
        destination,
        lambda path, of: (
            of == shown
            if path == snapshot.NAME
            else copied.get(path, of) == of and (destination / path).exists()
        ),
    )
    if buried:
        there = place.settings.model_copy(update={"archive": str(destination)})
        erase_again(buried, there, progress)
    outcome = Outcome("backup", [])
    outcome.add("archive", "files", len(wanted) - len(damaged))
    outcome.add("archive", "copied", len(copied))
    outcome.add("archive", "damaged", len(damaged))
    bad = sorted(damaged)
    outcome.notes += [f"{path}: missing, or its SHA-256 is another: not copied" for path in bad]
    return BackedUp(reported(outcome), len(wanted) - len(bad), size, len(copied), bad)


def _check(place: Place, destination: Path) -> None:
    if not (place.root / snapshot.NAME).exists():
        raise ArchiveError(f"{place.root}: no archive here yet; `newsarchive run` makes one")
    if str(destination).startswith(SCHEME.rstrip("/")):
        raise ArchiveError(f"{destination}: a backup goes to a folder, not to an object store")
    here, there = place.root, destination.resolve()
    if isinstance(here, Path) and (here.resolve() == there or here.resolve() in there.parents):
        raise ArchiveError(f"{destination}: a backup lies beside the archive, not in it")
    if destination.exists() and not destination.is_dir():
        raise ArchiveError(f"{destination}: is no folder; name one, it will be made")
    some = any(destination.iterdir()) if destination.exists() else False
    if some and not (destination / sums.FOLDER).is_dir():
        raise ArchiveError(f"{destination}: holds something else; name an empty folder")


def _removals_of(place: Place, destination: Path) -> list[dict[str, Any]]:
    """Return the removals that a destination knows of and the archive does not."""
    there = place.settings.model_copy(update={"archive": str(destination)})
    if not (destination / snapshot.NAME).exists():
        return []
    known = {r["article_id"] for r in list_removals(place.settings)}
    return [r for r in list_removals(there) if r["article_id"] not in known]


def _of_table(place: Place, table: str) -> set[str]:
    """Return the paths of a table's files at its newest version, and of its log up to that."""
    target = place.archive.open(table)
    paths = {path for _, path in target.files()}
    for entry in listed(target.folder / LOG):
        version = entry.name.partition(".")[0]
        if version.isdigit() and int(version) <= target.version:
            paths.add(f"{table}/{LOG}/{entry.name}")
    return paths


def _copy_all(
    root: Folder, destination: Path, paths: list[str], progress: Progress
) -> tuple[dict[str, str], set[str], int]:
    """Copy what is not there; return the sums of what was, which are damaged, and bytes of all."""
    kept, there = sums.load(root).of, sums.load(destination).of
    sizes = {path: _size(root / path) for path in paths}
    total, done = sum(max(size, 0) for size in sizes.values()), 0
    copied: dict[str, str] = {}
    damaged: set[str] = set()
    for path, size in sizes.items():
        if size < 0:
            damaged.add(path)
        elif _size(destination / path) != size or _is_another(kept.get(path), there.get(path)):
            sha256 = _copy(root / path, destination / path, kept.get(path))
            if sha256:
                copied[path] = sha256
            else:
                damaged.add(path)
        done += max(size, 0)
        progress("MB", done // 1_000_000, total // 1_000_000)
    return copied, damaged, total


def _is_another(kept: set[str] | None, there: set[str] | None) -> bool:
    """Say whether a file was written anew, at the same length, since it was copied."""
    return bool(kept and there and kept.isdisjoint(there))


def _size(path: Folder) -> int:
    """Return the bytes of a file; -1 where there is none."""
    try:
        return path.stat().st_size
    except StoreError:
        raise
    except OSError:
        return -1


def _copy(source: Folder, target: Path, wanted: set[str] | None) -> str | None:
    """Copy a file under another name first; return its SHA-256 if it is one of those wanted."""
    fresh = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            copy(source, fresh)
            sha256 = sums.digest(fresh)
            if wanted and sha256 not in wanted:
                return None
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise ArchiveError(f"{error.filename or target}: {error.strerror}") from None
    return sha256


def _remove_others(destination: Path, wanted: set[str]) -> None:
    """Remove what an earlier backup had of the tables and is in them no more."""
    for table in TABLES:
        for path in (destination / table).rglob("*"):
            if path.is_file() and path.relative_to(destination).as_posix() not in wanted:
                path.unlink()


def _show(place: Place, destination: Path, named: list[snapshot.NamedFile]) -> None:
    """Build the backup's own snapshot, which names exactly these files."""
    finished: dict[str, dict[date, list[str]]] = defaultdict(lambda: defaultdict(list))
    with snapshot.publishing(destination):
        for file in snapshot.named_files(destination):
            finished[file.table].setdefault(file.day, [])
        for file in named:
            finished[file.table][file.day].append(file.path)
        snapshot.build(destination, finished, place.declared.values())
