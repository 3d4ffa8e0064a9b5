"""A first look at real pages: each one listed becomes an article, or a reject with a reason."""

import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from days import rows, settings_for
from newspapers import Newspapers, serving

from newsarchive import steps

DAYS = 3


def _declare(folder: Path, newspapers: Newspapers) -> dict[str, dict[str, object]]:
    """Write a source file for each newspaper; return the newspapers by the source's name."""
    folder.mkdir()
    by_name = {}
    for host, paper in newspapers.get("/").items():
        name = "p_" + re.sub(r"[^a-z0-9]+", "_", host.lower())[:58]
        by_name[name] = paper
        (folder / f"{name}.toml").write_text(
            f'name = "{name}"\ntitle = "{host}"\nurl = "{paper["address"]}/"\nlanguage = "en"\n'
            f'timezone = "UTC"\nallow_private = true\n'
            '[[listing]]\nkind = "dated"\n'
            f'url = "{paper["address"]}/sitemap-{{date:%Y-%m-%d}}.xml"\n'
            "[politeness]\ndelay = 0.0\n"
        )
    return by_name


@pytest.mark.timeout(600)
def test_three_days_of_real_newspapers(tmp_path: Path) -> None:
    with serving() as newspapers:
        per_day = newspapers.get("/days")
        days = sorted(sorted(per_day, key=lambda d: (-per_day[d], d))[:DAYS])
        declared = _declare(tmp_path / "sources", newspapers)
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
        asked = newspapers.get("/requests")

    archive = chosen.archive_path
    links = rows(archive, "links")
    assert len(links) == sum(per_day[d] for d in days)
    ended = Counter(r["link_id"] for r in rows(archive, "versions") if r["part"] == 0)
    rejects = rows(archive, "rejects")
    ended.update(r["link_id"] for r in rejects)
    assert ended == Counter(r["link_id"] for r in links), "each ends once, as article or reject"
    assert all(r["reason"] for r in rejects)
    kept = len(links) - len(rejects)
    print(f"{len(links)} pages on {days}: {kept} articles, {Counter(r['reason'] for r in rejects)}")
    assert kept > 0.9 * len(links)

    covered = rows(archive, "coverage")
    assert len(covered) == DAYS * len(declared)
    assert sum(r["listed"] for r in covered) == len(links)
    assert {r["status"] for r in covered} <= {"complete", "empty"}

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
