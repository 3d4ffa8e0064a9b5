"""From versions to articles: the same in any order, the latest shown, the day as stated."""

import dataclasses
import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from archives import DAY, at, version

from newsarchive.articles import NO_SOURCE, merge, reject_of, versions_of
from newsarchive.model import Article, Capture, Found, Link, Refused, Version
from newsarchive.parse import PARSER_VERSION
from newsarchive.sources.load import Source
from newsarchive.text.identity import article_id, imported_article_id, link_id

NEXT = DAY + timedelta(days=1)
URL = "https://a.example/1"
CAIRO = Source.model_validate(
    {
        "name": "paper_a",
        "title": "A",
        "url": "https://a.example/",
        "language": "ar",
        "country": "EG",
        "timezone": "Africa/Cairo",
        "listing": [{"kind": "feed", "url": "https://a.example/feed"}],
        "version": "v1",
    }
)


def rows(*versions: Version) -> list[dict[str, Any]]:
    return [dataclasses.asdict(v) for v in versions]


def one(*versions: Version, sources: dict[str, Source] | None = None) -> Article:
    (article,) = merge(rows(*versions), sources or {})
    return article


def test_articles_are_the_same_in_any_order_of_versions() -> None:
    made = rows(
        version(DAY, payload="1", captured_at=at(DAY)),
        version(NEXT, payload="2", captured_at=at(NEXT)),
        version(DAY, payload="3", captured_at=at(DAY)),  # at the same moment as the first
        version(DAY, "https://a.example/2"),
    )
    wanted = merge(made, {})
    assert len(wanted) == 2
    for order in itertools.permutations(made):
        assert merge(order, {}) == wanted


def test_merging_changes_nothing_that_it_is_given() -> None:
    made = rows(version(), version(NEXT))
    before = [dict(r, evidence=dict(r["evidence"])) for r in made]
    merge(made, {})
    assert made == before


def test_nothing_gives_nothing() -> None:
    assert merge([], {}) == []


def test_the_latest_capture_is_shown() -> None:
    article = one(
        version(NEXT, payload="2", title="Corrected", captured_at=at(NEXT)),
        version(DAY, payload="1", title="First", captured_at=at(DAY)),
    )
    assert article.title == "Corrected"
    assert (article.first_run_day, article.last_run_day) == (DAY, NEXT)
    assert (article.first_seen, article.last_seen) == (at(DAY), at(NEXT))
    assert article.versions == 2


def test_latest_is_by_capture_not_by_run_day() -> None:
    # An old day, run today, holds newer bytes than a later day that ran on time.
    late = version(DAY, payload="2", title="New", captured_at=at(NEXT, 20))
    article = one(version(NEXT, payload="1", title="Old", captured_at=at(NEXT, 1)), late)
    assert article.title == "New"


def test_the_same_bytes_on_two_days_are_one_version() -> None:
    assert one(version(DAY, payload="x"), version(NEXT, payload="x")).versions == 1


def test_an_undated_article_is_filed_under_the_run_day_that_first_saw_it() -> None:
    assert (
        one(version(NEXT, captured_at=at(DAY)), version(DAY, captured_at=at(NEXT))).article_day
        == DAY
    )


def test_the_article_day_is_that_of_the_latest_capture_with_a_date() -> None:
    article = one(
        version(DAY, payload="1", published_day=date(2026, 2, 1), captured_at=at(DAY, 1)),
        version(DAY, payload="2", published_day=date(2026, 2, 2), captured_at=at(DAY, 2)),
        version(DAY, payload="3", published_day=None, captured_at=at(DAY, 3)),
    )
    assert article.article_day == date(2026, 2, 2)
    # What is shown is the latest all the same, without the date that it lacks.
    assert article.published_day is None


def test_an_article_moves_when_a_later_capture_states_another_day() -> None:
    first = version(DAY, payload="1", published_day=date(2026, 2, 1), captured_at=at(DAY))
    later = version(NEXT, payload="2", published_day=date(2026, 2, 5), captured_at=at(NEXT))
    assert one(first).article_day == date(2026, 2, 1)
    assert one(first, later).article_day == date(2026, 2, 5)


def test_a_stated_day_is_never_converted() -> None:
    # 23:30 in New York on the 28th is the 1st in UTC; the page says the 28th.
    article = one(
        version(
            published_at=datetime(2026, 3, 1, 4, 30, tzinfo=UTC), published_day=date(2026, 2, 28)
        )
    )
    assert article.article_day == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("published_at", "published_day", "sources", "local"),
    [
        (datetime(2026, 3, 1, 23, 0, tzinfo=UTC), DAY, {"paper_a": CAIRO}, NEXT),
        (datetime(2026, 3, 1, 21, 0, tzinfo=UTC), DAY, {"paper_a": CAIRO}, DAY),
        (None, DAY, {"paper_a": CAIRO}, DAY),
        (None, None, {"paper_a": CAIRO}, None),
        (datetime(2026, 3, 1, 23, 0, tzinfo=UTC), DAY, {}, DAY),
    ],
    ids=["next day in Cairo", "same day", "a day stays", "unknown", "no zone known"],
)
def test_local_date(
    published_at: datetime | None,
    published_day: date | None,
    sources: dict[str, Source],
    local: date | None,
) -> None:
    article = one(version(published_at=published_at, published_day=published_day), sources=sources)
    assert article.published_local_date == local


def test_country_is_the_sources() -> None:
    assert one(version(), sources={"paper_a": CAIRO}).country == "EG"
    assert one(version()).country is None


def test_the_url_is_canonical_where_the_page_states_one() -> None:
    assert one(version(canonical_url="https://a.example/true")).url == "https://a.example/true"
    assert one(version(canonical_url=None)).url == URL


def test_of_two_links_to_one_page_it_does_not_matter_which_was_asked_last() -> None:
    both = [
        version(url=url, payload="x", article_id="a", canonical_url=None)
        for url in (URL, URL + "?b")
    ]
    for first, last in (both, reversed(both)):
        article = one(
            dataclasses.replace(first, captured_at=at(DAY, 1)),
            dataclasses.replace(last, captured_at=at(DAY, 2)),
        )
        assert article.url == URL


def test_articles_of_two_sources_stay_apart() -> None:
    assert len(merge(rows(version(source="paper_a"), version(source="paper_b")), {})) == 2


def test_an_article_leads_to_the_capture_that_is_shown() -> None:
    shown = version(NEXT, payload="2", warc_offset=77, captured_at=at(NEXT))
    article = one(version(DAY, payload="1"), shown)
    for name in ("version_id", "capture_id", "warc_path", "warc_offset", "record_sha256"):
        assert getattr(article, name) == getattr(shown, name)


def test_evidence_that_comes_as_pairs_is_taken() -> None:
    # Arrow gives a map as a list of pairs.
    made = rows(version(evidence={"title": "meta"}))
    made[0]["evidence"] = [("title", "meta")]
    made[0]["confidence"] = [("authors", 0.5)]
    (article,) = merge(made, {})
    assert (article.evidence, article.confidence) == ({"title": "meta"}, {"authors": 0.5})


def test_a_version_from_before_confidence_was_kept_has_none() -> None:
    made = rows(version())
    made[0]["confidence"] = made[0]["cited_agencies"] = None
    (article,) = merge(made, {})
    assert article.confidence == {}
    assert article.cited_agencies is None  # nobody looked: not the same as none


# ---------------------------------------------------------------------------- captures to versions


def capture(**changes: Any) -> Capture:
    values: dict[str, Any] = {
        "run_day": DAY,
        "capture_id": "c",
        "source": "paper_a",
        "kind": "page",
        "url": URL,
        "link_id": link_id("paper_a", URL),
        "listing": None,
        "route": None,
        "visit": "first",
        "attempt": 1,
        "hop": 0,
        "outcome": "ok",
        "captured_at": at(DAY),
        "status": 200,
        "payload_sha256": "ab" * 32,
        "warc_path": "raw/x.warc.gz",
        "warc_offset": 3,
        "warc_length": 4,
        "record_sha256": "cd" * 32,
    }
    return Capture(**(values | changes))


LINK = Link(DAY, "paper_a", link_id("paper_a", URL), URL, "https://a.example", ["feed"], [])


def test_a_version_names_the_agencies_that_its_text_cites() -> None:
    found = Found("T", "القاهرة - أ ف ب: قال الوزير لرويترز إن الجسر مفتوح.")
    (made,) = versions_of([found], capture(), LINK, URL, CAIRO)
    assert made.cited_agencies == ["AFP", "Reuters"]


def test_a_version_is_of_the_canonical_url_else_of_where_redirects_ended() -> None:
    found = Found("T", "text", canonical_url="https://a.example/true")
    (made,) = versions_of([found], capture(), LINK, URL, CAIRO)
    assert made.article_id == article_id("paper_a", "https://a.example/true")
    (made,) = versions_of([Found("T", "text")], capture(), LINK, "https://a.example/end", CAIRO)
    assert made.article_id == article_id("paper_a", "https://a.example/end")
    assert made.canonical_url == "https://a.example/end"
    assert made.url == URL
    assert (made.parser_version, made.source_version) == (PARSER_VERSION, "v1")


def test_an_embedded_article_is_a_part_of_the_page_that_holds_it() -> None:
    found = [Found("Second", "its text", part=1), Found("First", "own text")]
    first, second = versions_of(found, capture(), LINK, URL, None)
    assert (first.title, first.part, first.parent_article_id) == ("First", 0, None)
    assert (second.title, second.part) == ("Second", 1)
    assert second.parent_article_id == first.article_id
    assert first.article_id != second.article_id
    assert first.source_version == NO_SOURCE


def test_an_import_is_identified_by_its_bytes() -> None:
    document = capture(kind="import", source="imports", url="a.txt", link_id=None)
    renamed = dataclasses.replace(document, url="b.txt", capture_id="other")
    ids = [
        versions_of([Found("T", "text")], c, None, c.url, None)[0].article_id
        for c in (document, renamed)
    ]
    assert ids == [imported_article_id("imports", "ab" * 32)] * 2


def test_equal_texts_have_equal_sums_whatever_their_spelling() -> None:
    sums = {
        versions_of([Found(title, text)], capture(), LINK, URL, None)[0].text_sha256
        for title, text in [("أخبار", "النَّص كما هو"), ("اخبار", "النص  كما هو")]
    }
    assert len(sums) == 1


def test_a_reject_leads_to_its_capture() -> None:
    reject = reject_of(Refused("no_text", "an empty page"), capture(status=404), LINK, CAIRO)
    assert (reject.reason, reject.detail, reject.status) == ("no_text", "an empty page", 404)
    assert (reject.url, reject.warc_path, reject.warc_offset) == (URL, "raw/x.warc.gz", 3)
    assert reject.source_version == "v1"
