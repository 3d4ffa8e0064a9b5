"""What is right of the sample newspapers, held against what their server really answers."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest
import requests
from lxml import html

from newsarchive.sample.generate import ARABIC, ENGLISH, PAPERS, Kind, Markup, day
from newsarchive.sample.pages import written_moment
from newsarchive.sample.serve import start
from newsarchive.sample.truth import Visited, stories_of, truth, truth_of_visits
from newsarchive.schema import TABLES
from newsarchive.sources.load import BUNDLED, load_file
from newsarchive.text.identity import article_id, clean_url, link_id, version_id

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
DAYS = [date(2026, 10, 10) + timedelta(days=n) for n in range(43)]
BASE = "http://127.0.0.1:8090"


@pytest.fixture(scope="module")
def served():
    with start(now=NOW) as server:
        yield server, truth(DAYS, NOW, server.base_url)


def test_rows_have_only_lasting_columns_and_are_plain_json():
    rows = truth(DAYS[:3], NOW, BASE)
    assert json.loads(json.dumps(rows)) == rows
    for name, table in rows.items():
        assert table
        assert set(table[0]) <= set(TABLES[name].lasting)
        assert {frozenset(r) for r in table} == {frozenset(table[0])}
    left_out = {n: set(TABLES[n].lasting) - set(rows[n][0]) for n in rows}
    sums = {"parser_version", "evidence", "confidence", "word_count", "text_sha256"}
    sums.add("cited_agencies")
    assert left_out == {
        "links": set(),
        "versions": sums,
        "articles": sums,
        "rejects": {"detail", "parser_version"},
    }


def test_ids_and_sums_fit_what_is_served(served):
    _, rows = served
    links = {r["link_id"]: r for r in rows["links"]}
    outcomes = Counter()
    with requests.Session() as web:
        for row in [*rows["versions"], *rows["rejects"]]:
            assert links[row["link_id"]]["url"] == row["url"] == clean_url(row["url"])
            assert row["link_id"] == link_id(row["source"], row["url"])
            answer = web.get(row["url"])
            if answer.status_code == 503:
                answer = web.get(row["url"])
            if row.get("reason") != "robots":
                assert row["payload_sha256"] == sha256(answer.content).hexdigest()
                assert row.get("status", 200) == answer.status_code
            outcomes[row.get("reason", "article")] += 1
            if "canonical_url" in row:
                identity = article_id(row["source"], row["canonical_url"] or row["url"])
                assert row["article_id"] == identity
                assert row["version_id"] == version_id(identity, row["payload_sha256"])
    assert set(outcomes) == {"article", "http_error", "empty", "no_text", "robots", "not_html"}
    assert sum(outcomes.values()) == len(links) == len(rows["links"])


def test_each_page_holds_what_is_true_of_it(served):
    server, rows = served
    sources = {p.name: load_file(BUNDLED / f"{p.name}.toml") for p in PAPERS}
    stories = {
        link_id(p.name, server.base_url + s.listed_path(NOW)): s
        for p in PAPERS
        for on in DAYS
        for s in stories_of(p, on, NOW)
    }
    with requests.Session() as web:
        for row in rows["versions"][::3]:
            story = stories[row["link_id"]]
            answer = web.get(row["url"])
            answer = web.get(row["url"]) if answer.status_code == 503 else answer
            charset = "utf-8"
            if story.kind is Kind.CHARSET:
                charset = {"ar": "windows-1256", "en": "windows-1252"}[story.language]
            page = html.fromstring(answer.content.decode(charset))
            rule = sources[row["source"]].rule_on(date.fromisoformat(row["published_day"]))
            if story.kind is Kind.UNDATED:
                assert not page.cssselect(rule.date)
            for selector in rule.remove:
                for element in page.cssselect(selector):
                    element.drop_tree()
            assert [e.text_content() for e in page.cssselect(rule.title)] == [row["title"]]
            assert [e.text_content() for e in page.cssselect(rule.authors)] == row["authors"]
            assert [e.text_content() for e in page.cssselect(rule.section)] == [row["section"]]
            assert [e.text_content() for e in page.cssselect(rule.keywords)] == [
                row["keywords_raw"]
            ]
            assert [e.text_content() for e in page.cssselect(rule.origin)] == [
                row["origin"]
            ] * bool(row["origin"])
            (body,) = page.cssselect(rule.body)
            paragraphs = [e.text_content() for e in body.iter("p")]
            if not paragraphs:  # separated by <br><br>
                paragraphs = [p.strip() for p in body.text_content().split("\n\n")]
            assert "\n\n".join(p.strip() for p in paragraphs) == row["text"]
            canonical = page.cssselect("link[rel=canonical]")
            assert [e.get("href") for e in canonical] == [row["canonical_url"]] * bool(canonical)
            assert page.get("lang") == row["language"]


def test_links_belong_to_the_day_of_their_listed_time_or_date(served):
    _, rows = served
    by_date = 0
    for row in rows["links"]:
        if row["listed_at"]:
            assert row["listed_at"][:10] == row["run_day"]
        else:
            by_date += 1
            assert row["listed_day"] == row["run_day"]
    assert by_date > 20
    assert any(r["listed_day"] != r["run_day"] for r in rows["links"])
    routes = {tuple(r["routes"]) for r in rows["links"]}
    assert routes == {("dated",), ("dated", "sitemap")}
    recent = [r for r in rows["links"] if "sitemap" in r["routes"]]
    assert {r["run_day"] for r in recent} <= {"2026-11-20", "2026-11-21"}
    assert all(len(r["listings"]) == len(r["routes"]) for r in rows["links"])
    assert {li.split("/", 3)[3] for r in rows["links"] for li in r["listings"]} == {
        "ar/sitemap-{date:%Y-%m-%d}.xml",
        "ar/news-sitemap.xml",
        "en/sitemap-{date:%Y-%m-%d}.xml",
        "en/news-index.xml",
    }


def test_every_page_belongs_to_one_run_day():
    made = [s for n in range(-1, len(DAYS)) for s in day(ARABIC, DAYS[0] + timedelta(days=n))]
    counted = Counter(s.number for on in DAYS for s in stories_of(ARABIC, on, NOW))
    assert set(counted.values()) == {1}
    there = [s for s in made if s.published_at <= NOW and not s.state(NOW).deleted]
    inside = [s.number for s in there if DAYS[0] <= s.run_day <= DAYS[-1]]
    assert sorted(counted) == sorted(inside)


def test_dates_are_as_the_pages_write_them(served):
    server, rows = served
    versions = {r["url"]: r for r in rows["versions"]}
    articles = {r["article_id"]: r for r in rows["articles"]}
    seen = set()
    for paper in PAPERS:
        for story in (s for on in DAYS for s in stories_of(paper, on, NOW)):
            row = versions.get(clean_url(server.base_url + story.listed_path(NOW)))
            if row is None:
                continue
            article = articles[row["article_id"]]
            assert article["article_day"] == row["published_day"]
            seen.add((story.kind, row["published_precision"], row["published_at"] is None))
            if story.kind is Kind.UNDATED:
                assert row["published_day"] == story.local_date.isoformat()
                continue
            written = written_moment(story, story.stated_in(story.state(NOW)))
            # The newer layout shows a time in UTC beside the newspaper's own.
            shown = paper.local(datetime.fromisoformat(written)).date() if story.in_utc else None
            day = shown.isoformat() if shown and story.new_layout else written[:10]
            assert row["published_day"] == day
            if story.kind is Kind.OLDER:
                assert story.published_at - story.stated_at == timedelta(days=2)
            if row["published_at"] is None:
                assert (story.kind, written) == (Kind.DAY_ONLY, row["published_day"])
                assert article["published_local_date"] == row["published_day"]
                continue
            moment = datetime.fromisoformat(row["published_at"])
            stated = story.stated_in(story.state(NOW))
            assert moment == stated.replace(
                second=0 if row["published_precision"] == "minute" else stated.second
            )
            assert article["published_local_date"] == paper.local(moment).date().isoformat()
            assert (row["published_precision"] == "minute") == (
                story.markup is Markup.LABELS and not (paper is ENGLISH and story.new_layout)
            )
    assert (Kind.DAY_ONLY, "day", True) in seen
    assert (Kind.PLAIN, "minute", False) in seen
    assert (Kind.NO_ZONE, "second", False) in seen
    assert {s for s in seen if s[0] is Kind.UNDATED} >= {
        (Kind.UNDATED, "day", True),
        (Kind.UNDATED, "second", False),
    }
    assert any(r["published_day"] != r["published_local_date"] for r in rows["articles"])


def changed_by(fits):
    """Return a page of the days whose first change fits, and what is true of it before and after.

    Only such as have a change time and a canonical link, for the sake of one rule.
    """
    for on in DAYS:
        for story in day(ENGLISH, on):
            if len(story.states) < 2 or story.markup is not Markup.JSONLD or story.listed_by_date:
                continue
            if not fits(*story.states[:2]):
                continue
            since = story.states[1].since
            return story, [
                truth([story.run_day], when, BASE) for when in (since - timedelta(seconds=1), since)
            ]
    raise LookupError


def row_of(rows, story, when):
    url = clean_url(BASE + story.path_at(when))
    return next((r for r in rows if r["url"] == url), None)


@pytest.mark.parametrize(
    ("fits", "wanted"),
    [
        (lambda a, b: a.paragraphs != b.paragraphs and a.title == b.title and not b.redated, set()),
        (lambda a, b: a.title != b.title and not b.redated, {"title"}),
        (lambda a, b: a.title == b.title and b.redated, {"published_at"}),
    ],
)
def test_corrections_come_with_the_clock(fits, wanted):
    story, (before, after) = changed_by(fits)
    since = story.states[1].since
    old, new = (row_of(t["articles"], story, since) for t in (before, after))
    for rows, row, when in ((before, old, story.published_at), (after, new, since)):
        link = row_of(rows["links"], story, since)
        assert link["updated_at"] == when.isoformat() == row["modified_at"]
        assert link["listed_title"] == row["title"]
    changed = {k for k in new if old[k] != new[k]}
    assert changed == {"text", "modified_at", "payload_sha256", "version_id"} | wanted


def test_a_deleted_page_is_listed_no_longer():
    story, (before, after) = changed_by(lambda _, b: b.deleted)
    assert row_of(before["articles"], story, story.published_at)
    for table in ("links", "articles", "rejects"):
        assert row_of(after[table], story, story.published_at) is None


def test_a_moved_page_is_listed_at_its_new_address():
    story, (before, after) = changed_by(lambda a, b: b.moved and not b.deleted)
    since = story.states[1].since
    old, new = (
        row_of(before["links"], story, story.published_at),
        row_of(after["links"], story, since),
    )
    assert old["url"] != new["url"]
    assert row_of(after["links"], story, story.published_at) is None
    first, moved = (
        row_of(before["articles"], story, story.published_at),
        row_of(after["articles"], story, since),
    )
    assert first["title"] == moved["title"]
    assert first["text"] == moved["text"]
    assert first["article_id"] != moved["article_id"]


def test_a_whole_other_article_is_told_as_related(served):
    _, rows = served
    urls = {r["url"]: r for r in rows["articles"]}
    related = [r for r in rows["articles"] if r["related"]]
    assert len(related) > 20
    assert {r["source"] for r in related} == {"sample_ar"}
    for row in related:
        (other,) = row["related"]
        if other in urls:
            assert urls[other]["text"].split("\n\n")[0] not in row["text"]
    assert any(r["related"][0] in urls for r in related)


def test_days_that_are_not_shown_have_no_rows():
    empty = {"links": [], "versions": [], "articles": [], "rejects": []}
    assert truth([date(2026, 9, 22), date(2026, 11, 24), date.min, date.max], NOW, BASE) == empty
    assert truth([], None, BASE) == empty
    first = truth([date(2026, 9, 23)], NOW, BASE)["links"]
    assert len(first) > 12


def test_the_running_day_has_what_is_out_by_now():
    whole = truth([NOW.date()], NOW + timedelta(days=1), BASE)["links"]
    half = truth([NOW.date()], NOW, BASE)["links"]
    assert 0 < len(half) < len(whole)


def test_the_same_days_in_any_order_are_the_same_rows():
    assert truth(DAYS[:4], NOW, BASE) == truth(reversed(DAYS[:4]), NOW, BASE + "/")
    assert truth(DAYS[:4], NOW, BASE) != truth(DAYS[:4], NOW, BASE, seed=2)


HOUR = timedelta(hours=1)


def visited(story, *times, routes=("dated",)):
    """Return the truth of visits of a page at some times, under the address that it had first."""
    url = clean_url(BASE + story.listed_path(story.published_at))
    visits = tuple((at, f"visit {n}") for n, at in enumerate(times, 1))
    link = Visited(story.run_day, story.paper.name, url, frozenset(routes), visits)
    return truth_of_visits([link], BASE)


def test_one_visit_is_what_a_run_at_that_time_gives():
    (whole,) = (truth([on], NOW, BASE) for on in DAYS[-3:-2])
    links = []
    for row in whole["links"]:
        day_, routes = date.fromisoformat(row["run_day"]), frozenset(row["routes"])
        links.append(Visited(day_, row["source"], row["url"], routes, ((NOW, "first"),)))
    told = truth_of_visits(links, BASE)
    times = {"captured_at", "seen_until", "first_seen", "last_seen", "gone_at"}
    for name, table in told.items():
        bare = [{k: v for k, v in r.items() if k not in times} for r in table]
        assert bare == whole[name], name


def test_an_unchanged_page_has_one_version_however_often_visited():
    story = next(s for s in day(ENGLISH, DAYS[-9]) if len(s.states) == 1 and s.kind is Kind.PLAIN)
    times = [story.published_at + n * HOUR for n in (1, 2, 30, 60, 90)]
    told = visited(story, *times)
    (only,) = told["versions"]
    assert (only["captured_at"], only["seen_until"]) == (
        times[0].isoformat(),
        times[-1].isoformat(),
    )
    assert only["visit"] == "visit 1"
    assert told["articles"][0]["versions"] == 1
    assert told["articles"][0]["last_seen"] == times[-1].isoformat()


def test_a_deleted_page_has_a_version_that_is_gone_or_is_a_reject():
    story, _ = changed_by(lambda _, b: b.deleted)
    since = story.states[1].since
    told = visited(story, since - HOUR, since + HOUR, since + 2 * HOUR)
    first, gone = told["versions"]
    assert (gone["state"], gone["changes"], gone["visit"]) == ("gone", ["gone"], "visit 2")
    assert gone["text"] == first["text"]
    assert gone["version_id"] != first["version_id"]
    (article,) = told["articles"]
    assert (article["state"], article["versions"]) == ("gone", 2)
    assert article["gone_at"] == (since + HOUR).isoformat()
    assert article["last_seen"] == (since + 2 * HOUR).isoformat()

    late = visited(story, since)
    assert not late["versions"]
    assert not late["articles"]
    (reject,) = late["rejects"]
    assert (reject["reason"], reject["status"]) == ("http_error", story.states[1].status)


def test_a_moved_page_stays_the_article_that_it_was():
    story, _ = changed_by(lambda a, b: b.moved and not b.deleted)
    since = story.states[1].since
    first, moved = (told := visited(story, since - HOUR, since + HOUR))["versions"]
    assert moved["changes"] == ["moved"]
    assert moved["article_id"] == first["article_id"]
    assert (moved["url"], moved["canonical_url"]) == (
        first["url"],
        clean_url(BASE + story.moved_path),
    )
    assert told["articles"][0]["url"] == moved["canonical_url"]


def test_changes_are_named_as_they_are_found():
    story, _ = changed_by(lambda a, b: a.title != b.title and b.redated and not b.moved)
    since = story.states[1].since
    first, second = visited(story, since - HOUR, since)["versions"]
    assert second["changes"] == ["title", "text", "date"]
    assert first["title"] != second["title"]
    assert first["published_at"] != second["published_at"]


def test_what_a_feed_says_dates_an_undated_page():
    story = next(
        s for on in DAYS for s in day(ENGLISH, on) if s.kind is Kind.UNDATED and s.listed_by_date
    )
    at = story.published_at + HOUR
    (by_date,) = visited(story, at)["versions"]
    (by_feed,) = visited(story, at, routes=("dated", "feed"))["versions"]
    assert by_date["published_at"] is None
    assert by_feed["published_at"] == story.published_at.isoformat()


def test_another_address_is_no_page_of_the_newspapers():
    link = Visited(DAYS[0], "sample_en", BASE + "/en/x", frozenset({"feed"}), ((NOW, "first"),))
    with pytest.raises(ValueError, match="no page of the newspapers"):
        truth_of_visits([link], BASE)
