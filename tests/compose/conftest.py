"""The engine that all tests of docker-compose.yaml share."""

import os
from collections.abc import Iterator

import pytest
from compose.engine import Engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if not os.environ.get("NEWSARCHIVE_TEST_COMPOSE"):
        pytest.skip("long, and root: make test-compose")
    with Engine() as engine:
        engine.make_images(tmp_path_factory.mktemp("images"))
        yield engine
