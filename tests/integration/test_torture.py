"""Writers and readers at once: no row lost, none doubled, no reader sees a mix."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
from archives import DAY, days_from
from torture import maintain_again_and_again, mixes, read_again_and_again, write_generations

from newsarchive.store import snapshot

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.option.long == "all")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.option.seed)


def generations(root: Path) -> dict[date, str]:
    with snapshot.reading(root) as reader:
        return dict(
            reader.execute("SELECT run_day, any_value(title) FROM versions GROUP BY 1").fetchall()
        )


def test_readers_and_maintenance_beside_a_writer(tmp_path: Path, whole: bool, seed: int) -> None:
    root = tmp_path / "archive"
    write_generations(root, "first", days_from(DAY, 1), 1, seed)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(5, mp_context=context) as pool:
        until = manager.Event()
        readers = [
            pool.submit(read_again_and_again, root, how, until) for how in ("new", "new", "kept")
        ]
        upkeep = pool.submit(maintain_again_and_again, root, until)
        number = 500 if whole else 50
        writer = pool.submit(write_generations, root, "one", days_from(DAY, 5), number, seed)
        assert writer.result() == number
        until.set()
        seen = [reader.result() for reader in readers]
        assert upkeep.result()
    assert [wrong for _, wrong in seen] == [[], [], []]
    assert all(looks for looks, _ in seen)
    looks = [looks for looks, _ in seen]
    print(f"{number} commits, looks {looks}, maintained {upkeep.result()} times")


@pytest.mark.parametrize("apart", [0, 40])
def test_two_writers_at_once(tmp_path: Path, whole: bool, seed: int, apart: int) -> None:
    root = tmp_path / "archive"
    rounds = 100 if whole else 5
    days = [days_from(DAY, 2), days_from(DAY + timedelta(days=apart), 2)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        names = ("one", "two")
        done = [
            pool.submit(write_generations, root, name, own, rounds, seed + n)
            for n, (name, own) in enumerate(zip(names, days, strict=True))
        ]
        assert [d.result() for d in done] == [rounds, rounds]
    with snapshot.reading(root) as reader:
        assert mixes(reader) == []
    shown = generations(root)
    assert shown.keys() == {*days[0], *days[1]}
    if apart:
        assert {shown[d].split()[0] for d in days[0]} == {"one"}
        assert {shown[d].split()[0] for d in days[1]} == {"two"}
