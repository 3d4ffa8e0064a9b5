"""A first look at real pages: each one listed becomes an article, or a reject with a reason."""

from datetime import date
from pathlib import Path

import pytest
from days import rows, settings_for
from newspapers import check, declare, serving

from newsarchive import steps

DAYS = 3


@pytest.mark.timeout(600)
def test_three_days_of_real_newspapers(tmp_path: Path) -> None:
    with serving() as newspapers:
        per_day = newspapers.get("/days")
        days = sorted(sorted(per_day, key=lambda d: (-per_day[d], d))[:DAYS])
        declared = declare(tmp_path / "sources", newspapers.get("/"))
        chosen = settings_for(
            tmp_path,
            8090,
            sources="p_*",
            sources_dir=tmp_path / "sources",
            hosts_at_once=64,
        )
        newspapers.get("/requests/reset")
        for day in days:
            steps.run(date.fromisoformat(day), chosen)
        listed = sum(per_day[d] for d in days)
        reasons = check(chosen.archive_path, listed, newspapers)
    print(f"{listed} pages on {days}: {listed - reasons.total()} articles, {dict(reasons)}")
    assert reasons.total() < 0.1 * listed
    covered = rows(chosen.archive_path, "coverage")
    assert len(covered) == DAYS * len(declared)
    assert sum(r["listed"] for r in covered) == listed
    assert {r["status"] for r in covered} <= {"complete", "empty"}
