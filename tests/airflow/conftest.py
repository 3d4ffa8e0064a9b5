"""One stack for all tests of a module."""

from collections.abc import Iterator

import pytest
from stacks import Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that has run yesterday and stays up."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    stack.start()
    try:
        stack.wait_for("Airflow stays up")
        yield stack
    finally:
        stack.stop()
