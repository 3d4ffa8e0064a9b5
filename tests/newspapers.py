"""Real pages of real newspapers, served on loopback as they would be live.

They belong to their publishers and lie beside the checkout, or where NEWSARCHIVE_TEST_PAGES says.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

PAGES = Path(
    os.environ.get("NEWSARCHIVE_TEST_PAGES") or Path(__file__).parents[2] / "shared/newspaper"
)


@dataclass(frozen=True, slots=True)
class Newspapers:
    """A running server of newspapers, each at an address of its own."""

    port: int
    session: requests.Session

    def get(self, path: str) -> Any:
        """Return what the server tells tests: `/`, `/days`, `/requests`, `/requests/reset`."""
        answer = self.session.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def serving() -> Iterator[Newspapers]:
    """Serve them on a free port; skips the test where they are absent."""
    if not (PAGES / "serve.py").is_file():
        pytest.skip(f"no newspapers in {PAGES}; NEWSARCHIVE_TEST_PAGES names another folder")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(PAGES / "serve.py"), "--port", str(port)]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as server,
        requests.Session() as session,
    ):
        session.trust_env = False
        newspapers = Newspapers(port, session)
        try:
            for _ in range(300):
                try:
                    newspapers.get("/")
                    break
                except requests.ConnectionError:
                    time.sleep(0.1)
            else:
                pytest.fail("the newspapers did not start")
            yield newspapers
        finally:
            server.terminate()
