"""At least 120 real newspapers on every day that they have: by command, and some under Airflow."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from newspapers import Newspapers, check, declare, serving
from stacks import Stack

NEWSPAPERS = 130
Draw = Callable[[Sequence[date], int], list[date]]


def chosen(newspapers: Newspapers) -> dict[str, dict[str, Any]]:
    """Return the newspapers with the most pages that are dated."""
    papers = newspapers.get("/")
    dated = {h: p for h, p in papers.items() if p["pages"] > p["undated"]}
    most = sorted(dated, key=lambda h: (dated[h]["undated"] - dated[h]["pages"], h))
    return {host: dated[host] for host in most[:NEWSPAPERS]}


def pages_by_day(newspapers: Newspapers, papers: dict[str, dict[str, Any]]) -> Counter[date]:
    """Return how many pages each day has, by what their sitemaps say."""
    found: Counter[date] = Counter()
    for paper in papers.values():
        index = newspapers.session.get(f"{paper['address']}/sitemap.xml", timeout=10).text
        for part in index.split("<loc>")[1:]:
            url = part.split("</loc>")[0]
            entries = newspapers.session.get(url, timeout=10).text.count("<url>")
            found[date.fromisoformat(url[-14:-4])] += entries
    return found


def stack_for(folder: Path) -> Stack:
    return Stack(
        folder,
        settings={
            "NEWSARCHIVE_SOURCES_DIR": str(folder / "sources"),
            "NEWSARCHIVE_SOURCES": "p_*",
            "NEWSARCHIVE_HOSTS_AT_ONCE": "32",
        },
    )


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_by_command(tmp_path: Path, draw: Draw) -> None:
    with serving() as newspapers:
        papers = chosen(newspapers)
        assert len(papers) >= 120
        stack = stack_for(tmp_path)
        declare(tmp_path / "sources", papers)
        pages = pages_by_day(newspapers, papers)
        days = sorted(draw(sorted(pages), 3))
        newspapers.get("/requests/reset")
        for place, day in enumerate(days):  # two ways to the same rows
            backfill = ["backfill", "--from", str(day), "--to", str(day)]
            done = stack.run(*(backfill if place % 2 else ["run", "--day", str(day)]))
            assert done.returncode == 0, done.stderr
        listed = sum(pages[d] for d in days)
        reasons = check(tmp_path / "archive", listed, newspapers)
    print(
        f"{listed} pages on {len(days)} days of {len(papers)} newspapers, rejects {dict(reasons)}"
    )


@pytest.mark.long
@pytest.mark.airflow
@pytest.mark.timeout(3600)
def test_under_the_scheduler(tmp_path: Path, draw: Draw) -> None:
    with serving() as newspapers:
        papers = chosen(newspapers)
        declare(tmp_path / "sources", papers)
        pages = pages_by_day(newspapers, papers)
        busiest = [day for day, _ in pages.most_common(10)]
        days = sorted(draw(busiest, 1))
        stack = stack_for(tmp_path)
        stack.start()
        try:
            stack.wait_for("Airflow stays up")
            newspapers.get("/requests/reset")
            for day in days:
                stack.backfill(day, day)
                assert stack.wait_for_runs([day]) == {day: "success"}
            reasons = check(tmp_path / "archive", sum(pages[d] for d in days), newspapers)
        finally:
            stack.stop()
    print(f"{sum(pages[d] for d in days)} pages on {days} under Airflow, rejects {dict(reasons)}")
