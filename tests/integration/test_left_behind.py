"""What killed processes leave is cleared away by the next; what a living one uses is not."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archives import DAY, covered, publish, write
from small_site import archiving, serving

from newsarchive.days import today
from newsarchive.fetch.warc import WarcFile, read_record, settle
from newsarchive.steps import poll
from newsarchive.store import snapshot

WRITE = """
import sys
from datetime import date
from pathlib import Path
from newsarchive.fetch.warc import WarcFile
with WarcFile(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), "pages") as file:
    stored = file.write_resource("https://a.example/1", b"some bytes", "text/plain")
    print(stored.path, stored.offset, stored.length, flush=True)
    sys.stdin.read()
"""
READ = """
import sys
from pathlib import Path
from newsarchive.store import snapshot
with snapshot.reading(Path(sys.argv[1])) as connection:
    print("reading", flush=True)
    sys.stdin.read()
    print(connection.execute("SELECT count(*) FROM coverage").fetchone())
"""


@contextmanager
def running(program: str, *words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a program that waits to be told to go on, and yield it with its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def killed(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()


def names(root: Path) -> set[str]:
    return {p.name for p in (root / "raw").rglob("*") if p.is_file()}


def test_a_warc_file_that_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    with running(WRITE, tmp_path, DAY) as (writer, line):
        path = line.split()[0]
        assert settle(tmp_path, DAY, set) == [], "it lives"
        assert settle(tmp_path, DAY.replace(day=2), set) == []
        killed(writer)
    assert names(tmp_path) == {Path(path).name + ".open"}
    assert settle(tmp_path, DAY, set) == [path]
    assert names(tmp_path) == set()
    assert settle(tmp_path, DAY, set) == []


def test_one_that_a_row_names_is_kept(tmp_path: Path) -> None:
    with running(WRITE, tmp_path, DAY) as (writer, line):
        killed(writer)
    path, offset, length = line.split()
    assert settle(tmp_path, DAY, lambda: {path}) == [path]
    assert names(tmp_path) == {Path(path).name}
    assert read_record(tmp_path, path, int(offset), int(length)).body == b"some bytes"


def test_a_writer_of_this_process_is_alive_too(tmp_path: Path) -> None:
    with WarcFile(tmp_path, DAY, "imports") as file:
        stored = file.write_resource("https://a.example/1", b"some bytes", "text/plain")
        assert settle(tmp_path, DAY, set) == []
    assert names(tmp_path) == {Path(stored.path).name}
    assert settle(tmp_path, DAY, set) == []


def test_the_next_run_clears_it_away_and_says_so(tmp_path: Path) -> None:
    with serving(lambda _: (200, {}, "<rss version='2.0'><channel></channel></rss>")) as site:
        chosen = archiving(
            tmp_path, site.url, f'[[listing]]\nkind = "feed"\nurl = "{site.url}/feed"\n'
        )
        with running(WRITE, chosen.archive_path, today()) as (writer, line):
            killed(writer)
        left = line.split()[0]
        assert f"{left}.open" in {
            str(p.relative_to(chosen.archive_path)) for p in chosen.archive_path.rglob("*.open")
        }
        outcome = poll(chosen)
    assert not list(chosen.archive_path.rglob("*.open"))
    assert any(left in note for note in outcome.notes)


def test_names_of_killed_readers_and_publishers_go_with_the_next_publish(tmp_path: Path) -> None:
    publish(tmp_path, write(tmp_path, [covered()]))
    stray = f".{snapshot.NAME}.{'ab' * 16}"
    for name in (stray, f"{stray}.wal"):
        (tmp_path / name).write_bytes(b"half")
    elsewhere = f".{snapshot.NAME}.read-{'0' * 8}-1-{'cd' * 16}"
    (tmp_path / elsewhere).write_bytes(b"another machine's")

    def left() -> list[str]:
        return sorted(p.name for p in tmp_path.glob(f".{snapshot.NAME}.*"))

    with running(READ, tmp_path) as (dies, _), running(READ, tmp_path) as (lives, _):
        assert len(left()) == 5
        killed(dies)
        publish(tmp_path, {})
        (kept,) = (name for name in left() if name != elsewhere)
        assert f"-{lives.pid}-" in kept
        out, _ = lives.communicate("")
        assert out.strip() == "(1,)"
    assert left() == [elsewhere]
