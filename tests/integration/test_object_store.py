"""The archive in an object store: the same rows as in a folder, whoever writes, dies or is down."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import Program
from command_line import program as _program
from days import changed, differences, settings_for
from object_store import BUCKET, ObjectStore, serving

from newsarchive import steps
from newsarchive.days import days_between
from newsarchive.sample.serve import SampleServer, start
from newsarchive.sample.truth import truth
from newsarchive.settings import Settings

NOW = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
DAYS = days_between(date(2026, 11, 10), date(2026, 11, 12))

run = pytest.fixture(_program)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with serving(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture(scope="module")
def papers() -> Iterator[SampleServer]:
    with start(now=NOW) as server:
        yield server


def stored(folder: Path, papers: SampleServer, prefix: str, **more: Any) -> Settings:
    """Return settings for an archive in the store, with a state folder of their own."""
    return settings_for(
        folder, papers.server_port, archive=f"s3://{BUCKET}/{prefix}", store_timeout=20, **more
    )


@pytest.fixture(scope="module")
def three_days(
    store: ObjectStore, papers: SampleServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Settings]:
    """The same days in a folder and in the store."""
    folder = tmp_path_factory.mktemp("three-days")
    local = settings_for(folder / "local", papers.server_port)
    there = stored(folder / "there", papers, "three/days")
    for day in DAYS:
        for own in (local, there):
            steps.run(day, own)
    return local, there


def test_rows_equal_the_truth_and_those_of_a_folder(
    three_days: tuple[Settings, Settings], papers: SampleServer
) -> None:
    local, there = three_days
    assert differences(there.archive_path, truth(DAYS, NOW, papers.base_url)) == []
    assert changed(local.archive_path, there.archive_path) == []
