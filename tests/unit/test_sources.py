"""Source files: what is wrong with one is a line with file and key."""

from datetime import date
from pathlib import Path

import pytest

from newsarchive.errors import SourceError
from newsarchive.sources import Rule, load_file, load_sources
from newsarchive.sources.load import BUNDLED

GOOD = """
name = "paper"
title = "جريدة"
url = "https://paper.example/"
language = "ar"
country = "EG"
timezone = "Africa/Cairo"
expected = { min = 6, max = 20 }
tags = ["daily", "national"]

[[listing]]
kind = "feed"
url = "https://paper.example/feed.xml"

[[listing]]
kind = "dated"
url = "http://maps.paper.example:8080/{date:%Y-%m-%d}.xml"

[politeness]
delay = 2.5
revisits = ["1d", "12h"]

[[rules]]
body = ".old"

[[rules]]
since = 2026-01-01
body = "article .story"
date = "time[datetime]"
remove = [".related", "figcaption"]
"""


def write(folder: Path, text: str, name: str = "paper.toml") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def test_a_good_file(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    source = load_file(file)
    assert (source.name, source.title, source.country) == ("paper", "جريدة", "EG")
    assert (source.expected.min, source.expected.max) == (6, 20)
    assert (source.politeness.delay, source.politeness.lookback) == (2.5, 2)
    assert source.hosts == ["http://maps.paper.example:8080", "https://paper.example"]
    assert source.listing[1].at(date(2026, 1, 2)) == (
        "http://maps.paper.example:8080/2026-01-02.xml"
    )
    assert source.file == file
    assert not source.allow_private


PAGES = """
[[listing]]
kind = "section"
url = "https://paper.example/politics/"
links = "article h2 > a"
item = "article"
date = "time, .ago"
pages = "page/{page}/"
most_pages = 3

[[listing]]
kind = "dated"
url = "https://paper.example/archive/{date:%Y/%m/%d}"
links = "li a"
next = "a[rel=next]"

[politeness]"""


def test_pages_as_listings(tmp_path: Path) -> None:
    source = load_file(write(tmp_path, GOOD.replace("[politeness]", PAGES)))
    section, archive = source.listing[2:]
    assert (section.is_page, section.pages_at_most) == (True, 3)
    assert section.page_after(section.url, 2) == "https://paper.example/politics/page/2/"
    assert (archive.is_page, archive.pages_at_most) == (True, 20)
    assert archive.page_after("https://paper.example/", 2) is None
    assert not source.listing[0].is_page and not source.listing[1].is_page
    assert source.listing_of(section.url, "section") is section
    assert source.listing_of(section.url, "feed") is None


def test_a_section_needs_nothing_but_its_address(tmp_path: Path) -> None:
    source = load_file(write(tmp_path, GOOD.replace('"feed"', '"section"')))
    assert (source.listing[0].is_page, source.listing[0].pages_at_most) == (True, 1)


OF_PAGES = {
    "key of pages in a feed": ('"section"', '"feed"', "listing.2: links is for kind section, or"),
    "section with a date": ("politics/", "{date:%Y}/", "listing.2: a dated listing, and no other"),
    "no selector of links": ("article h2 > a", "a[", "listing.2.links: not a CSS selector: 'a['"),
    "no selector of items": ('"article"', '"article,"', "listing.2.item: not a CSS selector"),
    "no selector of dates": ("time, .ago", "time::text", "listing.2.date: not a CSS selector"),
    "no selector of pages": ("a[rel=next]", ">", "listing.3.next: not a CSS selector: '>'"),
    "archive without links": ('links = "li a"', "", "listing.3: next in a dated listing is for pa"),
    "two ways to pages": ('item = "article"', 'next = "a"', "listing.2: next and pages exclude"),
    "no page in pages": ("page/{page}/", "page/2/", "listing.2: pages needs {page} in it, as"),
    "pages that lead nowhere": ("page/{page}/", "#{page}", "listing.2: pages makes no other addr"),
    "pages of no web": ("page/{page}/", "mailto:{page}", "listing.2: pages makes no other address"),
    "too few": ("most_pages = 3", "most_pages = 0", "listing.2.most_pages: Input should be grea"),
    "too many": ("most_pages = 3", "most_pages = 999", "listing.2.most_pages: Input should be les"),
    "unknown": ("most_pages = 3", "max_pages = 3", "listing.2.max_pages: unknown key"),
}


@pytest.mark.parametrize("name", OF_PAGES)
def test_what_is_wrong_with_pages_is_a_line_with_file_and_key(name: str, tmp_path: Path) -> None:
    old, new, message = OF_PAGES[name]
    assert old in PAGES
    file = write(tmp_path, GOOD.replace("[politeness]", PAGES.replace(old, new, 1)))
    with pytest.raises(SourceError) as caught:
        load_file(file)
    text = str(caught.value)
    assert text.startswith(f"{file}: {message}") and "\n" not in text


def test_the_version_is_that_of_the_bytes(tmp_path: Path) -> None:
    first = load_file(write(tmp_path, GOOD)).version
    assert first == load_file(write(tmp_path, GOOD, "same.toml")).version
    assert first != load_file(write(tmp_path, GOOD + "# changed")).version
    assert len(first) == 12


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load_file(write(tmp_path, "\ufeff" + GOOD)).name == "paper"


WRONG = {
    "unknown key": ("name =", 'tittle = "x"\nname =', "tittle: unknown key"),
    "unknown key within": ("delay = 2.5", "dealy = 2.5", "politeness.dealy: unknown key"),
    "key of ours": ("name =", 'version = "1"\nname =', "version: unknown key"),
    "key of ours too": ("name =", 'file = "x"\nname =', "file: unknown key"),
    "missing": ('language = "ar"', "", "language: Field required"),
    "no listing": ("[[listing]]", "[[other]]", "listing: Field required"),
    "listing of no kind": ('"feed"', '"blog"', "listing.0.kind: Input should be 'feed', 'sit"),
    "bad name": ('"paper"', '"The Paper"', "name: String should match pattern"),
    "empty title": ('"جريدة"', '""', "title: String should have at least 1 character"),
    "bad url": ("https://paper.example/feed", "paper.example/feed", "listing.0.url: not a web ad"),
    "other scheme": ('"https://paper.example/"', '"ftp://paper.example/"', "url: not a web addr"),
    "two lines in a url": ('"https://paper.example/"', '"https://paper.example/\\n"', "url: not a"),
    "bad zone": ("Africa/Cairo", "Cairo", "timezone: no such time zone: 'Cairo'"),
    "zone that is a folder": ("Africa/Cairo", "Africa", "timezone: no such time zone: 'Africa'"),
    "zone outside": ("Africa/Cairo", "../etc/passwd", "timezone: no such time zone"),
    "language in words": ('"ar"', '"Arabic"', "language: String should match pattern"),
    "country in words": ('"EG"', '"Egypt"', "country: String should match pattern"),
    "turned around": ("min = 6", "min = 60", "expected: max (20) is below min (60)"),
    "negative": ("min = 6", "min = -6", "expected.min: Input should be greater"),
    "negative delay": ("2.5", "-2.5", "politeness.delay: Input should be greater"),
    "revisit": ('"1d"', '"1 day"', "politeness.revisits.0: String should match pattern"),
    "text for a number": ("2.5", '"slow"', "politeness.delay: Input should be a valid number"),
    "selector": (".related", "a[", "rules.1.remove.0: not a CSS selector: 'a['"),
    "selector of no element": (".old", "p::text", "rules.0.body: not a CSS selector: 'p::text'"),
    "empty selector": (".old", "", "rules.0.body: not a CSS selector: ''"),
    "rule of no day": ("2026-01-01", '"January"', "rules.1.since: Input should be a valid date"),
    "two rules of a day": ('body = ".old"', "since = 2026-01-01", "rules: two begin on 2026-01-01"),
    "dated without date": ("{date:%Y-%m-%d}", "today", "listing.1: a dated listing, and no other"),
    "feed with a date": ("feed.xml", "{date:%Y}.xml", "listing.0: a dated listing, and no other"),
    "other names": ("{date:%Y-%m-%d}", "{date}{hour}", "listing.1: the template of url cannot be"),
    "open brace": ("{date:%Y-%m-%d}", "{date:%Y", "listing.1: the template of url cannot be"),
    "no part of a date": ("{date:%Y-%m-%d}", "{date.week}", "listing.1: the template of url cann"),
    "no list": ("{date:%Y-%m-%d}", "{date[0]}", "listing.1: the template of url cannot be filled"),
    "same every day": ("{date:%Y-%m-%d}", "{date:%%}", "listing.1: the template of url is http://"),
    "no TOML": ("name =", "name", "Expected '=' after a key"),
    "twice": ("name =", 'name = "x"\nname =', "Cannot overwrite a value"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_a_line_with_file_and_key(name: str, tmp_path: Path) -> None:
    old, new, message = WRONG[name]
    assert old in GOOD
    file = write(tmp_path, GOOD.replace(old, new, 1))
    if name == "no listing":
        file = write(tmp_path, GOOD.replace("[[listing]]", "[[other]]"))
        message = ""  # which of the two errors comes first is not promised
    with pytest.raises(SourceError) as caught:
        load_file(file)
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


def test_a_source_needs_a_listing(tmp_path: Path) -> None:
    text = GOOD.partition("[[listing]]")[0]
    with pytest.raises(SourceError, match=r"paper\.toml: listing: Field required$"):
        load_file(write(tmp_path, text))
    with pytest.raises(SourceError, match=r"paper\.toml: listing: List should have at least 1"):
        load_file(write(tmp_path, text + "listing = []"))


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "paper.toml"
    with pytest.raises(SourceError, match="No such file"):
        load_file(file)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"paper\.toml: 'utf-8' codec"):
        load_file(file)


def test_the_rule_of_a_day_is_the_latest_that_began(tmp_path: Path) -> None:
    source = load_file(write(tmp_path, GOOD))

    def body(day: date) -> str | None:
        rule = source.rule_on(day)
        assert rule is not None
        return rule.body

    assert body(date(1990, 1, 1)) == ".old"
    assert body(date(2025, 12, 31)) == ".old"
    assert body(date(2026, 1, 1)) == "article .story"
    assert body(date(2030, 1, 1)) == "article .story"
    later = source.model_copy(update={"rules": source.rules[1:]})
    assert later.rule_on(date(2025, 12, 31)) is None
    assert Rule().since == date.min


@pytest.mark.parametrize(
    ("patterns", "matches"),
    [
        (["paper"], True),
        (["pa*"], True),
        (["*"], True),
        (["ar/*"], True),
        (["daily"], True),
        (["weekly", "nat*"], True),
        (["en/*"], False),
        (["PAPER"], False),
        (["sample_*"], False),
        ([], False),
        (["daily", "!ar/*"], False),
        (["!ar/*", "daily"], True),
        (["!paper"], False),
    ],
)
def test_patterns_name_sources(patterns: list[str], matches: bool, tmp_path: Path) -> None:
    assert load_file(write(tmp_path, GOOD)).matches(patterns) is matches


def test_the_bundled_files_are_right_and_named_after_their_sources() -> None:
    sources = load_sources()
    assert set(sources) == {f.stem for f in BUNDLED.rglob("*.toml")}
    assert all(s.file is not None and s.file.stem == name for name, s in sources.items())


def test_the_users_folder_joins_them(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD, "any name.toml")
    write(tmp_path, "no TOML", "notes.txt")
    sources = load_sources(tmp_path)
    assert sources["paper"].file == file
    assert set(sources) == {*load_sources(), "paper"}


def test_folders_in_it_are_read_but_no_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "ar").mkdir()
    (tmp_path / ".git").mkdir()
    file = write(tmp_path / "ar", GOOD)
    write(tmp_path / ".git", "no TOML")
    assert load_sources(tmp_path)["paper"].file == file


def test_a_file_of_the_users_takes_the_place_of_a_bundled_one(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD.replace('"paper"', '"aawsat"'))
    sources = load_sources(tmp_path)
    assert sources["aawsat"].file == file
    assert set(sources) == set(load_sources())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder of sources; make it, or change"):
        load_sources(tmp_path / "none")


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    first, second = write(tmp_path, GOOD, "a.toml"), write(tmp_path, GOOD, "b.toml")
    with pytest.raises(SourceError) as caught:
        load_sources(tmp_path)
    assert str(caught.value) == f"{second}: name: 'paper' is taken by {first}"


def test_where_the_samples_are_moves_in_bundled_files_only(tmp_path: Path) -> None:
    own = write(tmp_path, GOOD.replace("https://paper.example/feed", "http://127.0.0.1:8090/feed"))
    sources = load_sources(tmp_path, samples_at="sample:9123")
    assert "http://127.0.0.1:8090" in sources["paper"].hosts
    samples = [s for n, s in sources.items() if n.startswith("sample_")]
    assert samples
    for source in samples:
        assert source.hosts == ["http://sample:9123"]
        assert source.file is not None
        assert source.version == load_file(source.file).version, "the place is no other version"
    assert own.exists()


def test_a_copy_of_a_source_tells_its_own_hosts() -> None:
    one = next(iter(load_sources().values()))
    assert "example.org" not in one.hosts
    copied = one.model_copy(update={"url": "https://example.org/news", "listing": []})
    assert (copied.hosts, copied.known_as) == (["https://example.org"], ["example.org/news"])
