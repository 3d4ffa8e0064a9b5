"""Backups: archives themselves, made while writers go on."""

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from archives import DAY, days_from
from click.testing import CliRunner
from days import lasting, settings_for
from torture import mixes, torture_settings, write_generations

from newsarchive import settings, steps
from newsarchive.cli.program import newsarchive
from newsarchive.errors import ArchiveError
from newsarchive.sample.serve import start
from newsarchive.settings import Settings
from newsarchive.store import snapshot

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = date(2026, 10, 1)


def findings(archive: Path) -> list[object]:
    done = steps.verify(settings.load(archive=str(archive), sources="sample_*"))
    return [*done.findings, *done.unknown]


def moved_to(archive: Path, given: Settings) -> Settings:
    return given.model_copy(update={"archive": str(archive)})


def test_a_backup_is_an_archive_and_goes_on(tmp_path: Path) -> None:
    with start(0, NOW) as samples:
        given = settings_for(tmp_path, samples.server_port)
        steps.run(FIRST, given)
        there = tmp_path / "backup"
        first = steps.back_up(there, given)
        assert first.damaged == [] and first.copied == first.files
        assert findings(there) == []
        before = lasting(there)
        assert before == lasting(given.archive_path)

        steps.run(FIRST + timedelta(days=1), given)
        assert lasting(there) == before
        second = steps.back_up(there, given)
        assert 0 < second.copied < second.files
        assert findings(there) == []
        after = lasting(there)
        assert after == lasting(given.archive_path)

        # what leaves the archive leaves a later backup, and nothing of the archive is needed
        steps.publish(FIRST, given)
        steps.back_up(there, given)
        shutil.rmtree(given.archive_path)
        assert findings(there) == []
        with closing(duckdb.connect(str(there / snapshot.NAME), read_only=True)) as reader:
            assert reader.execute("SELECT count(*) FROM articles").fetchone() != (0,)
        restored = moved_to(tmp_path / "restored", given)
        steps.back_up(restored.archive_path, moved_to(there, given))
        assert lasting(restored.archive_path) == after
        third = FIRST + timedelta(days=2)
        steps.run(third, restored)
        assert findings(restored.archive_path) == []
        with snapshot.reading(restored.archive_path) as reader:
            sql = "SELECT count(*) FROM articles WHERE first_run_day = ?"
            assert reader.execute(sql, [third]).fetchone() != (0,)


def test_writers_go_on_meanwhile(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    given = torture_settings(root, tmp_path / "state")
    write_generations(given, "first", days_from(DAY, 1), 1, 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        writer = pool.submit(write_generations, given, "one", days_from(DAY, 3), 6, 2)
        number = 0
        while not writer.done():
            number += 1
            there = tmp_path / f"backup{number % 2}"
            assert steps.back_up(there, given).damaged == []
            with snapshot.reading(there) as reader:
                assert mixes(reader) == []
        assert writer.result() == 6
    # the writer is no source whose days could be run: what its versions name was never fetched
    named = [f for f in findings(there) if "captures" not in str(f)]
    assert named == []


def test_what_is_damaged_is_named_and_left_out(tmp_path: Path) -> None:
    with start(0, NOW) as samples:
        given = settings_for(tmp_path, samples.server_port)
        steps.run(FIRST, given)
    (file,) = (given.archive_path / "articles").rglob(f"article_day={FIRST}/*.parquet")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    words = ["--archive", str(given.archive_path), "--sources", "sample_*", "backup"]
    done = CliRunner().invoke(
        newsarchive, [*words, str(tmp_path / "backup")], standalone_mode=False
    )
    assert done.return_value == 3
    assert file.name in done.output and "verify --repair" in done.output
    assert not list((tmp_path / "backup").rglob(file.name))


@pytest.mark.parametrize("there", ["archive", "archive/inside", "full", "file"])
def test_a_place_that_cannot_be_a_backup(tmp_path: Path, there: str) -> None:
    root = tmp_path / "archive"
    write_generations(torture_settings(root, tmp_path / "state"), "first", days_from(DAY, 1), 1, 1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ArchiveError, match=r"backup lies beside|something else|no folder"):
        steps.back_up(tmp_path / there, settings.load(archive=str(root), sources="sample_en"))
    assert (tmp_path / "full" / "letter.txt").read_text() == "mine"
