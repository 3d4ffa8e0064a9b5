"""SHA-256 of the archive's files, kept when they are made: what a later reading is held against.

Each writer adds a file of its own below `sums/`, as `sha256sum` writes them, paths below the
archive. Its name is the SHA-256 of what is in it: the sums are checked as all else is, writers
never wait for each other, and `cat sums/*.sha256 | sha256sum -c` works without us.
"""

import hashlib
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from newsarchive.errors import ArchiveError
from newsarchive.objects import Folder, below, listed, write_whole

FOLDER = "sums"
_PIECE = 1 << 20
_NAME = re.compile(r"[0-9a-f]{64}\.sha256")
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_DAMAGED_LINE = re.compile(r"(.{64})  (\S.*)")


@dataclass(frozen=True, slots=True)
class Sums:
    """What is kept of every file."""

    of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By path below the archive. A file that is replaced under its name has several: one of them is
    right, and a damaged file has none of them."""
    damaged: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """Files of sums that are not what they were, by path, with those of their lines that can be
    read; these are not in `of`."""


class Pace:
    """Lets bytes through at a set rate."""

    def __init__(self, rate: float) -> None:
        """Begin now; `rate` in MB (a million bytes) a second, 0: no limit."""
        self._rate = rate * 1e6
        self._began = time.monotonic()
        self.done = 0
        """Bytes so far."""

    def spend(self, size: int) -> None:
        """Count bytes, and wait until they may have passed."""
        self.done += size
        if self._rate:
            ahead = self.done / self._rate - (time.monotonic() - self._began)
            if ahead > 0:
                time.sleep(ahead)


def digest(path: Folder, pace: Pace | None = None) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        OSError: it cannot be read.
    """
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
            if pace is not None:
                pace.spend(len(piece))
    return found.hexdigest()


def agrees(sha256: str, damaged: Iterable[str]) -> bool:
    """Say whether a sum is one of some that may be damaged: one letter may be another."""
    return any(sum(a != b for a, b in zip(sha256, s, strict=True)) <= 1 for s in damaged)


def record(root: Folder, sums: Mapping[str, str]) -> None:
    """Keep the sums of files, by path below the archive.

    Raises:
        ArchiveError: they cannot be written.
    """
    if sums:
        _write(root, {path: {sha256} for path, sha256 in sums.items()})


def record_files(root: Folder, paths: Iterable[Folder]) -> None:
    """Keep the sums of files as they are now; one that is gone by now is left out.

    Raises:
        ArchiveError: a file cannot be read, or the sums cannot be written.
    """
    found = {}
    for path in paths:
        try:
            found[below(path, root)] = digest(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ArchiveError(f"{path}: {error.strerror}") from None
    record(root, found)


def load(root: Folder) -> Sums:
    """Return all sums that are kept."""
    return _load(root)[0]


def fold(root: Folder, keep: Callable[[str, str], bool]) -> None:
    """Join all files of sums that are whole into one; writers may add others meanwhile.

    Args:
        root: the archive.
        keep: says whether the sum of a path is still wanted; it is given both.

    Raises:
        ArchiveError: the sums cannot be written.
    """
    sums, names = _load(root)
    kept = {
        path: wanted
        for path, several in sums.of.items()
        if (wanted := {s for s in several if keep(path, s)})
    }
    made = _write(root, kept) if kept else None
    for name in names:
        if name != made:
            (root / FOLDER / name).unlink(missing_ok=True)


def _load(root: Folder) -> tuple[Sums, list[str]]:
    """Return the sums, and the names of the files that they stand in."""
    for _ in range(20):
        sums, names = Sums(), []
        with suppress(FileNotFoundError):  # folded meanwhile: what was in it stands in another
            for path in listed(root / FOLDER, "*.sha256"):
                data = path.read_bytes()
                whole = path.name == f"{hashlib.sha256(data).hexdigest()}.sha256"
                into: dict[str, set[str]] = sums.of
                if whole:
                    names.append(path.name)
                else:
                    into = sums.damaged.setdefault(f"{FOLDER}/{path.name}", defaultdict(set))
                for line in data.decode("utf-8", "replace").split("\n"):
                    if found := (_LINE if whole else _DAMAGED_LINE).fullmatch(line):
                        into[found[2]].add(found[1])
            return sums, names
    raise ArchiveError(f"{root / FOLDER}: files in it go away while they are read; try again")


def is_name(name: str) -> bool:
    """Say whether a file in the folder of sums is named as one of them."""
    return bool(_NAME.fullmatch(name))


def _write(root: Folder, sums: Mapping[str, set[str]]) -> str:
    lines = sorted(f"{sha256}  {path}\n" for path, several in sums.items() for sha256 in several)
    data = "".join(lines).encode()
    name = f"{hashlib.sha256(data).hexdigest()}.sha256"
    folder = root / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, data)
    except OSError as error:
        raise ArchiveError(f"{folder}: {error.strerror}") from None
    return name
