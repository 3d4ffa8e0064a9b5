"""Writers and readers at once: no row lost, none doubled, no reader sees a mix."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest
from archives import DAY, days_from
from object_store import BUCKET, serving
from torture import (
    maintain_again_and_again,
    mixes,
    read_again_and_again,
    torture_settings,
    write_generations,
)

from newsarchive.objects import Folder
from newsarchive.settings import Settings
from newsarchive.store import snapshot

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.option.long == "all")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.option.seed)


@pytest.fixture(params=["folder", "store"])
def machines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Settings]]:
    """Settings of two machines for one archive; where it is a folder, they are one machine."""
    if request.param == "folder":
        yield [torture_settings(tmp_path / "archive", tmp_path / "state")] * 2
        return
    with serving(tmp_path / "store"):
        yield [
            torture_settings(f"s3://{BUCKET}/torture", tmp_path / f"state-{n}") for n in range(2)
        ]


def generations(root: Folder) -> dict[date, str]:
    with snapshot.reading(root) as reader:
        return dict(
            reader.execute("SELECT run_day, any_value(title) FROM versions GROUP BY 1").fetchall()
        )


def test_readers_and_maintenance_beside_a_writer(
    machines: list[Settings], whole: bool, seed: int
) -> None:
    own, other = machines
    write_generations(own, "first", days_from(DAY, 1), 1, seed)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(5, mp_context=context) as pool:
        until = manager.Event()
        readers = [
            pool.submit(read_again_and_again, other, how, until) for how in ("new", "new", "kept")
        ]
        upkeep = pool.submit(maintain_again_and_again, other, until)
        number = 500 if whole else 50 if isinstance(own.archive_path, Path) else 20
        writer = pool.submit(write_generations, own, "one", days_from(DAY, 5), number, seed)
        assert writer.result() == number
        until.set()
        seen = [reader.result() for reader in readers]
        assert upkeep.result()
    assert [wrong for _, wrong in seen] == [[], [], []]
    assert all(looks for looks, _ in seen)
    looks = [looks for looks, _ in seen]
    print(f"{number} commits, looks {looks}, maintained {upkeep.result()} times")


@pytest.mark.parametrize("apart", [0, 40])
def test_two_writers_at_once(machines: list[Settings], whole: bool, seed: int, apart: int) -> None:
    root = machines[0].archive_path
    rounds = 100 if whole else 5
    days = [days_from(DAY, 2), days_from(DAY + timedelta(days=apart), 2)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        names = ("one", "two")
        done = [
            pool.submit(write_generations, own, name, some, rounds, seed + n)
            for n, (own, name, some) in enumerate(zip(machines, names, days, strict=True))
        ]
        assert [d.result() for d in done] == [rounds, rounds]
    with snapshot.reading(root) as reader:
        assert mixes(reader) == []
    shown = generations(root)
    assert shown.keys() == {*days[0], *days[1]}
    if apart:
        assert {shown[d].split()[0] for d in days[0]} == {"one"}
        assert {shown[d].split()[0] for d in days[1]} == {"two"}
