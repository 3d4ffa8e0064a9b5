"""Real pages of real newspapers, served on loopback as they would be live.

They belong to their publishers and lie beside the checkout, or where NEWSARCHIVE_TEST_PAGES says.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from days import rows

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


def declare(folder: Path, papers: dict[str, dict[str, Any]]) -> list[str]:
    """Write a source file with a dated listing for each newspaper; return the sources' names."""
    folder.mkdir()
    names = []
    for host, paper in papers.items():
        name = "p_" + re.sub(r"[^a-z0-9]+", "_", host.lower())[:58]
        names.append(name)
        (folder / f"{name}.toml").write_text(
            f'name = "{name}"\ntitle = "{host}"\nurl = "{paper["address"]}/"\nlanguage = "en"\n'
            f'timezone = "UTC"\nallow_private = true\n'
            '[[listing]]\nkind = "dated"\n'
            f'url = "{paper["address"]}/sitemap-{{date:%Y-%m-%d}}.xml"\n'
            "[politeness]\ndelay = 0.0\n"
        )
    return names


def check(archive: Path, listed: int, served: Newspapers) -> Counter[str]:
    """Assert what must hold of an archive of some days of theirs; return the reasons of rejects.

    Every listed page ended once, as an article or as a reject with a reason; no host was asked two
    things at once, nothing that robots.txt forbids was asked; the WARC files are whole.
    """
    links = rows(archive, "links")
    assert len(links) == listed
    ended = Counter(r["link_id"] for r in rows(archive, "versions") if r["part"] == 0)
    rejects = rows(archive, "rejects")
    ended.update(r["link_id"] for r in rejects)
    assert ended == Counter(r["link_id"] for r in links)
    assert all(r["reason"] for r in rejects)

    asked = served.get("/requests")
    assert max(counts["most_at_once"] for counts in asked.values()) == 1
    assert sum(counts["forbidden"] for counts in asked.values()) == 0
    warcs = sorted(str(p) for p in (archive / "raw").rglob("*.warc.gz"))
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("warcio")), "check", *warcs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout[-2000:] + checked.stderr[-2000:]
    return Counter(r["reason"] for r in rejects)


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
