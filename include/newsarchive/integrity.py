"""Whether the archive's files are what was written: what was read beside what must be there."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from newsarchive import sums
from newsarchive.schema import TABLES

Problem = Literal["missing", "changed", "stray"]

LOG = "_delta_log"
_ENTRY = re.compile(r"(\d{20})\.json")
_OF_LOG = re.compile(r"\d{20}\.(json|checkpoint\.parquet)|_last_checkpoint")


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read whole."""

    sha256: str
    """Empty where it could not be read."""
    size: int
    recent: bool
    """Whether it was written within the retention: it may be a writer's that has not committed."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One file that is not as it was written."""

    path: str
    """Below the archive."""
    problem: Problem
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.problem} ({self.detail})"


@dataclass(frozen=True, slots=True)
class Known:
    """What the archive itself says of its files."""

    needed: Mapping[str, str] = field(default_factory=dict)
    """Files that must be there, by path, with who says so."""
    left: Collection[str] = ()
    """Files that left their table and may be there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of holding files against their sums."""

    findings: list[Finding]
    unknown: list[str]
    """Paths of files of ours of which no sum is kept."""


def judge(read: Mapping[str, Read], kept: sums.Sums, known: Known) -> Verdict:
    """Say which files are missing, changed or stray, and of which no sum is kept; by path."""
    findings = [Finding(path, "changed", "sums of other files") for path in kept.damaged]
    unknown = []
    for path, file in read.items():
        wanted = kept.of.get(path) or set()
        lines = set().union(*(of.get(path, set()) for of in kept.damaged.values()))
        if file.error:
            findings.append(Finding(path, "changed", f"cannot be read: {file.error}"))
        elif file.sha256 in wanted or sums.agrees(file.sha256, lines):
            continue
        elif wanted and kept.damaged and is_replaced(path):
            unknown.append(path)  # the sum of its present state may be what is damaged
        elif wanted or lines:
            findings.append(Finding(path, "changed", "its SHA-256 is another"))
        elif path in known.needed or path in known.left or is_ours(path):
            unknown.append(path)
        elif not file.recent:
            findings.append(Finding(path, "stray", _of_stray(path)))
    findings += [
        Finding(path, "missing", f"named by {who}")
        for path, who in known.needed.items()
        if path not in read
    ]
    return Verdict(sorted(findings, key=lambda f: f.path), sorted(unknown))


def needed_of_logs(read: Iterable[str], kept: sums.Sums) -> dict[str, str]:
    """Return the files of tables' logs that must be there: those with sums, and those between."""
    paths = [*read, *kept.of]
    needed = {p: "its SHA-256, which is kept" for p in kept.of if table_of_log(p)}
    versions: dict[str, set[int]] = {}
    for path in paths:
        table = table_of_log(path)
        if table and (entry := _ENTRY.fullmatch(path.rsplit("/", 1)[1])):
            versions.setdefault(table, set()).add(int(entry[1]))
    for table, there in versions.items():
        for version in range(min(there), max(there)):
            needed.setdefault(f"{table}/{LOG}/{version:020d}.json", "the entries around it")
    return needed


def is_replaced(path: str) -> bool:
    """Say whether a file is replaced under its name, so that sums of former states are kept too."""
    return path == "archive.duckdb" or path.endswith(f"/{LOG}/_last_checkpoint")


def table_of_log(path: str) -> str | None:
    """Return the table in whose log a file is; None where it is in none."""
    parts = path.split("/")
    return parts[0] if len(parts) == 3 and parts[0] in TABLES and parts[1] == LOG else None


def partition_of(path: str) -> tuple[str, date] | None:
    """Return the table and the day of the partition in which a file is; None where it is none."""
    parts = path.split("/")
    if len(parts) != 3 or parts[0] not in TABLES:
        return None
    name, _, value = parts[1].partition("=")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return None
    return (parts[0], day) if name == TABLES[parts[0]].partition else None


def is_ours(path: str) -> bool:
    """Say whether a file is where one of ours would be, under such a name."""
    name = path.rsplit("/", 1)[-1]
    if table_of_log(path):
        return bool(_OF_LOG.fullmatch(name))
    return path.startswith("raw/") and name.endswith(".warc.gz")


def _of_stray(path: str) -> str:
    if path.startswith("raw/"):
        return "left unfinished: the next run of its day clears it away; or not of the archive"
    if partition_of(path):
        return "in no table; `newsarchive maintain` removes it"
    return "not of the archive"
