"""The command line end to end: collect days of the sample newspapers, then read what came of it."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from command_line import Program, Ran
from command_line import program as _program

from newsarchive.days import today
from newsarchive.sample.serve import SampleServer, start
from newsarchive.sample.truth import truth

DAY, NEXT, LAST = date(2020, 3, 5), date(2020, 3, 6), date(2020, 3, 7)
NOW = datetime(2020, 3, 9, 12, tzinfo=UTC)
TEXT = """عنوان الخبر الأول
تاريخ النشر: 27th, December 2023 GMT
قال الناطق باسم الوزارة إن الأعمال في الطريق الساحلي انتهت قبل موعدها بأسبوعين كاملين.

وأضاف أن الحركة عادت إلى طبيعتها صباح الأربعاء بعد إزالة الحواجز من الاتجاهين.

وتستعد البلدية لافتتاح الجسر الجديد في مطلع الشهر القادم بحضور عدد من المسؤولين.
المصدر: وكالة الاختبار
"""

run = pytest.fixture(_program)


@pytest.fixture(scope="module")
def papers() -> Iterator[SampleServer]:
    with start(0, NOW) as server:
        yield server


@pytest.fixture
def news(run: Program, papers: SampleServer) -> Iterator["News"]:
    yield News(run, papers)


class News:
    """The program with the sample newspapers at hand."""

    def __init__(self, run: Program, papers: SampleServer) -> None:
        self.run = run
        port = papers.base_url.rpartition(":")[2].strip("/")
        self.before = ["--set", f"sample_port={port}", "--set", "backoff=0"]
        self.base_url = papers.base_url

    def __call__(self, *words: object, stdin: bytes | None = None) -> Ran:
        return self.run(*self.before, *words, stdin=stdin)

    def query(self, sql: str) -> list[dict[str, Any]]:
        ran = self("query", sql, "--json")
        assert ran.code == 0, ran.err
        rows: list[dict[str, Any]] = ran.json
        return rows


def test_a_day_from_listings_to_the_bytes(news: News) -> None:
    ran = news("run", "--day", DAY)
    assert ran.code == 0, ran.out + ran.err
    assert "sample_ar" in ran.out and "complete" in ran.out and "not complete" not in ran.err

    wanted = truth([DAY], NOW, news.base_url)
    rows = news.query("SELECT article_id, title, url FROM articles")
    assert {r["article_id"]: r["title"] for r in rows} == {
        a["article_id"]: a["title"] for a in wanted["articles"]
    }
    assert len(news.query("SELECT * FROM rejects")) == len(wanted["rejects"])

    calendar = news("coverage", "--from", DAY, "--to", NEXT)
    assert calendar.out.count("●") == 3  # two sources, and the legend
    assert f"newsarchive backfill --from {NEXT} --to {NEXT}" in calendar.out

    for row in rows:
        told = news("show", row["url"], "--json")
        assert told.code == 0, told.out
        (version,) = told.json["versions"]
        path = news.run.archive / version["warc_path"]
        record = path.read_bytes()[version["warc_offset"] :][: version["warc_length"]]
        assert hashlib.sha256(record).hexdigest() == version["record_sha256"]
        assert record[:2] == b"\x1f\x8b", "a gzip member of its own"
    with news.run.python("-m", "newsarchive.cli", "show", row["url"], "--bytes") as process:
        page, _ = process.communicate(timeout=60)
    assert hashlib.sha256(page.encode()).hexdigest() == version["payload_sha256"]


def test_a_day_run_again_asks_for_no_page_and_doubles_nothing(
    news: News, papers: SampleServer
) -> None:
    assert news("run", "--day", DAY).code == 0
    before = news.query("SELECT * FROM articles ORDER BY article_id")
    files = news.query("SELECT files FROM about")
    papers.reset()
    again = news("run", "--day", DAY, "--json")
    assert again.code == 0 and again.json["complete"] is True
    assert {r["status"] for r in again.json["coverage"]} == {"complete"}
    assert [s["step"] for s in again.json["steps"]] == ["discover", "fetch", "parse", "publish"]
    assert papers.counts()["requests"].get("page", 0) == 0
    assert news.query("SELECT * FROM articles ORDER BY article_id") == before
    assert news.query("SELECT files FROM about") == files


def test_a_range_of_days(news: News) -> None:
    ran = news("backfill", "--from", DAY, "--to", NEXT, "--json")
    assert ran.code == 0
    assert f"{DAY} … {NEXT}: 2 of 2 days, about " in ran.err
    assert [(r["run_day"], r["source"]) for r in ran.json["coverage"]] == [
        (str(d), s) for d in (DAY, NEXT) for s in ("sample_ar", "sample_en")
    ]
    assert "No gaps." in news("coverage", "--from", DAY, "--to", NEXT).out


def test_a_backfill_does_what_is_left(news: News, papers: SampleServer) -> None:
    assert news("run", "--day", DAY).code == 0
    words = ["backfill", "--from", DAY, "--to", LAST, "--sources", "sample_ar"]
    papers.reset()
    plan = news(*words, "--plan", "--json").json
    assert papers.counts()["requests"] == {}
    assert plan["days"] == 2
    pages = {(r["source"], r["days"]) for r in plan["lines"] if r["route"] == "pages"}
    assert pages == {("sample_ar", 2)}
    assert news(*words).code == 0
    asked = papers.counts()["requests"]
    (made,) = news.query(
        "SELECT count(*) AS pages FROM captures "
        "WHERE kind = 'page' AND run_day > '2020-03-05' AND elapsed_ms IS NOT NULL"
    )
    assert asked["page"] == made["pages"] > 0
    papers.reset()
    again = news(*words)
    assert again.code == 0 and "nothing to do, all is complete" in again.err
    assert papers.counts()["requests"] == {}
    rows = news.query("SELECT run_day, source FROM coverage ORDER BY ALL")
    assert [(r["run_day"], r["source"]) for r in rows] == [
        (str(DAY), "sample_ar"),
        (str(DAY), "sample_en"),
        (str(NEXT), "sample_ar"),
        (str(LAST), "sample_ar"),
    ]
    assert news(*words, "--again").code == 0
    assert papers.counts()["requests"].get("page", 0) == 0


def test_the_plan_in_words(news: News) -> None:
    ran = news("--set", "indexes=gdelt", "backfill", "--from", DAY, "--to", NEXT, "--plan")
    assert ran.code == 0
    assert not news.run.archive.exists()
    assert "knows only the present" in ran.out
    assert "(all sources)" in ran.out and "2880" in ran.out
    assert "nothing was asked" in ran.out.splitlines()[-1]


def test_a_day_that_is_not_complete_exits_with_3(run: Program) -> None:
    ran = run("--set", "sample_port=1", "--set", "max_attempts=1", "run", "--day", DAY)
    assert ran.code == 3
    assert "failed" in ran.out
    assert ran.err.splitlines()[-1].startswith("not complete: `newsarchive coverage`")
    assert f"newsarchive backfill --from {DAY} --to {DAY}" in run("coverage", "--day", DAY).out


def test_polls(news: News) -> None:
    ran = news("poll")
    assert ran.code == 0 and ran.out.startswith(f"poll {today()}")
    ran = news("poll", "--json")
    assert ran.code == 0
    assert all(c.get("not_modified") for c in ran.json["by_source"].values())
    assert news.run("--set", "sample_port=1", "--set", "max_attempts=1", "poll").code == 3


def test_reparse_needs_no_network(news: News) -> None:
    assert news("run", "--day", DAY).code == 0
    rows = news.query("SELECT article_id, title FROM articles ORDER BY ALL")
    ran = news.run("--set", "sample_port=1", "reparse", "--day", DAY, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["step"] == "reparse"
    assert ran.json["differences"]["fields"] == {}
    ran = news("reparse", "--day", DAY, "--dry-run", "--sources", "sample_ar")
    assert ran.code == 0, ran.err
    assert "nothing written" in ran.out and "sample_en" not in ran.out
    assert news.query("SELECT article_id, title FROM articles ORDER BY ALL") == rows
    ran = news("reparse", "--from", NEXT, "--to", LAST)
    assert ran.code == 0 and f"nothing is archived of {NEXT} … {LAST}" in ran.err


def test_imports_from_files_folders_patterns_and_standard_input(news: News) -> None:
    folder = news.run.folder / "texts"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.txt").write_text(TEXT)
    (folder / "deep" / "two.txt").write_text(TEXT.replace("الأول", "الثاني"))
    (folder / ".hidden").write_text("not this")
    ran = news("import", folder, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["by_source"]["imports"]["new"] == 2
    rows = news.query("SELECT title, published_day, origin FROM articles ORDER BY title")
    assert [r["title"] for r in rows] == ["عنوان الخبر الأول", "عنوان الخبر الثاني"]
    assert {r["published_day"] for r in rows} == {"2023-12-27"}

    again = news("import", folder / "*.txt", folder / "one.txt", "--json")
    assert again.code == 0
    assert again.json["by_source"]["imports"] == {"documents": 1, "known already": 1}
    piped = news("import", "-", "--json", stdin=TEXT.encode())
    assert piped.json["by_source"]["imports"]["known already"] == 1


def test_an_import_makes_no_coverage_of_newspapers(news: News) -> None:
    (news.run.folder / "a.txt").write_text(TEXT)
    assert news("import", "a.txt").code == 0
    assert [r["source"] for r in news.query("SELECT source FROM coverage")] == ["imports"]


def test_a_document_that_is_no_article_exits_with_3(news: News) -> None:
    ran = news("import", "-", stdin=b"\x00\x01\x02")
    assert ran.code == 3 and "stdin.txt" in ran.out
    ran = news("import", "-", "--json", stdin=b"\x00\x01\x03")
    assert ran.code == 3
    assert [r["url"] for r in ran.json["refused"]] == ["stdin.txt"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("missing.txt", "cannot be read"), ("*.nothing", "no file matches"), ("empty", "no files in")],
)
def test_what_cannot_be_imported_is_one_line(news: News, name: str, told: str) -> None:
    (news.run.folder / "empty").mkdir()
    ran = news("import", name)
    assert ran.code == 1 and told in ran.err and ran.err.count("\n") == 1


def test_the_bundled_sources_answer(news: News) -> None:
    ran = news("sources", "check", "--json", "--day", LAST)
    assert ran.code == 0, ran.out
    assert {c["source"] for c in ran.json["listings"]} == {"sample_ar", "sample_en"}
    assert all(c["links"] and c["newest"] for c in ran.json["listings"])
    assert json.dumps(ran.json["errors"]) == "[]"
    assert not (news.run.archive / "captures").exists()
