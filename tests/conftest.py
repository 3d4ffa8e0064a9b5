"""Options of the test run, and an environment without anybody's settings."""

import os
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")
KEPT = "NEWSARCHIVE_TEST_"  # names of what tests are given, not settings


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("newsarchive")
    group.addoption(
        "--long",
        choices=["draw", "all"],
        default="draw",
        help="how much of the tests marked `long` to run: a draw (default) or all",
    )
    group.addoption("--seed", type=int, help="seed of that draw; by default another each time")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.seed is None:
        config.option.seed = random.randrange(10**6)
    for name in list(os.environ):
        if name.startswith("NEWSARCHIVE_") and not name.startswith(KEPT):
            del os.environ[name]


def pytest_report_header(config: pytest.Config) -> str:
    return f"long tests: {config.option.long}, --seed {config.option.seed}"


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> Callable[[Sequence[T], int], list[T]]:
    """Return what picks cases of a long test: `draw(cases, 5)` is five of them, or all."""
    option = request.config.option
    chance = random.Random(f"{option.seed}/{request.node.nodeid}")

    def pick(cases: Sequence[T], number: int) -> list[T]:
        if option.long == "all" or number >= len(cases):
            return list(cases)
        return chance.sample(list(cases), number)

    return pick
