"""What the tests of fetching share: a source on loopback, impatient settings, a WARC check."""

import argparse
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from warcio.checker import Checker

from newsarchive.fetch.session import Fetched, Fetcher, Request
from newsarchive.settings import Settings
from newsarchive.sources.load import Source

DAY = date(2026, 11, 22)


def source(url: str, *, delay: float = 0.0, private: bool = True, name: str = "paper") -> Source:
    return Source(
        name=name,
        title="A paper",
        url=url,
        language="en",
        timezone="UTC",
        allow_private=private,
        listing=[{"kind": "feed", "url": url}],
        politeness={"delay": delay},
    )


def settings(folder: Path, **options: Any) -> Settings:
    impatient: dict[str, Any] = {
        "state_dir": folder / "state",
        "connect_timeout": 1.0,
        "read_timeout": 0.8,
        "request_timeout": 1.5,
        "backoff": 0.05,
        "max_attempts": 2,
        "max_body_mb": 1.0,
        "max_redirects": 3,
        "max_retry_after": 5.0,
    }
    return Settings(**(impatient | options))


def fetch_all(
    folder: Path, requests: Iterable[Request], run_day: date | None = DAY, **options: Any
) -> list[Fetched]:
    """Fetch into `folder`/archive and return what came, robots.txt included."""
    with Fetcher(settings(folder, **options), run_day, folder / "archive", "pages-0") as fetcher:
        return list(fetcher.fetch(requests))


def pages(fetched: Iterable[Fetched]) -> list[Fetched]:
    return [f for f in fetched if f.request.kind != "robots"]


def warc_files(folder: Path) -> list[Path]:
    return sorted((folder / "archive" / "raw").rglob("*.warc.gz*"))


def check_warcs(folder: Path) -> None:
    """Fail unless `warcio check` accepts every WARC file below `folder`/archive."""
    files = [str(f) for f in warc_files(folder)]
    assert files
    assert Checker(argparse.Namespace(inputs=files, verbose=False)).process_all() == 0
