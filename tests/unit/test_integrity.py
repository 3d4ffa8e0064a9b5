"""What is said of files from what was read, what is kept of them, and what must be there."""

import hashlib
import subprocess
from datetime import date
from pathlib import Path

import pytest

from newsarchive import sums
from newsarchive.integrity import Finding, Known, Read, judge, needed_of_logs, partition_of

ONE, TWO = "1" * 64, "2" * 64
PART = "versions/run_day=2026-03-01/part.parquet"
ENTRY = "versions/_delta_log/00000000000000000003.json"


def found(read: dict[str, Read], of: sums.Sums, known: Known) -> list[tuple[str, str]]:
    return [(f.path, f.problem) for f in judge(read, of, known).findings]


def test_a_file_is_right_when_it_has_one_of_its_sums() -> None:
    of = sums.Sums({"archive.duckdb": {ONE, TWO}})
    assert found({"archive.duckdb": Read(TWO, 1, False)}, of, Known()) == []
    assert found({"archive.duckdb": Read("3" * 64, 1, True)}, of, Known()) == [
        ("archive.duckdb", "changed")
    ]


def test_a_file_that_cannot_be_read_is_changed() -> None:
    read = {PART: Read("", 0, False, "Input/output error")}
    assert judge(read, sums.Sums({PART: {ONE}}), Known()).findings == [
        Finding(PART, "changed", "cannot be read: Input/output error")
    ]


def test_what_is_needed_and_not_there_is_missing() -> None:
    assert judge({}, sums.Sums(), Known({PART: "its table"})).findings == [
        Finding(PART, "missing", "named by its table")
    ]


def test_a_sum_alone_does_not_make_a_file_needed() -> None:
    assert found({}, sums.Sums({PART: {ONE}}), Known()) == []


@pytest.mark.parametrize(
    ("path", "known", "recent", "what"),
    [
        (PART, Known({PART: "its table"}), False, "unknown"),
        (PART, Known(left=[PART]), False, "unknown"),
        (PART, Known(), False, "stray"),
        (PART, Known(), True, ""),  # of a writer that has not committed yet
        (ENTRY, Known(), False, "unknown"),
        ("raw/run_day=2026-03-01/pages-1.warc.gz", Known(), False, "unknown"),
        ("raw/run_day=2026-03-01/pages-1.warc.gz.open", Known(), True, ""),
        ("raw/run_day=2026-03-01/pages-1.warc.gz.open", Known(), False, "stray"),
        ("notes.txt", Known(), False, "stray"),
    ],
)
def test_a_file_without_a_sum(path: str, known: Known, recent: bool, what: str) -> None:
    verdict = judge({path: Read(ONE, 1, recent)}, sums.Sums(), known)
    assert (
        "unknown"
        if path in verdict.unknown
        else next((f.problem for f in verdict.findings if f.path == path), "")
    ) == what


def test_damaged_sums_are_found_and_what_they_rightly_say_holds() -> None:
    others = ("raw/a.warc.gz", "raw/b.warc.gz")
    lines = {PART: {ONE}, ENTRY: {ONE}, others[0]: {ONE[:-1] + "x"}}
    read = {path: Read(ONE, 1, False) for path in (PART, *others)} | {ENTRY: Read(TWO, 1, False)}
    verdict = judge(read, sums.Sums({}, {"sums/x.sha256": lines}), Known())
    assert [f.path for f in verdict.findings] == ["sums/x.sha256", ENTRY]
    assert verdict.unknown == [others[1]]


def test_entries_of_a_log_that_are_between_others_are_needed() -> None:
    log = "versions/_delta_log"
    read = [f"{log}/{n:020d}.json" for n in (4, 6)]
    of = sums.Sums({f"{log}/{9:020d}.json": {ONE}})
    needed = needed_of_logs(read, of)
    assert sorted(int(Path(p).stem) for p in needed) == [4, 5, 6, 7, 8, 9]


def test_the_partition_of_a_path() -> None:
    assert partition_of(PART) == ("versions", date(2026, 3, 1))
    for path in (ENTRY, "archive.duckdb", "raw/run_day=2026-03-01/x.warc.gz", "versions/a=b/c"):
        assert partition_of(path) is None


def test_sums_are_kept_by_path_and_joined(tmp_path: Path) -> None:
    for number in range(3):
        sums.record(tmp_path, {f"file-{number}": f"{number}" * 64, "again": f"{number}" * 64})
    assert len(list((tmp_path / "sums").iterdir())) == 3
    sums.fold(tmp_path, lambda path, _: path != "file-0")
    (file,) = (tmp_path / "sums").iterdir()
    assert file.name == f"{hashlib.sha256(file.read_bytes()).hexdigest()}.sha256"
    of = sums.load(tmp_path).of
    assert dict(of) == {
        "file-1": {ONE},
        "file-2": {TWO},
        "again": {"0" * 64, ONE, TWO},
    }
    sums.fold(tmp_path, lambda *_: True)
    assert list((tmp_path / "sums").iterdir()) == [file]
    sums.fold(tmp_path, lambda *_: False)
    assert list((tmp_path / "sums").iterdir()) == []


def test_sums_that_were_changed_are_known_as_such(tmp_path: Path) -> None:
    sums.record(tmp_path, {"a": ONE, "b": TWO})
    (file,) = (tmp_path / "sums").iterdir()
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    read = sums.load(tmp_path)
    assert read.of == {}
    assert read.damaged == {f"sums/{file.name}": {"a": {"0" + ONE[1:]}, "b": {TWO}}}


def test_no_sums_are_no_error(tmp_path: Path) -> None:
    assert sums.load(tmp_path).of == {}
    sums.record(tmp_path, {})
    assert not (tmp_path / "sums").exists()


def test_sha256sum_reads_them(tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"some bytes")
    sums.record_files(tmp_path, [tmp_path / "a file", tmp_path / "gone"])
    lists = [str(f) for f in (tmp_path / "sums").iterdir()]
    done = subprocess.run(["sha256sum", "-c", *lists], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "a file: OK\n", done.stderr


def test_bytes_pass_at_the_rate_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("newsarchive.sums.time.monotonic", lambda: now[0])
    monkeypatch.setattr("newsarchive.sums.time.sleep", sleep)
    pace = sums.Pace(2.0)
    for _ in range(4):
        pace.spend(1_000_000)
    assert sum(slept) == pytest.approx(2.0)
    assert pace.done == 4_000_000
    free = sums.Pace(0)
    free.spend(10**9)
    assert sum(slept) == pytest.approx(2.0)
