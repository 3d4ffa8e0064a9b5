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
from newsarchive.sample.truth import stories_of, truth
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
    sums = {"parser_version", "evidence", "word_count", "text_sha256"}
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
            assert row["published_day"] == written[:10]
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
