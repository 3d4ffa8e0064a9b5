"""The publications that come with the package: declared right, and where their addresses stand."""

import re
from collections import Counter

import pytest

from newsarchive import settings
from newsarchive.settings import load
from newsarchive.sources import Source, load_sources
from newsarchive.sources.load import BUNDLED, bundled_files

SOURCES = load_sources()
REAL = {n: s for n, s in SOURCES.items() if not n.startswith("sample_")}
KINDS = {"agency", "broadcaster", "magazine", "newspaper", "website"}


def test_there_are_enough_in_many_languages() -> None:
    languages = Counter(s.language for s in REAL.values())
    assert sum(languages.values()) >= 45
    assert len(languages) >= 14
    assert languages["ar"] >= 18
    assert len({s.country for s in REAL.values() if s.language == "ar"}) >= 10


def test_none_is_on_by_default() -> None:
    assert set(load().enabled_sources()) == {"sample_ar", "sample_en"}


@pytest.mark.parametrize("source", REAL.values(), ids=REAL)
def test_each_is_whole(source: Source) -> None:
    assert source.file == BUNDLED / source.language / f"{source.name}.toml"
    assert re.match(r"github\.com/[\w.-]+/[\w.-]+, \S", source.found_in or ""), "who names them?"
    assert source.country is not None and source.tags[0] == source.country
    assert ("arabic" in source.tags) == (source.language == "ar")
    assert len(KINDS & set(source.tags)) == 1
    assert source.expected.min >= 3
    assert source.expected.max is not None and source.expected.max >= 5 * source.expected.min
    assert source.politeness.delay is not None and 1 <= source.politeness.delay <= 2
    assert not source.allow_private
    assert not any(re.search(r"//(127\.|localhost|\[)", host) for host in source.hosts)


def test_no_two_are_of_one_host_or_have_one_listing() -> None:
    listings = Counter(li.url for s in SOURCES.values() for li in s.listing)
    assert not [url for url, n in listings.items() if n > 1]
    hosts = Counter(host for s in REAL.values() for host in s.hosts)
    assert not [host for host, n in hosts.items() if n > 1]
    assert not [t for t, n in Counter(s.title for s in REAL.values()).items() if n > 1]


def test_tags_and_names_do_not_read_as_each_other() -> None:
    # `enable ar` must not mean Argentina, nor a tag one publication.
    tags = {t for s in SOURCES.values() for t in s.tags}
    assert not tags & set(SOURCES)
    assert not tags & {s.language for s in SOURCES.values()}


def test_bundled_files_are_the_samples_and_folders_of_languages() -> None:
    files = bundled_files()
    assert [f.name for f in files[:2]] == ["sample_ar.toml", "sample_en.toml"]
    assert len(files) == len(SOURCES)
    assert files[2:] == sorted(files[2:])


def test_with_all_of_them_on_there_are_most_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_SOURCES", "*")
    assert settings.shards() == settings.MOST_SHARDS
