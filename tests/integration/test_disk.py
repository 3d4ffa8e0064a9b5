"""A disk that is full or may not be written: one clear line, and the next run goes on."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from days import lasting, program_for, settings_for

from newsarchive import settings, steps
from newsarchive.sample.serve import SampleServer, start

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 10, 1)


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start(0, NOW) as server:
        yield server


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here: that takes root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def run(samples: SampleServer, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours on an archive in a folder; its state lies elsewhere."""
    return subprocess.run(
        [*program_for(folder / "archive", folder.parent / "state", samples.server_port), *words],
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("NEWSARCHIVE_")},
    )


def test_a_full_disk_then_room_again(samples: SampleServer, disk: Path, tmp_path: Path) -> None:
    alone = settings_for(tmp_path / "alone", samples.server_port)
    steps.run(DAY, alone)
    size = sum(f.stat().st_size for f in alone.archive_path.rglob("*") if f.is_file())
    for part in (0.05, 0.2, 0.4, 0.6, 0.8, 0.9):
        remount(disk, f"size={max(int(size * part), 1)}")
        done = run(samples, disk, "run", "--day", str(DAY))
        assert done.returncode == 1, (part, done.stderr)
        told = done.stderr.splitlines()[-1]
        assert told.startswith("newsarchive: ") and "No space left" in told, (part, done.stderr)
        assert "Traceback" not in done.stderr
    remount(disk, "size=64m")
    done = run(samples, disk, "run", "--day", str(DAY))
    assert done.returncode == 0, done.stderr
    assert lasting(disk / "archive") == lasting(alone.archive_path)
    verified = steps.verify(settings.load(archive=str(disk / "archive"), sources="sample_*"))
    assert verified.findings == []


def test_a_disk_that_may_only_be_read(samples: SampleServer, disk: Path) -> None:
    assert run(samples, disk, "run", "--day", str(DAY)).returncode == 0
    before = lasting(disk / "archive")
    remount(disk, "ro")
    for words in (["run", "--day", "2026-10-02"], ["poll"], ["reparse", "--from", str(DAY)]):
        done = run(samples, disk, *words)
        assert done.returncode == 1, done.stderr
        told = done.stderr.splitlines()[-1]
        assert told.startswith("newsarchive: ") and "Read-only file system" in told, done.stderr
    asked = run(samples, disk, "query", "SELECT count(*) FROM articles")
    assert asked.returncode == 0, asked.stderr
    assert run(samples, disk, "coverage").returncode in (0, 3)
    remount(disk, "rw")
    assert run(samples, disk, "run", "--day", "2026-10-02").returncode == 0
    assert set(before["links"]) <= set(lasting(disk / "archive")["links"])
