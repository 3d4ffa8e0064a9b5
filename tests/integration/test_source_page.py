"""`sources test`: what each field of a page finds, and from where."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from command_line import Program
from command_line import program as _program

from newsarchive.sample.serve import SampleServer, start
from newsarchive.sample.truth import truth

run = pytest.fixture(_program)
NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
GOLDEN = Path(__file__).parents[1] / "golden" / "pages"
PAGE = """<html lang="en"><head><title>Bridge reopens after repairs</title></head><body>
<h1>Bridge reopens after repairs</h1><p class="{when}">{date}</p><p class="who">{name}</p>
<div class="{body}"><p>The old bridge over the river reopened on Sunday after two years of repairs,
the city council said, and the first buses crossed it in the early morning.</p></div></body></html>
"""
SOURCE = """name = "mine"
title = "Mine"
url = "http://127.0.0.1:9/paper/"
language = "en"
timezone = "UTC"
[[listing]]
kind = "feed"
url = "http://127.0.0.1:9/feed.xml"
[[rules]]
date = ".old-date"
body = ".old"
[[rules]]
since = 2020-01-01
date = ".new-date"
body = ".new"
authors = ".who"
"""


@pytest.fixture
def samples() -> Iterator[SampleServer]:
    with start(now=NOW) as server:
        yield server


@pytest.mark.parametrize(
    ("age", "day", "since", "authors"),
    [("old", "2019-05-01", None, None), ("new", "2021-05-01", "2020-01-01", "rule")],
)
def test_a_file_needs_no_network_and_goes_by_the_rules_of_its_day(
    age: str, day: str, since: str | None, authors: str | None, run: Program
) -> None:
    source, page = run.folder / "mine.toml", run.folder / "a page.html"
    source.write_text(SOURCE, "utf-8")
    page.write_text(PAGE.format(when=f"{age}-date", date=day, name="Jane Roe", body=age), "utf-8")
    ran = run("sources", "test", source, page, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["url"] == "http://127.0.0.1:9/paper/a%20page.html"
    assert ran.json["rules"]["since"] == (since or "0001-01-01")
    [found] = ran.json["articles"]
    assert found["published_day"]["value"] == day
    for field in ("text", "published_day"):
        assert found[field]["evidence"] == "rule"
    assert (found["text"]["rule"], found["title"]["rule"]) == (f".{age}", None)
    if authors:
        assert found["authors"] | {"confidence": None} == {
            "value": ["Jane Roe"],
            "evidence": authors,
            "confidence": None,
            "rule": ".who",
        }
    shown = run("sources", "test", source, page)
    assert (f"since {since}" if since else "the first ones") in shown.out
    assert "Bridge reopens" in shown.out and f".{age}-date" in shown.out


def test_the_day_of_a_file_bounds_its_dates(run: Program) -> None:
    source, page = run.folder / "mine.toml", run.folder / "page.html"
    source.write_text(SOURCE, "utf-8")
    page.write_text(PAGE.format(when="old-date", date="2019-05-01", name="", body="old"), "utf-8")
    ran = run("sources", "test", source, page, "--day", "2018-01-01", "--json")
    assert ran.json["articles"][0]["published_day"]["value"] is None


def test_an_address_is_asked_as_a_run_would(samples: SampleServer, run: Program) -> None:
    right = truth([date(2026, 11, 20)], NOW, samples.base_url)["articles"]
    story = next(r for r in right if r["source"] == "sample_en" and not r["parent_article_id"])
    url = story["url"]
    words = ["--set", f"sample_port={samples.server_port}", "sources", "test", "sample_en", url]
    ran = run(*words, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["articles"][0]["title"]["value"] == story["title"]
    assert samples.counts()["requests"] == {"page": 1, "robots": 1}
    ran = run(*words[:-1], url + "-not-there", "--json")
    assert ran.code == 3
    assert ran.json["refused"] == {"reason": "http_error", "detail": "HTTP 404"}


def test_why_a_page_is_no_article(run: Program) -> None:
    for name, reason in (("listing", "listing"), ("error", "soft_404")):
        ran = run("sources", "test", "sample_ar", GOLDEN / f"refused_{name}.html")
        assert ran.code == 3
        assert f"no article: {reason}" in ran.out


def test_what_is_not_there_is_said_in_one_line(run: Program) -> None:
    assert "no source is named 'nobody'" in run("sources", "test", "nobody", "x.html").err
    ran = run("sources", "test", "sample_en", "x.html")
    assert (ran.code, ran.err) == (1, "newsarchive: x.html: No such file or directory\n")
    ran = run("sources", "test", "sample_en", "http://127.0.0.1:1/", "--day", "2026-01-01")
    assert ran.code == 2
