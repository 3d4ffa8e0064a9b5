"""Sources are switched on and off in the settings file, which stays as its user wrote it."""

import os
import stat
from pathlib import Path

import pytest
from command_line import Program
from command_line import program as _program

from newsarchive.errors import SettingsError
from newsarchive.pools import pools
from newsarchive.settings import MOST_SHARDS
from newsarchive.settings_file import write_list
from newsarchive.sources import Source
from newsarchive.sources.switch import disabled, enabled

run = pytest.fixture(_program)


def source(name: str, language: str, *tags: str) -> Source:
    return Source(
        name=name,
        title=name,
        url=f"https://{name}.example/",
        language=language,
        timezone="UTC",
        tags=list(tags),
        listing=[{"kind": "feed", "url": f"https://{name}.example/feed"}],
    )


SOURCES = {
    s.name: s
    for s in (
        source("one_ar", "ar", "EG", "agency"),
        source("two_ar", "ar", "SA"),
        source("one_fr", "fr", "FR", "agency"),
        source("two_fr", "fr", "FR"),
    )
}


def on(patterns: list[str]) -> set[str]:
    return {s.name for s in SOURCES.values() if s.matches(patterns)}


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ([], ["one_ar"], ["one_ar"]),
        (["ar/*"], ["one_ar"], ["ar/*"]),
        (["one_ar"], ["ar/*"], ["one_ar", "ar/*"]),
        (["ar/*", "!one_ar"], ["one_ar"], ["ar/*"]),
        (["*", "!agency"], ["one_ar"], ["*", "!agency", "one_ar"]),
        (["ar/*", "!one_ar"], ["agency"], ["ar/*", "agency"]),
        (["x_*"], ["FR", "SA"], ["x_*", "FR", "SA"]),
    ],
)
def test_on(before: list[str], wanted: list[str], after: list[str]) -> None:
    assert enabled(before, wanted, SOURCES) == after
    assert on(after) == on(before) | {s for w in wanted for s in on([w])}


@pytest.mark.parametrize(
    ("before", "unwanted", "after"),
    [
        (["one_ar", "two_fr"], ["one_ar"], ["two_fr"]),
        (["ar/*"], ["ar/*"], []),
        (["ar/*"], ["one_ar"], ["ar/*", "!one_ar"]),
        (["ar/*", "agency"], ["ar/*"], ["agency", "!ar/*"]),
        (["*", "!one_ar"], ["ar/*"], ["*", "!ar/*"]),
        (["ar/*"], ["FR"], ["ar/*"]),
        (["*"], ["agency", "two_ar"], ["*", "!agency", "!two_ar"]),
    ],
)
def test_off(before: list[str], unwanted: list[str], after: list[str]) -> None:
    assert disabled(before, unwanted, SOURCES) == after
    assert on(after) == on(before) - {s for u in unwanted for s in on([u])}


def test_the_last_pattern_that_names_a_source_decides() -> None:
    assert on(["!ar/*"]) == set()
    assert on(["ar/*", "!agency"]) == {"two_ar"}
    assert on(["!agency", "ar/*"]) == {"one_ar", "two_ar"}


# ------------------------------------------------------------------------------------ the file


FILE = """# my archive
archive = "/data/news"  # the big disk

sources = [ # what I read
  "sample_*",  # until the first week is over
  "ar/*",
]
delay = 2.0
"""


def test_other_lines_and_comments_stay(tmp_path: Path) -> None:
    file = tmp_path / "newsarchive.toml"
    file.write_text(FILE)
    write_list(file, "sources", ["ar/*", "!youm7"])
    assert file.read_text() == FILE.replace(
        '  "sample_*",  # until the first week is over\n', ""
    ).replace('"ar/*",\n', '"ar/*",\n  "!youm7",\n')
    assert [f.name for f in tmp_path.iterdir()] == ["newsarchive.toml"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'sources = ["a"]\n'),
        ("delay = 1.0", 'delay = 1.0\nsources = ["a"]\n'),
        ('sources = "x, y"  # both\ndelay = 1.0\n', 'sources = ["a"]  # both\ndelay = 1.0\n'),
        ("sources = []\r\ndelay = 1.0\r\n", 'sources = ["a"]\r\ndelay = 1.0\r\n'),
    ],
)
def test_forms_of_the_file(before: str, after: str, tmp_path: Path) -> None:
    file = tmp_path / "newsarchive.toml"
    if before:
        file.write_bytes(before.encode())
    write_list(file, "sources", ["a"])
    assert file.read_bytes().decode() == after


def test_a_link_and_its_permissions_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "newsarchive.toml"
    real.write_text("delay = 1.0\n")
    real.chmod(0o600)
    link.symlink_to(real)
    write_list(link, "sources", ["a"])
    assert link.is_symlink() and "sources" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_changed(tmp_path: Path) -> None:
    file = tmp_path / "newsarchive.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"newsarchive\.toml: 'utf-8' codec"):
        write_list(file, "sources", ["a"])
    file.write_text("no toml")
    with pytest.raises(SettingsError, match=r"newsarchive\.toml: "):
        write_list(file, "sources", ["a"])
    assert file.read_text() == "no toml"
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsError, match="Is a directory"):
        write_list(tmp_path / "folder", "sources", ["a"])


# ------------------------------------------------------------------------------------ commands


def test_enable_and_disable(run: Program) -> None:
    ran = run("sources", "enable", "aawsat", "tr/*")
    assert ran.code == 0 and ran.err == ""
    assert "الشرق الأوسط" in ran.out and "Anadolu Ajansı" in ran.out
    assert "sources are on" in ran.out
    file = run.folder / "newsarchive.toml"
    assert file.read_text() == 'sources = ["sample_*", "aawsat", "tr/*"]\n'
    on = {r["name"] for r in run("sources", "list", "--json").json if r["on"]}
    assert {"sample_ar", "aawsat", "anadolu"} <= on

    ran = run("sources", "disable", "sample_*,anadolu", "--json")
    assert ran.json["sources"] == ["aawsat", "tr/*", "!anadolu"]
    assert ran.json["overridden_by"] is None
    assert set(ran.json["on"]) == on - {"sample_ar", "sample_en", "anadolu"}
    before = file.stat().st_mtime_ns
    assert run("sources", "enable", "aawsat").code == 0
    assert file.stat().st_mtime_ns == before, "what is so already is not written"


def test_what_no_source_is_named(run: Program) -> None:
    for words in (["enable", "nosuch"], ["disable", "nosuch"], ["enable", "!aawsat"], ["enable"]):
        ran = run("sources", *words)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
    assert "no source is named '!aawsat'" in run("sources", "enable", "!aawsat").err
    assert not (run.folder / "newsarchive.toml").exists()
    (run.folder / "newsarchive.toml").write_text('sources = ["gone", "aawsat"]\n')
    assert run("sources", "disable", "gone").code == 0, "one that was removed since"
    assert (run.folder / "newsarchive.toml").read_text() == 'sources = ["aawsat"]\n'


def test_what_wins_over_the_file_is_said(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = run("--sources", "sample_ar", "sources", "enable", "aawsat")
    assert ran.err == (
        "newsarchive: --sources wins over newsarchive.toml: what it says holds without it\n"
    )
    assert "1 source is on" in ran.out
    monkeypatch.setenv("NEWSARCHIVE_SOURCES", "sample_en")
    ran = run("sources", "disable", "sample_*", "--json")
    assert ran.json["on"] == ["sample_en"] and ran.json["overridden_by"] == "environment"
    assert ran.json["sources"] == ["aawsat"]
    assert ran.err.startswith("newsarchive: NEWSARCHIVE_SOURCES in the environment wins over")
    assert ran.err.count("\n") == 1
    monkeypatch.delenv("NEWSARCHIVE_SOURCES")
    assert [r["name"] for r in run("sources", "list", "--json").json if r["on"]] == ["aawsat"]


def test_another_settings_file(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    other = run.folder / "other.toml"
    other.write_text("# mine\n")
    monkeypatch.setenv("NEWSARCHIVE_SETTINGS", str(other))
    assert run("sources", "enable", "hespress").code == 0
    assert other.read_text() == '# mine\nsources = ["sample_*", "hespress"]\n'
    other.write_text("sources = 3\n")
    ran = run("sources", "enable", "hespress")
    assert ran.code == 1 and ran.err.count("\n") == 1
    ran = run("--sources", "x", "sources", "enable", "hespress")
    assert ran.code == 1 and "other.toml: sources: not a list of patterns" in ran.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(run: Program) -> None:
    run.folder.chmod(0o500)
    try:
        ran = run("sources", "enable", "hespress")
    finally:
        run.folder.chmod(0o700)
    assert ran.code == 1 and "Permission denied" in ran.err


def test_pools_are_there_for_sources_that_are_switched_on_later() -> None:
    assert set(pools()) == {"parse", *(f"hosts_{n}" for n in range(MOST_SHARDS))}
