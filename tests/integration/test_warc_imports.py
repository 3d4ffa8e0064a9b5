"""WARC files that somebody has: their pages as articles, read where they lie or copied."""

import gzip
import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import Program
from command_line import program as _program
from days import lasting, rows
from public_indexes import warc_file, warc_record
from small_site import archiving, article

from newsarchive import steps
from newsarchive.fetch.warc import read_record
from newsarchive.settings import Settings

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
SITE = "https://www.paper.example"
DAY = date(2024, 3, 5)
FEED = f'[[listing]]\nkind = "feed"\nurl = "{SITE}/feed.xml"\n'

run = pytest.fixture(_program)


def page(name: str, at: datetime | None = NOON, more: str = "") -> str:
    head = f'<meta property="article:published_time" content="{at.isoformat()}">' if at else ""
    return article(f"What {name} has to tell{more}", head)[2]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return archiving(tmp_path, SITE, FEED, "required = true")


Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def writing(content: bytes, name: str = "crawl.warc.gz") -> Path:
        path = tmp_path / "crawls" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return writing


RECORDS = [
    (f"{SITE}/news/a", page("a"), NOON),
    (f"{SITE}/news/undated", page("undated", None), NOON + timedelta(days=1)),
    (f"{SITE}/news/next", page("next", NOON + timedelta(days=1)), NOON + timedelta(days=9)),
    ("https://else.example/b", page("b"), NOON),
    (f"{SITE}/logo.png", "", NOON),
]


def shown(settings: Settings) -> list[tuple[str, str]]:
    return sorted(
        (r["article_day"], r["url"].removeprefix(SITE))
        for r in rows(settings.archive_path, "articles")
    )


@pytest.mark.parametrize("in_place", [False, True], ids=["copied", "in place"])
def test_pages_become_articles(settings: Settings, write: Writer, in_place: bool) -> None:
    file = write(warc_file(RECORDS))
    outcome = steps.import_warcs([file], settings=settings, in_place=in_place)
    assert outcome.by_source["paper"]["pages"] == 4
    assert shown(settings) == [
        ("2024-03-05", "/news/a"),
        ("2024-03-06", "/news/next"),
        ("2024-03-06", "/news/undated"),
    ]
    for row in rows(settings.archive_path, "articles"):
        lies = settings.archive_path / row["warc_path"]
        assert lies.is_relative_to(settings.archive_path)
        assert (lies.resolve() == file) is in_place
        with lies.open("rb") as opened:
            opened.seek(row["warc_offset"])
            member = opened.read(row["warc_length"])
        assert hashlib.sha256(member).hexdigest() == row["record_sha256"]
        where = row["warc_path"], row["warc_offset"], row["warc_length"]
        assert b"has to tell" in read_record(settings.archive_path, *where).body
    (first, _) = rows(settings.archive_path, "coverage")
    assert (first["status"], first["routes"], first["providers"]) == ("partial", ["warc"], ["warc"])
    held = [r for r in rows(settings.archive_path, "captures") if r["link_id"]]
    assert {(r["provider"], r["asked_url"]) for r in held} == {("warc", "crawl.warc.gz")}

    before = lasting(settings.archive_path)
    copied = sorted((settings.archive_path / "raw").rglob("*.warc.gz"))
    again = steps.import_warcs([file], settings=settings, in_place=in_place)
    assert again.by_source["paper"]["pages"] == 0
    assert again.by_source["warc"]["known already"] == 4
    assert lasting(settings.archive_path) == before
    assert sorted((settings.archive_path / "raw").rglob("*.warc.gz")) == copied


def test_days_and_domains_wanted(settings: Settings, write: Writer) -> None:
    more = [(f"https://ar.paper.example/{n}", page(f"ar{n}"), NOON) for n in range(2)]
    file = write(warc_file([*RECORDS, *more]))
    steps.import_warcs([file], first=DAY, last=DAY, settings=settings)
    assert shown(settings) == [
        ("2024-03-05", "/news/a"),
        ("2024-03-05", "https://ar.paper.example/0"),
        ("2024-03-05", "https://ar.paper.example/1"),
    ]
    steps.import_warcs([file], first=DAY + timedelta(days=1), settings=settings)
    assert len(shown(settings)) == 5


def test_only_some_domains(settings: Settings, write: Writer) -> None:
    file = write(warc_file([*RECORDS, ("https://ar.paper.example/1", page("ar"), NOON)]))
    steps.import_warcs([file], domains=["ar.paper.example"], settings=settings)
    assert shown(settings) == [("2024-03-05", "https://ar.paper.example/1")]


@pytest.mark.parametrize("name", ["plain.warc", "one-gzip.warc.gz"])
def test_files_without_a_member_a_record_are_copied(
    settings: Settings, write: Writer, name: str
) -> None:
    text = b"".join(gzip.decompress(warc_record(*r)) for r in RECORDS)
    file = write(gzip.compress(text) if name.endswith("gz") else text, name)
    outcome = steps.import_warcs([file], settings=settings, in_place=True)
    assert outcome.by_source["warc"]["invalid files"] == 1
    outcome = steps.import_warcs([file], settings=settings)
    assert len(shown(settings)) == 3
    assert steps.import_warcs([file], settings=settings).by_source["warc"]["known already"] == 4


def test_a_file_that_ends_early_gives_what_it_has(settings: Settings, write: Writer) -> None:
    whole = warc_file(RECORDS)
    file = write(whole[: len(whole) - 100])
    good = write(warc_file([(f"{SITE}/news/c", page("c"), NOON)]), "good.warc.gz")
    nothing = write(b"no WARC at all", "nothing.warc.gz")
    outcome = steps.import_warcs([file, nothing, good], settings=settings)
    assert outcome.by_source["warc"]["invalid files"] == 2
    assert len(outcome.notes) >= 2
    assert ("2024-03-05", "/news/a") in shown(settings)
    assert ("2024-03-05", "/news/c") in shown(settings)


def test_the_same_page_twice_is_two_versions_where_it_changed(
    settings: Settings, write: Writer
) -> None:
    later = NOON + timedelta(hours=5)
    url = f"{SITE}/news/a"
    one = write(warc_file([(url, page("a"), NOON)]), "1.warc.gz")
    two = write(warc_file([(url, page("a", more=", again"), later)]), "2.warc.gz")
    steps.import_warcs([two], settings=settings)
    steps.import_warcs([one], settings=settings)
    (found,) = rows(settings.archive_path, "articles")
    assert found["versions"] == 2
    assert found["title"].endswith("again")
    assert found["first_seen"] == "2024-03-05T12:00:00Z"


def test_what_a_kill_left_is_finished(
    settings: Settings, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(warc_file(RECORDS))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("newsarchive.steps.warc_imports.show_day", killed)
        with pytest.raises(KeyboardInterrupt):
            steps.import_warcs([file], settings=settings)
    steps.import_warcs([file], settings=settings)
    assert len(shown(settings)) == 3


def test_a_day_that_was_run_before_stays_as_it_was(settings: Settings, write: Writer) -> None:
    steps.run(DAY, settings)
    steps.import_warcs([write(warc_file(RECORDS[:1]))], settings=settings)
    (found,) = rows(settings.archive_path, "coverage")
    assert (found["status"], found["kept"]) == ("partial", 1)
    steps.run(DAY, settings)
    (again,) = rows(settings.archive_path, "coverage")
    assert again == found


def test_the_command(run: Program, tmp_path: Path, write: Writer) -> None:
    archiving(tmp_path, SITE, FEED)
    before = ["--sources-dir", str(tmp_path / "sources"), "--sources", "paper"]
    write(warc_file(RECORDS))
    write(b"no WARC at all", "nothing.warc.gz")
    ran = run(*before, "import", "--from", DAY, "--to", DAY, tmp_path / "crawls" / "*.warc.gz")
    assert ran.code == 3, ran.err
    assert "nothing.warc.gz: " in ran.out
    ran = run(*before, "query", "SELECT url FROM articles", "--json")
    assert ran.json == [{"url": f"{SITE}/news/a"}]
    write(b"text", "a.txt")
    ran = run(*before, "import", "--in-place", tmp_path / "crawls")
    assert ran.code == 2 and "a.txt is no WARC file" in ran.err
