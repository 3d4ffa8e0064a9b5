"""Every damaged file is found; what follows from the WARC files is made again, row for row."""

import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from archives import DAY, at, covered, write
from command_line import Program
from command_line import program as _program
from days import lasting, rows, settings_for
from deltalake import DeltaTable

from newsarchive import steps, sums
from newsarchive.errors import ArchiveError
from newsarchive.fetch.warc import WarcFile
from newsarchive.sample.serve import start
from newsarchive.settings import Settings
from newsarchive.steps.repairing import REBUILT
from newsarchive.store import snapshot
from newsarchive.store.tables import Archive

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
DAYS = (date(2026, 11, 18), date(2026, 11, 19))
LOG = "_delta_log"
run = pytest.fixture(_program)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return the folder of an archive of two days as it was made, and the newspapers' port."""
    folder = tmp_path_factory.mktemp("whole")
    with start(now=NOW) as server:
        chosen = settings_for(folder, server.server_port)
        for day in DAYS:
            steps.run(day, chosen)
        Archive(chosen.archive_path).open("versions").checkpoint()
        return folder, server.server_port


@pytest.fixture
def settings(whole: tuple[Path, int], tmp_path: Path) -> Settings:
    """Return the settings of a copy of it; nobody is there any more who could be asked again."""
    folder, port = whole
    shutil.copytree(folder, tmp_path / "copy")
    return settings_for(tmp_path / "copy", port)


def files(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file() and p.stat().st_size)


def flip(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def live(root: Path, table: str, day: date) -> Path:
    (path,) = (p for _, p in Archive(root).open(table).files([day]))
    return root / path


def found(settings: Settings, **how: bool) -> dict[str, str]:
    return {f.path: f.problem for f in steps.verify(settings, **how).findings}


def below(settings: Settings, path: Path) -> str:
    return path.relative_to(settings.archive_path).as_posix()


def test_an_undisturbed_archive_is_clean_and_every_file_has_a_sum(settings: Settings) -> None:
    verified = steps.verify(settings)
    assert verified.findings == []
    assert verified.unknown == []
    assert verified.files > 50


@pytest.mark.long
@pytest.mark.parametrize("damage", [flip, cut])
def test_one_bit_or_a_cut_anywhere_is_found(
    settings: Settings,
    draw: Callable[[Sequence[int], int], list[int]],
    damage: Callable[[Path, random.Random], None],
) -> None:
    root = settings.archive_path
    for case in draw(range(100), 10):
        chance = random.Random(f"{damage.__name__} {case}")
        path = chance.choice(files(root))
        before, times = path.read_bytes(), path.stat()
        damage(path, chance)
        assert found(settings) == {below(settings, path): "changed"}, f"case {case}"
        path.write_bytes(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert found(settings) == {}


@pytest.mark.parametrize("problem", ["is damaged", "is missing"])
def test_a_step_that_meets_damage_says_what_mends_it(settings: Settings, problem: str) -> None:
    path = live(settings.archive_path, "articles", DAYS[1])
    if problem == "is missing":
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ArchiveError, match=rf"{path.name}: {problem}.*verify --repair") as told:
        steps.publish(DAYS[1], settings)
    assert "\n" not in str(told.value)
    assert steps.verify(settings, repairing=True).findings == []
    steps.publish(DAYS[1], settings)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("links", "changed"),
        ("listings", "missing"),
        ("versions", "changed"),
        ("versions", "missing"),
        ("rejects", "changed"),
        ("articles", "changed"),
        ("articles", "missing"),
        ("coverage", "changed"),
        ("article_index", "changed"),
        ("stories", "changed"),
    ],
)
def test_rows_are_made_again(settings: Settings, table: str, problem: str) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    day = DAYS[1].replace(day=1) if table == "article_index" else DAYS[1]
    path = live(root, table, day)
    if problem == "missing":
        path.unlink()
    else:
        flip(path, random.Random(7))
    assert found(settings) == {below(settings, path): problem}
    done = steps.verify(settings, repairing=True)
    assert done.findings == []
    assert [f.path for f in done.rebuilt] == [below(settings, path)]
    assert lasting(root) == wanted
    assert not path.exists()
    steps.publish(DAYS[1], settings)
    assert lasting(root) == wanted


def test_several_tables_at_once_are_made_again(settings: Settings) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    chance = random.Random(1)
    for table in ("versions", "articles", "stories", "coverage", "links"):
        flip(live(root, table, DAYS[0]), chance)
    flip(live(root, "article_index", DAYS[0].replace(day=1)), chance)
    flip(root / snapshot.NAME, chance)
    done = steps.verify(settings, repairing=True)
    assert done.findings == []
    assert len(done.rebuilt) == 7
    assert lasting(root) == wanted


@pytest.mark.parametrize("table", ["versions", "articles"])
def test_a_table_whose_log_is_damaged_is_made_anew(settings: Settings, table: str) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    entry = root / table / LOG / f"{1:020d}.json"
    flip(entry, random.Random(3))
    assert found(settings) == {below(settings, entry): "changed"}
    done = steps.verify(settings, repairing=True)
    assert done.findings == []
    assert lasting(root) == wanted


def test_a_checkpoint_is_written_anew(settings: Settings) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    (checkpoint,) = (root / "versions" / LOG).glob("*.checkpoint.parquet")
    for path in (checkpoint, root / "versions" / LOG / "_last_checkpoint"):
        flip(path, random.Random(5))
    assert len(found(settings)) == 2
    assert steps.verify(settings, repairing=True).findings == []
    assert lasting(root) == wanted
    assert DeltaTable(str(root / "versions")).version() == int(checkpoint.name.split(".")[0])


def test_an_entry_of_a_log_that_is_gone_is_missed(settings: Settings) -> None:
    last = max((settings.archive_path / "captures" / LOG).glob("*.json"))
    last.unlink()
    assert found(settings)[below(settings, last)] == "missing"


@pytest.mark.parametrize("what", [flip, cut])
def test_the_snapshot_is_made_again_from_the_tables(
    settings: Settings, what: Callable[[Path, random.Random], None]
) -> None:
    wanted = lasting(settings.archive_path)
    what(settings.archive_path / snapshot.NAME, random.Random(9))
    assert found(settings) == {snapshot.NAME: "changed"}
    assert steps.verify(settings, repairing=True).findings == []
    assert lasting(settings.archive_path) == wanted


def test_a_missing_snapshot_is_made_again(settings: Settings) -> None:
    wanted = lasting(settings.archive_path)
    (settings.archive_path / snapshot.NAME).unlink()
    assert found(settings) == {snapshot.NAME: "missing"}
    assert steps.verify(settings, repairing=True).findings == []
    assert lasting(settings.archive_path) == wanted


@pytest.mark.parametrize("what", ["captures", "raw", "log"])
def test_what_nothing_else_tells_fails_loudly(settings: Settings, run: Program, what: str) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    path = {
        "captures": lambda: live(root, "captures", DAYS[0]),
        "raw": lambda: next((root / "raw").rglob("pages*.warc.gz")),
        "log": lambda: root / "captures" / LOG / f"{2:020d}.json",
    }[what]()
    flip(path, random.Random(2))
    flip(live(root, "versions", DAYS[0]), random.Random(2))
    ran = run(
        *("--archive", root, "--set", "verify_rate=0", "--sources", "sample_*"),
        *("verify", "--repair"),
    )
    assert ran.code == 3
    assert below(settings, path) in ran.out
    assert "missing, changed or stray" in ran.err
    if what != "raw":
        return
    # Readers still have what was not damaged.
    assert len(rows(root, "articles")) == len(wanted["articles"])


def can_be_made(root: Path) -> list[Path]:
    """Return the files whose damage is to be made good, sums left out."""
    archive = Archive(root)
    found = [root / snapshot.NAME]
    for table in sorted(REBUILT - {"aliases"}):
        found += [root / path for _, path in archive.open(table).files()]
        found += (root / table / LOG).iterdir()
    return sorted(found)


@pytest.mark.long
def test_damage_anywhere_is_made_good_even_when_the_repair_is_killed(
    whole: tuple[Path, int],
    tmp_path: Path,
    run: Program,
    draw: Callable[[Sequence[int], int], list[int]],
) -> None:
    wanted = lasting(whole[0] / "archive")
    for case in draw(range(100), 4):
        chance = random.Random(case)
        folder = tmp_path / f"case-{case}"
        shutil.copytree(whole[0], folder)
        chosen = settings_for(folder, whole[1])
        root = chosen.archive_path
        some = chance.sample(can_be_made(root), chance.choice([1, 1, 3]))
        if case % 4 == 0:
            some = [chance.choice(sorted((root / "sums").iterdir()))]
        for path in some:
            chance.choice([flip, cut])(path, chance)
        assert found(chosen).keys() >= {below(chosen, p) for p in some}, case
        words = ("--archive", root, "--set", f"sample_port={whole[1]}", "verify", "--repair")
        if case % 2:
            with run.process(*words) as process:
                time.sleep(chance.uniform(1, 4))
                process.kill()
        done = steps.verify(chosen, repairing=True, adopt=True)
        assert done.findings == [], case
        assert lasting(root) == wanted, case
        assert steps.verify(chosen).findings == [], case
        shutil.rmtree(folder)


def test_a_repair_that_was_killed_is_found_and_finished(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    flip(root / "versions" / LOG / f"{1:020d}.json", random.Random(3))
    flip(live(root, "article_index", DAYS[0].replace(day=1)), random.Random(3))

    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("newsarchive.steps.repairing.show_day", kill)
        with pytest.raises(Killed):
            steps.verify(settings, repairing=True)
    assert len(found(settings)) >= 2
    assert steps.verify(settings, repairing=True).findings == []
    assert lasting(root) == wanted


def test_files_that_cannot_even_be_opened_do_not_stop_it(settings: Settings) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    archive = Archive(root)
    for table in sorted(REBUILT - {"aliases"}):  # the first of each, which views look into
        os.truncate(root / archive.open(table).files()[0][1], 3)
    assert steps.verify(settings, repairing=True).findings == []
    assert lasting(root) == wanted


def test_damage_elsewhere_does_not_stand_in_the_way(settings: Settings) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    lost = live(root, "captures", DAYS[0])
    for path in (lost, live(root, "versions", DAYS[1]), live(root, "articles", DAYS[0])):
        flip(path, random.Random(2))
    done = steps.verify(settings, repairing=True)
    assert [f.path for f in done.findings] == [below(settings, lost)]
    assert lasting(root) == wanted


def test_a_damaged_file_that_left_its_table_is_removed(settings: Settings) -> None:
    root = settings.archive_path
    wanted = lasting(root)
    (path, *_) = Archive(root).open("captures").left()
    flip(root / path, random.Random(4))
    assert found(settings) == {path: "changed"}
    assert found(settings, repairing=True) == {}
    assert not (root / path).exists()
    assert lasting(root) == wanted


def test_what_writers_are_at_work_on_is_no_finding(settings: Settings) -> None:
    root = settings.archive_path
    (root / "versions" / "run_day=2026-11-18" / "part-not-committed.parquet").write_bytes(b"PAR1")
    (root / f".{snapshot.NAME}.{'ab' * 16}").write_bytes(b"half")
    with WarcFile(root, DAYS[0], "imports") as warc:
        warc.write_resource("https://a.example/1", b"some bytes", "text/plain")
        assert found(settings) == {}
    assert found(settings) == {}
    assert steps.verify(settings).unknown == []


def test_what_is_no_file_of_the_archive_is_stray_once_it_is_old(settings: Settings) -> None:
    root = settings.archive_path
    strays = [
        root / "notes.txt",
        root / "versions" / "run_day=2026-11-18" / "part-never-committed.parquet",
        root / "raw" / "run_day=2026-11-18" / "pages-1.warc.gz.open",
    ]
    for path in strays:
        path.write_bytes(b"x")
    assert found(settings) == {}
    for path in strays:
        os.utime(path, (1, 1))
    assert found(settings) == {below(settings, p): "stray" for p in strays}
    assert len(found(settings, repairing=True)) == 3, "strays are nobody's to remove"


def test_an_archive_without_sums_is_unknown_until_they_are_adopted(
    settings: Settings, run: Program
) -> None:
    root = settings.archive_path
    shutil.rmtree(root / "sums")
    verified = steps.verify(settings)
    assert verified.findings == []
    assert len(verified.unknown) == verified.files
    ran = run("--archive", root, "verify", "--adopt")
    assert (ran.code, ran.out) == (0, "")
    assert steps.verify(settings).unknown == []
    path = live(root, "articles", DAYS[0])
    flip(path, random.Random(6))
    assert found(settings) == {below(settings, path): "changed"}


def test_what_cannot_be_read_through_is_not_adopted(settings: Settings) -> None:
    root = settings.archive_path
    shutil.rmtree(root / "sums")
    bad = [live(root, "articles", DAYS[0]), next((root / "raw").rglob("pages*.warc.gz"))]
    for path in bad:
        os.truncate(path, path.stat().st_size // 2)
    verified = steps.verify(settings, adopt=True)
    assert {f.path for f in verified.findings} == {below(settings, p) for p in bad}
    assert set(verified.unknown) == {below(settings, p) for p in bad}


def test_damaged_sums_are_kept_anew_where_they_are_right(settings: Settings) -> None:
    root = settings.archive_path
    path = max((root / "sums").iterdir(), key=lambda p: p.stat().st_size)
    flip(path, random.Random(8))
    assert found(settings) == {below(settings, path): "changed"}
    done = steps.verify(settings, repairing=True)
    assert done.findings == []
    assert len(done.unknown) <= 1


def test_the_snapshot_is_not_blamed_for_damaged_sums(settings: Settings) -> None:
    root = settings.archive_path
    now = sums.digest(root / snapshot.NAME)
    (path,) = (p for p in (root / "sums").iterdir() if now in p.read_text())
    os.truncate(path, 0)
    verified = steps.verify(settings)
    assert [f.path for f in verified.findings] == [below(settings, path)]
    assert verified.unknown == [snapshot.NAME]
    done = steps.verify(settings, repairing=True, adopt=True)
    assert (done.findings, done.unknown) == ([], [])
    assert steps.verify(settings).unknown == []


def test_a_writer_beside_it_is_not_disturbed_and_not_blamed(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    write(root, [covered()])
    with snapshot.publishing(root):
        snapshot.build(root, {}, [])
    chosen = settings_for(tmp_path, 1)
    over = threading.Event()

    def commit() -> Iterator[None]:
        for _ in range(26):  # and a checkpoint
            made = write(root, [covered(), covered(at(DAY).date().replace(day=2))])
            with snapshot.publishing(root):
                snapshot.build(root, made, [])
            yield
        over.set()

    writer = threading.Thread(target=lambda: list(commit()))
    writer.start()
    rounds = 0
    while not over.is_set():
        assert found(chosen) == {}
        rounds += 1
        time.sleep(0.01)
    writer.join()
    assert rounds > 2
    verified = steps.verify(chosen)
    assert (verified.findings, verified.unknown) == ([], [])


def test_there_is_nothing_to_verify_without_an_archive(run: Program) -> None:
    ran = run("verify")
    assert ran.code == 1
    assert "no archive here yet" in ran.err
