"""Cleaned addresses and ids: functions of content alone."""

import random

import pytest

from newsarchive.text.identity import (
    article_id,
    capture_id,
    clean_url,
    host_of,
    imported_article_id,
    link_id,
    version_id,
)


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://paper.example", "https://paper.example/"),
        (" \n\thttps://paper.example/a \r\n", "https://paper.example/a"),
        ("HTTPS://PAPER.Example:443/A", "https://paper.example/A"),
        ("http://paper.example:80/a", "http://paper.example/a"),
        ("http://paper.example:8080/a", "http://paper.example:8080/a"),
        ("https://paper.example/a/./b/../c", "https://paper.example/a/c"),
        ("https://paper.example/../../a", "https://paper.example/a"),
        ("https://paper.example/a#comments", "https://paper.example/a"),
        ("https://me:secret@paper.example/a", "https://paper.example/a"),
        ("https://paper.example/a//b/", "https://paper.example/a//b/"),
        ("https://paper.example/%d9%85?x=%d9%85", "https://paper.example/%D9%85?x=%D9%85"),
        ("https://paper.example/خبر عاجل", "https://paper.example/%D8%AE%D8%A8%D8%B1%20%D8%B9%D8%A7%D8%AC%D9%84"),
        ("https://مثال.إختبار/خبر", "https://xn--mgbh0fb.xn--kgbechtv/%D8%AE%D8%A8%D8%B1"),
        ("https://bücher.example/ß", "https://xn--bcher-kva.example/%C3%9F"),
        ("https://paper.example/?q=خبر", "https://paper.example/?q=%D8%AE%D8%A8%D8%B1"),
        ("https:\\\\paper.example\\a", "https://paper.example/a"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("http://127.1:8090/a", "http://127.0.0.1:8090/a"),
        # parameters that say how a reader came go; those that name the article stay, in order
        ("https://paper.example/?utm_source=x&id=7&fbclid=y", "https://paper.example/?id=7"),
        ("https://paper.example/a?utm_source=x&UTM_Medium=y", "https://paper.example/a"),
        ("https://paper.example/a?b=2&a=1&b=3", "https://paper.example/a?b=2&a=1&b=3"),
        ("https://paper.example/a?&&id=7&", "https://paper.example/a?id=7"),
        ("https://paper.example/a?source=7&cid=8&p=9", "https://paper.example/a?source=7&cid=8&p=9"),
        ("https://paper.example/a?", "https://paper.example/a"),
        ("https://paper.example/a?print", "https://paper.example/a?print"),
        ("https://paper.example/a?%75tm_source=x", "https://paper.example/a"),
    ],
)  # fmt: skip
def test_addresses_are_cleaned(url: str, cleaned: str) -> None:
    assert clean_url(url) == cleaned
    assert clean_url(cleaned) == cleaned, "cleaning again changes nothing"


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("/n/1", "https://paper.example/n/1"),
        ("n/1", "https://paper.example/feeds/n/1"),
        ("../n/1", "https://paper.example/n/1"),
        ("?id=1", "https://paper.example/feeds/all.xml?id=1"),
        ("//cdn.example/1", "https://cdn.example/1"),
        ("http://other.example/1", "http://other.example/1"),
        ("", "https://paper.example/feeds/all.xml"),
    ],
)
def test_relative_addresses_count_from_a_base(url: str, cleaned: str) -> None:
    assert clean_url(url, "https://paper.example/feeds/all.xml") == cleaned
    if "://" not in url:
        assert clean_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "  ",
        "paper",
        "mailto:a@paper.example",
        "javascript:void(0)",
        "ftp://paper.example/a",
        "file:///etc/passwd",
        "data:text/html,x",
        "http://",
        "http:///",
        "http://[::1",
        "http://a b/",
        "http://paper.example:99999/",
        "http://paper.example:port/",
        "http://256.256.256.256/",
        "http://\x00/",
        "http://\ud800/",
        "://",
    ],
)
def test_nonsense_is_no_web_address(url: str) -> None:
    assert clean_url(url) is None


def test_a_base_that_is_none_does_not_raise() -> None:
    assert clean_url("/a", "nonsense") is None
    assert clean_url("https://paper.example/a", "nonsense") in (None, "https://paper.example/a")


def test_no_string_raises_and_cleaning_is_final() -> None:
    rng = random.Random(11)
    pieces = ["http", "https", ":", "//", "/", "..", "?", "&", "=", "#", "%", "%2", "%zz", "%41"]
    pieces += [
        "a.example",
        "مثال",
        "é",
        " ",
        "\t",
        "\\",
        "@",
        "[",
        "]",
        "utm_x=1",
        "xn--",
        "\ud800",
    ]
    pieces += ["\x00", "🗞", "1", ":80", "İ", "ß", "\u200f", "\u3002", "+"]
    kept = 0
    for _ in range(20_000):
        url = rng.choice(["", "https://a.example/"]) + "".join(
            rng.choices(pieces, k=rng.randint(1, 7))
        )
        cleaned = clean_url(url)
        if cleaned is not None:
            kept += 1
            assert clean_url(cleaned) == cleaned, url
            assert cleaned.isascii() and "#" not in cleaned and " " not in cleaned, url
            assert host_of(cleaned).startswith(("http://", "https://"))
    assert kept > 5000


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Paper.example/a?b", "https://paper.example"),
        ("https://paper.example:443/", "https://paper.example"),
        ("http://127.0.0.1:8090/ar/", "http://127.0.0.1:8090"),
        ("http://[::1]:8090/", "http://[::1]:8090"),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


def test_ids_never_change() -> None:
    # Archives on disk hold these: another value makes every article a new one.
    url = "https://paper.example/%D8%AE%D8%A8%D8%B1"
    assert link_id("paper", url) == "b140210d7ad1c7f0dc211819"
    assert article_id("paper", url) == "74ffa4e0ff72476eabaf956c"
    assert article_id("paper", url, 1) == "4a4bc3953fc19f3660d98de7"
    assert imported_article_id("imports", "ab" * 32) == "8b4ab0d18d3c4a37f15dea47"
    assert version_id("0" * 24, "ab" * 32) == "51267ba67e94258f412907bf"
    assert capture_id("paper", url, 1, None) == "481ee120d832d728d1dd3bfe"


def test_ids_of_different_things_differ() -> None:
    ids = {
        link_id("a", "bc"),
        link_id("ab", "c"),
        article_id("a", "bc"),
        article_id("ab", "c"),
        article_id("a", "bc", 1),
        imported_article_id("a", "bc"),
        version_id("a", "bc"),
        capture_id("a", "bc"),
        capture_id("a", "b", "c"),
    }
    assert len(ids) == 9
    assert all(len(i) == 24 and int(i, 16) >= 0 for i in ids)
