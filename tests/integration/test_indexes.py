"""Public indexes over loopback: what they list, what they have, and what goes wrong with them."""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from days import lasting, rows
from public_indexes import Ailment, Indexes, Snap, running, warc_file
from small_site import Answer, Site, archiving, article, serving

from newsarchive import steps
from newsarchive.errors import RunFailed
from newsarchive.settings import Settings

DAY = date(2024, 3, 5)
NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
FEED = '[[listing]]\nkind = "feed"\nurl = "{site}/feed.xml"\n'


@pytest.fixture
def indexes() -> Iterator[Indexes]:
    with running() as found:
        yield found


@pytest.fixture
def few_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an hour of GDELT's three minutes: one test asks for all of them."""
    monkeypatch.setattr("newsarchive.discover.gdelt._MINUTES", (0, 1, 17))


@pytest.fixture
def site() -> Iterator[Site]:
    """A newspaper that has any article whose path does not hold `gone`."""

    def pages(path: str) -> Answer | None:
        if "gone" in path or not path.startswith("/news/"):
            return None
        return page(path)

    with serving(pages) as found:
        yield found


def page(path: str, at: datetime = NOON, more: str = "") -> Answer:
    head = f'<meta property="article:published_time" content="{at.isoformat()}">'
    return article(f"What {path.rpartition('/')[2]} has to tell{more}", head)


def html_of(path: str, at: datetime = NOON, more: str = "") -> str:
    return page(path, at, more)[2]


def paper(folder: Path, site: Site, indexes: Indexes, more: str, **options: Any) -> Settings:
    made = archiving(folder, site.url, FEED.format(site=site.url), more)
    return made.model_copy(update=indexes.settings() | {"max_attempts": 2} | options)


def run(settings: Settings, day: date = DAY) -> None:
    steps.run(day, settings)


def coverage(settings: Settings) -> dict[str, Any]:
    (row,) = rows(settings.archive_path, "coverage")
    return row


def listed(settings: Settings, site: Site) -> dict[str, list[str]]:
    return {
        r["url"].removeprefix(site.url): r["routes"] for r in rows(settings.archive_path, "links")
    }


# GDELT


def test_gdelt_lists_a_day(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON + timedelta(minutes=17), {"url": f"{site.url}/news/a", "title": "An a"})
    indexes.add_gdelt(NOON + timedelta(hours=3), {"url": f"{site.url}/news/b"}, packed=False)
    settings = paper(tmp_path, site, indexes, 'indexes = ["gdelt"]')
    run(settings)
    assert listed(settings, site) == {"/news/a": ["gdelt"], "/news/b": ["gdelt"]}
    assert {r["url"]: r["listed_title"] for r in rows(settings.archive_path, "links")} == {
        f"{site.url}/news/a": "An a",
        f"{site.url}/news/b": None,
    }
    assert coverage(settings)["status"] == "complete"
    assert len(indexes.paths("/gdeltv3/")) == 1440
    assert sorted(site.asked) == ["/news/a", "/news/b"]  # the feed knows only the present
    assert indexes.most_at_once == 1
    kept = [r for r in rows(settings.archive_path, "captures") if r["source"] == "paper"]
    assert all(r["warc_path"] for r in kept if r["outcome"] == "ok")

    before = lasting(settings.archive_path)
    run(settings)
    assert len(indexes.paths("/gdeltv3/")) == 1440  # what it said of a past day is known
    assert lasting(settings.archive_path) == before


@pytest.mark.usefixtures("few_minutes")
def test_gdelt_says_nothing_of_the_paper(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    indexes.every_hour(NOON)
    settings = paper(tmp_path, site, indexes, 'indexes = ["gdelt"]')
    run(settings)
    assert coverage(settings)["status"] == "empty"


@pytest.mark.usefixtures("few_minutes")
def test_gdelt_has_no_file_of_the_day(tmp_path: Path, site: Site) -> None:
    for absent, status in ((404, "not_available"), (403, "failed")):
        with running(absent) as indexes:
            settings = paper(tmp_path / str(absent), site, indexes, 'indexes = ["gdelt"]')
            run(settings)
            assert coverage(settings)["status"] == status
            run(settings)
            assert len(indexes.paths("/gdeltv3/")) == 2 * 24 * 3  # it may have them another time


@pytest.mark.usefixtures("few_minutes")
def test_a_failing_hour_of_gdelt_is_asked_again(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON, {"url": f"{site.url}/news/a"})
    path = "/gdeltv3/gal/20240305120000.gal.json.gz"
    indexes.ailments[path] = Ailment(2, 503)
    settings = paper(tmp_path, site, indexes, 'indexes = ["gdelt"]')
    run(settings)
    found = coverage(settings)
    assert found["status"] == "failed"
    assert "1 of 24 hours not read" in found["note"]
    run(settings)
    assert coverage(settings)["status"] == "complete"
    assert len(indexes.paths("/gdeltv3/")) == 24 * 3 + 1 + 3


@pytest.mark.usefixtures("few_minutes")
def test_gdelt_files_that_are_not_whole(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON, *({"url": f"{site.url}/news/{n}"} for n in range(9)))
    whole = gzip.decompress(indexes.gdelt["202403051200"])
    lines = whole.splitlines(keepends=True)
    cut = gzip.compress(b"".join(lines[:6])) + gzip.compress(b"".join(lines[6:]))[:-30]
    indexes.gdelt["202403051200"] = cut
    indexes.gdelt["202403051300"] = b"not JSON\n\n[]\n{}\n" + b'{"url": "%s/news/x"}' % (
        site.url.encode()
    )
    settings = paper(tmp_path, site, indexes, 'indexes = ["gdelt"]')
    run(settings)
    assert {"/news/0", "/news/4", "/news/x"} <= listed(settings, site).keys()
    (listing,) = rows(settings.archive_path, "listings")
    assert listing["status"] == "answered"
    assert "the stream ends early" in listing["problem"]
    assert "3 lines are no JSON" in listing["problem"]


@pytest.mark.usefixtures("few_minutes")
def test_gdelt_is_read_once_for_all_sources(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON, {"url": f"{site.url}/news/a"}, {"url": f"{site.url}/other/b"})
    settings = paper(tmp_path, site, indexes, 'indexes = ["gdelt"]')
    first = (tmp_path / "sources" / "paper.toml").read_text("utf-8")
    second = first.replace('"paper"', '"other"').replace(
        f'url = "{site.url}/"', f'url = "{site.url}/other"'
    )
    (tmp_path / "sources" / "other.toml").write_text(second, "utf-8")
    run(settings.model_copy(update={"sources": ["paper", "other"]}))
    assert len(indexes.paths("/gdeltv3/")) == 24 * 3
    found = Counter(r["source"] for r in rows(settings.archive_path, "links"))
    assert found == {"paper": 2, "other": 1}


# The Wayback Machine


def test_wayback_lists_a_day(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    for path, hours in (
        ("/news/2024/03/05/one", 2),
        ("/news/2024/03/05/late", 30),
        ("/news/2024/03/04/before", 2),
        ("/news/story-of-many-words", 5),
        ("/news/story-of-the-next-day", 30),
        ("/news/sport", 3),
        ("/news/2024/03/05/picture.jpg", 3),
    ):
        at = datetime(2024, 3, 5, tzinfo=UTC) + timedelta(hours=hours)
        indexes.snaps.append(Snap(at, f"{site.url}{path}", html_of(path).encode()))
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]')
    run(settings)
    assert listed(settings, site) == {
        "/news/2024/03/05/one": ["wayback"],
        "/news/2024/03/05/late": ["wayback"],
        "/news/story-of-many-words": ["wayback"],
    }
    assert coverage(settings)["status"] == "complete"
    run(settings)
    assert len(indexes.paths("/cdx/")) == 1


def test_wayback_in_pages(
    tmp_path: Path, site: Site, indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsarchive.discover.wayback._A_PAGE", 3)
    paths = [f"/news/2024/03/05/{n:02}" for n in range(10)]
    indexes.snaps += [Snap(NOON, f"{site.url}{p}", b"") for p in paths]
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]')
    indexes.ailments["/cdx/search/cdx"] = Ailment(0)
    steps.discover(DAY, settings)
    assert sorted(listed_in(settings, site)) == paths
    assert len(indexes.paths("/cdx/")) == 4
    assert indexes.most_at_once == 1


def listed_in(settings: Settings, site: Site) -> list[str]:
    from newsarchive.store.tables import Archive

    urls = Archive(settings.archive_path).open("links").read([DAY])["url"].to_pylist()
    return [u.removeprefix(site.url) for u in urls]


def test_wayback_that_stops_amid_its_pages_goes_on(
    tmp_path: Path, site: Site, indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsarchive.discover.wayback._A_PAGE", 3)
    paths = [f"/news/2024/03/05/{n:02}" for n in range(9)]
    indexes.snaps += [Snap(NOON, f"{site.url}{p}", b"x") for p in paths]
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]')

    def fail_second(target: str) -> tuple[int, bytes, dict[str, str]]:
        if "resumeKey" in target:
            return 503, b"", {}
        return answer(target)

    answer, indexes.answer = indexes.answer, fail_second  # type: ignore[method-assign]
    run(settings)
    assert coverage(settings)["status"] == "failed"
    assert coverage(settings)["listed"] == 3
    indexes.answer = answer  # type: ignore[method-assign]
    asked = len(indexes.paths("/cdx/"))
    run(settings)
    assert len(indexes.paths("/cdx/")) == asked + 2  # the first page is known
    assert coverage(settings)["listed"] == 9


@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {}], ids=["with", "without"])
def test_wayback_says_too_many(
    tmp_path: Path,
    site: Site,
    indexes: Indexes,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("newsarchive.steps.place._PATIENCE", 0.5)
    indexes.snaps.append(Snap(NOON, f"{site.url}/news/2024/03/05/a", b"x"))
    indexes.ailments["/cdx/search/cdx"] = Ailment(1, 429, headers)
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]')
    run(settings)
    asked = [at for path, at in indexes.asked if path.startswith("/cdx/")]
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 0.5
    assert coverage(settings)["status"] == "complete"


def test_wayback_that_keeps_saying_too_many_is_left_alone(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    indexes.ailments["/cdx/search/cdx"] = Ailment(99, 429)  # to wait a minute, as is known of it
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]', max_retry_after=5)
    run(settings)
    assert len(indexes.paths("/cdx/")) == 1
    assert coverage(settings)["status"] == "failed"
    run(settings)
    assert len(indexes.paths("/cdx/")) == 1  # another run waits too


def test_requests_a_minute(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    indexes.snaps += [Snap(NOON, f"{site.url}/gone/2024/03/05/{n}", b"x") for n in range(4)]
    settings = paper(
        tmp_path,
        site,
        indexes,
        'indexes = ["wayback"]\nbodies = ["live", "wayback"]',
        wayback_per_minute=300,
    )
    run(settings)
    asked = [at for path, at in indexes.asked if path != "/robots.txt"]
    assert len(asked) >= 5
    assert min(b - a for a, b in pairwise(asked)) >= 0.2


# Bytes


def test_bytes_from_wayback_where_the_publisher_has_none(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    path = "/news/2024/03/05/gone"
    seen = NOON + timedelta(hours=1)
    indexes.snaps.append(Snap(seen, f"{site.url}{path}", html_of(path).encode()))
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]\nbodies = ["live", "wayback"]')
    run(settings)
    found = coverage(settings)
    assert (found["status"], found["captured"], found["kept"]) == ("complete", 1, 1)
    pages = [r for r in rows(settings.archive_path, "captures") if r["kind"] == "page"]
    assert sorted((r["provider"], r["outcome"]) for r in pages) == [
        ("live", "http_error"),
        ("wayback", "ok"),
        ("wayback", "redirect"),
    ]
    (held,) = [r for r in pages if r["outcome"] == "ok"]
    assert held["url"] == f"{site.url}{path}"
    assert held["asked_url"] == f"{indexes.url}/web/20240305130000id_/{site.url}{path}"
    assert held["captured_at"] == "2024-03-05T13:00:00Z"
    (shown,) = rows(settings.archive_path, "articles")
    assert shown["url"] == f"{site.url}{path}"
    assert shown["first_seen"] == "2024-03-05T13:00:00Z"
    assert shown["state"] == "gone"  # it was there then, and is not any more
    asked = len(site.asked), len(indexes.asked)
    run(settings)
    assert (len(site.asked), len(indexes.asked)) == asked


@pytest.mark.usefixtures("few_minutes")
def test_bytes_that_nobody_has(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON, {"url": f"{site.url}/news/gone"})
    settings = paper(tmp_path, site, indexes, 'indexes = ["gdelt"]\nbodies = ["live", "wayback"]')
    run(settings)
    found = coverage(settings)
    assert (found["captured"], found["rejected"], found["missing"]) == (0, 1, 0)
    asked = len(site.asked), len(indexes.asked)
    run(settings)
    assert (len(site.asked), len(indexes.asked)) == asked


def test_wayback_first(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    path = "/news/2024/03/05/a"
    indexes.snaps.append(Snap(NOON, f"{site.url}{path}", html_of(path).encode()))
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]\nbodies = ["wayback", "live"]')
    run(settings)
    assert site.asked == []
    assert coverage(settings)["kept"] == 1


def test_a_provider_in_trouble_is_asked_again(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    path = "/news/2024/03/05/gone"
    indexes.snaps.append(Snap(NOON, f"{site.url}{path}", html_of(path).encode()))
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]\nbodies = ["live", "wayback"]')
    indexes.ailments[f"/web/20240306000000id_/{site.url}{path}"] = Ailment(2, 502)
    run(settings)
    found = coverage(settings)
    assert (found["status"], found["missing"]) == ("partial", 1)
    run(settings)
    assert coverage(settings)["status"] == "complete"
    assert site.asked == [path]


def test_what_robots_txt_forbids_is_taken_from_nobody(tmp_path: Path, indexes: Indexes) -> None:
    site = Site(lambda path: None)
    path = "/news/2024/03/05/a"
    indexes.snaps.append(Snap(NOON, f"{site.url}{path}", b"x"))
    settings = paper(tmp_path, site, indexes, 'indexes = ["wayback"]\nbodies = ["live", "wayback"]')
    try:
        site.robots = "User-agent: *\nDisallow: /\n"
        run(settings)
    finally:
        site.close()
    assert indexes.paths("/web/") == []
    assert [r["reason"] for r in rows(settings.archive_path, "rejects")] == ["robots"]


# CC-NEWS


def ccnews(at: datetime, number: int = 1) -> str:
    return f"CC-NEWS-{at:%Y%m%d%H%M%S}-{number:05}.warc.gz"


def test_ccnews_has_pages_of_a_day(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    late = NOON + timedelta(days=1)
    indexes.files[ccnews(NOON)] = warc_file(
        [
            ("https://elsewhere.example/1", "not parsed", NOON),
            (f"{site.url}/news/a", html_of("a"), NOON),
            (f"{site.url}/news/2024/03/05/b", html_of("b"), NOON),
            (f"{site.url}/news/2023/01/01/old", html_of("old"), NOON),
        ]
    )
    indexes.files[ccnews(late)] = warc_file(
        [
            (f"{site.url}/news/c", html_of("c"), late),
            (f"{site.url}/news/next", html_of("next", late), late),
        ]
    )
    far = NOON + timedelta(days=5)
    indexes.files[ccnews(far)] = warc_file([(f"{site.url}/news/far", html_of("far"), far)])
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews"]')
    run(settings)
    assert listed(settings, site) == {
        "/news/a": ["ccnews"],
        "/news/2024/03/05/b": ["ccnews"],
        "/news/c": ["ccnews"],
    }
    assert site.asked == []
    found = coverage(settings)
    assert (found["status"], found["kept"]) == ("complete", 3)
    held = [
        r
        for r in rows(settings.archive_path, "captures")
        if r["kind"] == "page" and r["run_day"] == "2024-03-05"
    ]
    assert {(r["provider"], r["outcome"]) for r in held} == {("ccnews", "ok")}
    assert {r["captured_at"][:10] for r in held} == {"2024-03-05", "2024-03-06"}

    asked = indexes.paths()
    run(settings, DAY + timedelta(days=1))
    # Only the file of the last day that is searched for it is new; the list is known.
    assert indexes.paths()[len(asked) :] == []
    assert {
        r["url"] for r in rows(settings.archive_path, "links") if r["run_day"] > "2024-03-05"
    } == {f"{site.url}/news/next"}


def test_a_ccnews_file_that_is_cut_goes_on_where_it_stopped(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    name = ccnews(NOON)
    records = [(f"{site.url}/news/{n}", html_of(str(n)), NOON) for n in range(20)]
    indexes.files[name] = warc_file(records)
    path = f"/crawl-data/CC-NEWS/2024/03/{name}"
    indexes.ailments[path] = Ailment(1, cut=len(indexes.files[name]) // 2)
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews"]')
    run(settings)
    assert coverage(settings)["kept"] == 20
    sizes = [
        r["payload_bytes"]
        for r in rows(settings.archive_path, "captures")
        if r["source"] == "ccnews" and r["url"].endswith(name)
    ]
    assert sizes[0] < sizes[1] == len(indexes.files[name])
    assert len(indexes.paths(path)) == 2


def test_a_ccnews_file_that_cannot_be_had_is_read_by_the_next_run(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    name = ccnews(NOON)
    indexes.files[name] = warc_file(
        [(f"{site.url}/news/{n}", html_of(str(n)), NOON) for n in range(5)]
    )
    other = ccnews(NOON + timedelta(hours=1))
    indexes.files[other] = warc_file([(f"{site.url}/news/other", html_of("other"), NOON)])
    path = f"/crawl-data/CC-NEWS/2024/03/{name}"
    indexes.ailments[path] = Ailment(2, cut=900)
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews"]')
    run(settings)
    assert coverage(settings)["status"] == "failed"
    assert listed(settings, site) == {"/news/other": ["ccnews"]}
    run(settings)
    assert coverage(settings)["status"] == "complete"
    assert coverage(settings)["kept"] == 6
    assert len(indexes.paths(f"/crawl-data/CC-NEWS/2024/03/{other}")) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01 nothing that was ever packed",
        gzip.compress(b"a gzip of something else"),
        gzip.compress(b"WARC/1.0\r\nWARC-Type: response\r\n"),
        warc_file([("http://x.example/", "whole", NOON)])[:-40],
    ],
    ids=["empty", "no gzip", "no WARC", "no head", "truncated"],
)
def test_an_invalid_ccnews_file_costs_a_row(
    tmp_path: Path, site: Site, indexes: Indexes, content: bytes
) -> None:
    name = ccnews(NOON)
    indexes.files[name] = content
    later = ccnews(NOON + timedelta(hours=1))
    indexes.files[later] = warc_file([(f"{site.url}/news/a", html_of("a"), NOON)])
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews"]')
    run(settings)
    assert listed(settings, site) == {"/news/a": ["ccnews"]}
    invalid = [r for r in rows(settings.archive_path, "captures") if r["outcome"] == "invalid"]
    assert [r["source"] for r in invalid if r["listing"]] == ["paper"]
    (listing,) = rows(settings.archive_path, "listings")
    assert (listing["status"], listing["gap"]) == (
        "answered",
        "1 of 2 files of CC-NEWS are invalid",
    )
    run(settings)
    assert len(indexes.paths(f"/crawl-data/CC-NEWS/2024/03/{name}")) == 1


@pytest.mark.usefixtures("few_minutes")
def test_ccnews_for_bytes_alone(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON, {"url": f"{site.url}/news/gone"})
    indexes.files[ccnews(NOON)] = warc_file(
        [
            (f"{site.url}/news/gone", html_of("gone"), NOON),
            (f"{site.url}/news/unlisted", html_of("unlisted"), NOON),
        ]
    )
    settings = paper(
        tmp_path, site, indexes, 'indexes = ["gdelt"]\nbodies = ["live", "wayback", "ccnews"]'
    )
    run(settings)
    assert listed(settings, site) == {"/news/gone": ["gdelt"]}
    assert site.asked == ["/news/gone"]
    found = coverage(settings)
    assert (found["status"], found["kept"], found["captured"]) == ("complete", 1, 1)
    (shown,) = rows(settings.archive_path, "articles")
    assert shown["state"] == "gone"


def test_an_article_that_changed_after_ccnews_saw_it(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    indexes.files[ccnews(NOON)] = warc_file(
        [(f"{site.url}/news/a", html_of("a", more=", at first"), NOON)]
    )
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews"]\nbodies = ["live", "ccnews"]')
    run(settings)
    found = sorted(rows(settings.archive_path, "versions"), key=lambda r: r["captured_at"])
    assert [r["changes"] for r in found] == [[], ["title", "text"]]
    (shown,) = rows(settings.archive_path, "articles")
    assert (shown["versions"], shown["first_seen"]) == (2, "2024-03-05T12:00:00Z")


def test_a_month_without_a_list(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews"]')
    run(settings)
    assert coverage(settings)["status"] == "not_available"


# All of them


@pytest.mark.usefixtures("few_minutes")
def test_every_link_keeps_all_its_routes(tmp_path: Path, site: Site, indexes: Indexes) -> None:
    path = "/news/2024/03/05/a"
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON, {"url": f"{site.url}{path}?utm_source=x"})
    indexes.snaps.append(Snap(NOON, f"{site.url}{path}", html_of(path).encode()))
    indexes.files[ccnews(NOON)] = warc_file([(f"{site.url}{path}", html_of(path), NOON)])
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews", "gdelt", "wayback"]')
    run(settings)
    assert listed(settings, site) == {path: ["ccnews", "gdelt", "wayback"]}
    found = coverage(settings)
    assert found["routes"] == ["ccnews", "gdelt", "wayback"]
    assert found["kept"] == 1


def test_indexes_are_asked_once_a_day_is_well_over(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    settings = paper(tmp_path, site, indexes, 'indexes = ["ccnews", "gdelt", "wayback"]')
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    run(settings, yesterday)
    assert indexes.paths() == []
    assert coverage(settings)["status"] == "not_available"


def test_a_feed_alone_knows_nothing_of_a_past_day(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    settings = paper(tmp_path, site, indexes, "")
    run(settings)
    assert (site.asked, indexes.asked) == ([], [])
    assert coverage(settings)["status"] == "not_available"
    tables = ("links", "listings", "captures", "versions", "rejects", "articles")
    assert {t: len(rows(settings.archive_path, t)) for t in tables} == dict.fromkeys(tables, 0)


@pytest.mark.usefixtures("few_minutes")
def test_a_run_fails_when_a_required_source_did_and_all_is_safe(
    tmp_path: Path, site: Site, indexes: Indexes
) -> None:
    path = "/news/2024/03/05/a"
    indexes.every_hour(NOON)
    indexes.add_gdelt(NOON, {"url": f"{site.url}{path}"})
    indexes.ailments["/gdeltv3/gal/20240305130000.gal.json.gz"] = Ailment(2, 503)
    settings = paper(tmp_path, site, indexes, 'required = true\nindexes = ["gdelt"]')
    run(settings)
    with pytest.raises(RunFailed, match="1 of 1 sources failed: paper; required: paper"):
        steps.judge(DAY, settings)
    assert coverage(settings)["kept"] == 1
    run(settings)
    assert steps.judge(DAY, settings).counts() == {"complete": 1}
