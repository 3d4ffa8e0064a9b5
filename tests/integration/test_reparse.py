"""What other rules change in days that are archived: said before it is done, and done then."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from days import lasting, rows, settings_for

from newsarchive import steps
from newsarchive.errors import ArchiveError
from newsarchive.sample.serve import SampleServer, start
from newsarchive.settings import Settings
from newsarchive.sources.load import SAMPLE_HOST, bundled_files

DAY = date(2026, 11, 12)


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start(now=datetime(2026, 11, 24, 0, 5, tzinfo=UTC)) as server:
        yield server


def other_rules(folder: Path, settings: Settings, old: str, new: str) -> Settings:
    """Return settings with the English sample's source file changed in its newest rules."""
    [file] = [f for f in bundled_files() if f.stem == "sample_en"]
    text = file.read_text("utf-8").replace(SAMPLE_HOST, f"127.0.0.1:{settings.sample_port}")
    before, rules = text.split("since = ")
    own = folder / "sources"
    own.mkdir(exist_ok=True)
    (own / "sample_en.toml").write_text(f"{before}since = {rules.replace(old, new)}", "utf-8")
    return settings.model_copy(update={"sources_dir": own})


def delta_versions(archive: Path) -> list[Path]:
    return sorted(archive.glob("*/_delta_log/*"))


def test_what_another_rule_changes_is_said_before_and_then_done(
    samples: SampleServer, tmp_path: Path
) -> None:
    chosen = settings_for(tmp_path, samples.server_port)
    steps.run(DAY, chosen)
    samples.reset()
    before, logs = lasting(chosen.archive_path), delta_versions(chosen.archive_path)
    articles = rows(chosen.archive_path, "articles")
    english = [r for r in rows(chosen.archive_path, "versions") if r["source"] == "sample_en"]
    other = other_rules(tmp_path, chosen, 'title = "article header h1"', 'title = ".by .name"')

    dry = steps.reparse(DAY, DAY, other, dry_run=True)
    assert lasting(chosen.archive_path) == before
    assert delta_versions(chosen.archive_path) == logs
    counts = dry.differences.by_source
    assert counts["sample_ar"]["changed"] == 0 < counts["sample_ar"]["before"]
    assert 0 < counts["sample_en"]["changed"] <= len(english)
    assert dry.differences.fields["title"] == counts["sample_en"]["changed"]
    titles = {r["title"] for r in english}
    assert {s.before for s in dry.differences.samples["title"]} <= titles

    only = steps.reparse(DAY, DAY, other, sources=["ar/*"])
    assert list(only.differences.by_source) == ["sample_ar"]
    assert lasting(chosen.archive_path) == before

    done = steps.reparse(DAY, DAY, other, sources=["sample_en"])
    assert done.differences.fields == dry.differences.fields
    assert done.differences.samples == dry.differences.samples
    now = rows(chosen.archive_path, "articles")
    new_titles = {r["title"] for r in now if r["source"] == "sample_en"}
    assert {s.after for s in done.differences.samples["title"]} <= new_titles
    assert [r for r in now if r["source"] == "sample_ar"] == [
        r for r in articles if r["source"] == "sample_ar"
    ]
    assert samples.counts()["requests"] == {}


def test_articles_lost_are_counted_by_the_reason_of_their_reject(
    samples: SampleServer, tmp_path: Path
) -> None:
    chosen = settings_for(tmp_path, samples.server_port, sources="sample_en")
    steps.run(DAY, chosen)
    other = other_rules(tmp_path, chosen, 'remove = [".ad"', 'remove = ["p", "article", ".ad"')
    dry = steps.reparse(DAY, DAY, other, dry_run=True).differences
    assert dry.counts["lost"] == dry.lost.total() > 0
    assert dry.samples["lost"]
    steps.reparse(DAY, DAY, other)
    reasons = [r["reason"] for r in rows(chosen.archive_path, "rejects")]
    assert all(reasons.count(reason) >= number for reason, number in dry.lost.items())
    back = steps.reparse(DAY, DAY, chosen).differences
    assert back.gained == dry.lost


def test_a_dry_run_makes_no_archive(tmp_path: Path) -> None:
    chosen = settings_for(tmp_path, 1)
    assert not steps.reparse(DAY, DAY, chosen, dry_run=True).differences.by_source
    assert not chosen.archive_path.exists()
    with pytest.raises(ArchiveError, match="no source is named 'nobody'"):
        steps.reparse(DAY, DAY, chosen, sources=["nobody"], dry_run=True)
