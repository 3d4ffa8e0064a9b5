"""How a day stands, for those who watch over it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import time_machine
from days import rows, settings_for

from newsarchive import steps
from newsarchive.sample.serve import start

DAY = date(2026, 11, 10)
OVER = datetime(2026, 11, 11, 0, 5, tzinfo=UTC)
LOST = """
name = "lost"
title = "A paper whose feed is gone"
url = "http://127.0.0.1:{port}/"
language = "en"
timezone = "UTC"
allow_private = true
expected = {{ min = 3, max = 9 }}

[[listing]]
kind = "dated"
url = "http://127.0.0.1:{port}/nowhere/{{date:%Y-%m-%d}}.xml"
"""


def test_a_day_that_was_run(tmp_path: Path) -> None:
    own = tmp_path / "sources"
    own.mkdir()
    with start(now=OVER) as server:
        port = server.server_port
        (own / "lost.toml").write_text(LOST.format(port=1))  # where nothing listens
        chosen = settings_for(tmp_path, port, sources="sample_*, lost", sources_dir=own)
        with time_machine.travel(OVER, tick=True):
            assert steps.watch(DAY, chosen).coverage == []
            outcomes = {o.step: o for o in steps.run(DAY, chosen)}
            watched = steps.watch(DAY, chosen)
            kept = {r["source"]: r["kept"] for r in rows(chosen.archive_path, "coverage")}
        with time_machine.travel(OVER + timedelta(days=30), tick=True):
            later = steps.newest_ages(chosen)
    assert {row.source: row.kept for row in watched.coverage} == kept
    assert kept["sample_ar"] > 0
    assert watched.statuses()["failed"] == 1
    (lost,) = watched.wanting()
    assert str(lost).startswith("lost: failed (0 articles): ")
    # Pages may say that they were published later than the day ended: never a negative age.
    assert 0 <= watched.ages["sample_ar"] < 86_400
    assert watched.ages["lost"] == later["sample_ar"] == 14 * 86_400
    received = outcomes["discover"].joined([outcomes["fetch"]]).received
    assert all(received[source] > 1000 for source in ("sample_ar", "sample_en"))
