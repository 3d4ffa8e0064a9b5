"""Commands that read the archive: query, shell, show, coverage, sources list."""

import csv
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from archives import DAY, archive_of, covered, store_pages, version, write
from command_line import Program
from command_line import program as _program

from newsarchive.cli.collect import is_complete
from newsarchive.cli.days_table import Gap, _months, fill, gaps_in
from newsarchive.cli.query import sql_error
from newsarchive.days import yesterday
from newsarchive.model import Link, Reject
from newsarchive.schema import ALIASES
from newsarchive.text.identity import link_id

run = pytest.fixture(_program)
NEXT = DAY + timedelta(days=1)
URL = "https://a.example/1"
PAGES = [b"<html>first</html>", b"<html>\xd8\xb9 corrected</html>"]


def two_versions(run: Program) -> list[Any]:
    """Publish an archive of one article in two versions, with their bytes; return the versions."""
    made = [
        version(DAY, URL, payload="1", title="Old title"),
        version(NEXT, URL, payload="2", title="New title", text="One.\n\nTwo."),
    ]
    stored = store_pages(run.archive, made, PAGES)
    archive_of(
        run.archive, [*stored, version(DAY, "https://a.example/2")], covered(), covered(NEXT)
    )
    return stored


# ------------------------------------------------------------------------------------------ query


def test_query_prints_a_table(run: Program) -> None:
    archive_of(run.archive, [version(title="عنوان", keywords=["a", "b"])])
    ran = run("query", "SELECT title, keywords, word_count, section FROM articles")
    assert ran.code == 0 and ran.err == ""
    for told in ("title", "عنوان", "a, b", "4"):
        assert told in ran.out
    assert "None" not in ran.out


def test_query_prints_json(run: Program) -> None:
    archive_of(run.archive, [version(evidence={"title": "meta"})])
    sql = (
        "SELECT run_day, captured_at, keywords, evidence, section, 1.5::DECIMAL(3,2) AS d, 1 AS d "
        "FROM versions"
    )
    wanted = [
        {
            "run_day": "2026-03-01",
            "captured_at": "2026-03-01T12:00:00+00:00",
            "keywords": [],
            "evidence": {"title": "meta"},
            "section": None,
            "d": 1.5,
            "d_2": 1,
        }
    ]
    assert run("query", sql, "--json").json == wanted
    assert run("query", sql, "--format", "json").json == wanted
    assert run("query", "SELECT 1 WHERE false", "--json").json == []


def test_query_prints_csv_that_a_reader_of_csv_reads(run: Program) -> None:
    archive_of(run.archive, [version(title='A "quoted", title\nwith a line', keywords=["ك", "b"])])
    ran = run("query", "SELECT title, keywords, section, text FROM versions", "--format", "csv")
    assert list(csv.reader(io.StringIO(ran.out))) == [
        ["title", "keywords", "section", "text"],
        [
            'A "quoted", title\nwith a line',
            '["ك", "b"]',
            "",
            "First paragraph.\n\nSecond paragraph.",
        ],
    ]


def test_query_prints_markdown(run: Program) -> None:
    archive_of(run.archive, [version(title="a|b\nc")])
    ran = run("query", "SELECT title, 1 AS n FROM versions", "--format", "markdown")
    assert ran.out == "| title | n |\n| --- | --- |\n| a\\|b<br>c | 1 |\n"


def test_query_takes_sql_from_standard_input(run: Program) -> None:
    archive_of(run.archive, [version(title="عنوان")])
    ran = run("query", "-", "--json", stdin="SELECT title, 'ع' AS x FROM versions".encode())
    assert ran.json == [{"title": "عنوان", "x": "ع"}]


def test_a_table_ends_after_its_most_rows_and_says_so(run: Program) -> None:
    archive_of(run.archive, [version()])
    ran = run("query", "SELECT range AS r FROM range(1500)", "--rows", "3")
    assert "2 │" in ran.out and "3 │" not in ran.out
    assert ran.err == "only the first 3 rows: --rows shows more, --format csv or json all\n"
    assert run("query", "SELECT 1", "--rows", "1").err == ""
    ran = run("query", "SELECT range AS r FROM range(1500)", "--format", "csv", "--rows", "3")
    assert ran.out.count("\n") == 1501


def test_a_statement_without_rows_prints_nothing_wrong(run: Program) -> None:
    archive_of(run.archive, [version()])
    assert run("query", "SET VARIABLE a = 1").code == 0


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT * FORM x", 'Parser Error: syntax error at or near "x" (line 1, column 15)'),
        ("SELECT 'عنوان',\n nosuch FROM articles", "(line 2, column 2)"),
        ("SELECT * FROM nosuch", "Catalog Error: Table with name nosuch does not exist!"),
        ("DROP VIEW articles", "read-only"),
        ("SELECT error('two\nlines')", "two lines"),
        ("SELECT title::INTEGER FROM articles", "Conversion Error"),
    ],
)
def test_an_error_of_sql_is_one_line(run: Program, sql: str, told: str) -> None:
    archive_of(run.archive, [version()])
    ran = run("query", sql)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err
    assert ran.err.startswith("newsarchive: ") and ran.err.count("\n") == 1


def test_errors_that_are_no_json_are_one_line_too() -> None:
    assert sql_error(Exception("IO Error: no\nfile\n\nLINE 1: x\n   ^"), "x") == "IO Error: no file"


# ------------------------------------------------------------------------------------------ shell


def test_shell_is_duckdb_on_the_archive_for_reading(run: Program) -> None:
    archive_of(run.archive, [version(title="عنوان")])
    moved = run.folder / "it's moved"
    run.archive.rename(moved)
    options = ["--archive", moved, "shell", "--", "-no-init", "-json", "-c"]
    ran = run.run_process(*options, "SELECT title, current_setting('TimeZone') AS tz FROM articles")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == [{"title": "عنوان", "tz": "UTC"}]
    ran = run.run_process(*options, "CREATE TABLE a (b INTEGER)")
    assert ran.code != 0 and "read-only" in ran.err


# ------------------------------------------------------------------------------------------- show


def test_show_prints_row_versions_and_where_the_bytes_lie(run: Program) -> None:
    old, new = two_versions(run)
    ran = run("show", new.article_id)
    assert ran.code == 0, ran.err
    for told in (
        "New title",
        old.version_id,
        new.version_id,
        new.warc_path,
        str(new.warc_offset),
        new.record_sha256,
        new.parser_version,
        new.source_version,
        "verified",
    ):
        assert told in ran.out
    assert "section" not in ran.out, "what is unknown is left out"


def test_show_as_json(run: Program) -> None:
    old, new = two_versions(run)
    told = run("show", new.article_id, "--json").json
    assert told["article"]["title"] == "New title"
    assert told["article"]["versions"] == 2
    assert [(v["version_id"], v["shown"], v["bytes"]) for v in told["versions"]] == [
        (old.version_id, False, "verified"),
        (new.version_id, True, "verified"),
    ]


def test_show_writes_the_captured_bytes(run: Program) -> None:
    old, new = two_versions(run)
    for what, page in ((new.article_id, PAGES[1]), (old.version_id, PAGES[0])):
        with run.python("-m", "newsarchive.cli", "show", what, "--bytes") as process:
            out, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, "")
            assert out.encode() == page


def test_the_commands_that_show_prints_give_the_bytes(run: Program) -> None:
    import subprocess

    _, new = two_versions(run)
    out = run("show", new.article_id).out
    command = next(line for line in out.splitlines() if line.startswith("the record"))
    shell = command.removeprefix("the record").strip()
    record = subprocess.run(["sh", "-c", shell], capture_output=True, check=True).stdout
    assert record.startswith(b"WARC/1.1\r\n") and PAGES[1] in record
    sql = next(line for line in out.splitlines() if line.startswith("in SQL"))
    (row,) = run("query", sql.partition('"')[2].rstrip('"'), "--json").json
    assert row["record_sha256"] == new.record_sha256


def test_show_prints_the_text(run: Program) -> None:
    old, new = two_versions(run)
    assert run("show", new.article_id, "--text").out == "New title\n\nOne.\n\nTwo.\n"
    assert run("show", old.version_id, "--text").out.startswith("Old title\n")


@pytest.mark.parametrize("what", ["id", "prefix", "version", "url", "untidy url"])
def test_an_article_has_many_names(run: Program, what: str) -> None:
    _, new = two_versions(run)
    names = {
        "id": new.article_id.upper(),
        "prefix": new.article_id[:8],
        "version": new.version_id,
        "url": URL,
        "untidy url": "HTTPS://A.example:443/1?utm_source=x#top",
    }
    assert run("show", names[what], "--json").json["article"]["article_id"] == new.article_id


def test_a_former_id_leads_to_the_article(run: Program) -> None:
    import pyarrow as pa
    from archives import files, publish

    from newsarchive.store.tables import Archive

    _, new = two_versions(run)
    first, second = "ab" * 12, "cd" * 12
    rows = [
        {"run_day": DAY, "alias_id": first, "article_id": second},
        {"run_day": NEXT, "alias_id": second, "article_id": new.article_id},
    ]
    table = pa.Table.from_pylist(rows, schema=ALIASES.arrow)
    Archive(run.archive).open("aliases").replace(table, [DAY, NEXT])
    publish(run.archive, {"aliases": files(run.archive, "aliases", [DAY, NEXT])})
    for former in (first, second, first[:6]):
        assert run("show", former, "--json").json["article"]["article_id"] == new.article_id


def test_bytes_that_changed_are_told_with_3(run: Program) -> None:
    _, new = two_versions(run)
    path = run.archive / new.warc_path
    raw = bytearray(path.read_bytes())
    raw[new.warc_offset + 20] ^= 1
    path.write_bytes(raw)
    ran = run("show", new.article_id)
    assert ran.code == 3 and "the bytes are not what their hash says" in ran.out
    path.write_bytes(raw[: new.warc_offset + 5])
    assert "cut short: 5 of" in run("show", new.article_id).out
    path.unlink()
    ran = run("show", new.article_id, "--json")
    assert ran.code == 3
    assert ran.json["versions"][1]["bytes"] == "cannot be read: No such file or directory"
    assert ran.json["versions"][0]["bytes"] == "verified"
    ran = run("show", new.article_id, "--bytes")
    assert ran.code == 1 and ran.err.count("\n") == 1


def test_a_file_that_is_still_written_is_found(run: Program) -> None:
    _, new = two_versions(run)
    path = run.archive / new.warc_path
    path.rename(path.with_name(f"{path.name}.open"))
    assert run("show", new.article_id).code == 0
    assert run("show", new.article_id, "--bytes").code == 0


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("0123456789ab", "no article, former article or version has this id"),
        ("abc", "is no id and no URL"),
        ("not an id", "is no id and no URL"),
        ("ftp://a.example/", "is no web address"),
        ("https://a.example/never", "no source listed it"),
        (
            "https://a.example/refused",
            "paper_a listed it on 2026-03-01, and it was rejected as no_text",
        ),
        (
            "https://a.example/listed",
            "`newsarchive run --day 2026-03-01` asks for it",
        ),
    ],
)
def test_what_is_no_article_is_one_line_that_says_why(run: Program, what: str, told: str) -> None:
    listed, refused = "https://a.example/listed", "https://a.example/refused"
    link = Link(
        DAY, "paper_a", link_id("paper_a", listed), listed, "https://a.example", ["feed"], []
    )
    reject = Reject(
        run_day=DAY,
        source="paper_a",
        link_id=None,
        url=refused,
        reason="no_text",
        detail="nothing but a gallery",
        status=200,
        parser_version="1",
        source_version="v",
        payload_sha256=None,
        capture_id="c",
        captured_at=version().captured_at,
        warc_path=None,
        warc_offset=None,
        warc_length=None,
    )
    archive_of(run.archive, [version()], link, reject)
    ran = run("show", what)
    assert ran.code == 1 and told in ran.err and ran.err.count("\n") == 1


def test_a_name_that_several_articles_have_is_refused(run: Program) -> None:
    made = [version(source="paper_a"), version(source="paper_b")]
    archive_of(run.archive, made)
    ran = run("show", URL)
    assert ran.code == 1 and all(v.article_id in ran.err for v in made)


# --------------------------------------------------------------------------------------- coverage


def test_coverage_shows_each_source_and_day(run: Program) -> None:
    rows = [
        covered(DAY, "sample_ar"),
        covered(NEXT, "sample_ar", "partial", note="1 of 9 pages could not be had"),
        covered(DAY, "imports"),
    ]
    archive_of(run.archive, [version()], *rows)
    words = ["--from", DAY, "--to", DAY + timedelta(days=2)]
    ran = run("coverage", *words)
    assert ran.code == 0 and ran.err == ""
    lines = ran.out.splitlines()
    assert lines[0].split() == ["2026-03"]
    assert lines[1].split() == ["source", "1", "2", "3"]
    assert {line.split()[0]: line.split()[1:] for line in lines[2:5]} == {
        "imports": ["●"],
        "sample_ar": ["●", "P", "·"],
        "sample_en": ["·", "·", "·"],
    }
    assert "P partial: something is missing" in ran.out and "F failed" not in ran.out
    assert "  2026-03-02  sample_ar: partial (1 of 9 pages could not be had)" in ran.out
    assert "      newsarchive backfill --from 2026-03-02 --to 2026-03-02" in ran.out
    assert "  2026-03-01 … 2026-03-03  sample_en: not_run" in ran.out
    assert "      newsarchive backfill --from 2026-03-01 --to 2026-03-03" in ran.out


def test_coverage_as_json(run: Program) -> None:
    archive_of(run.archive, [version()], covered(DAY, "sample_ar", kept=9))
    ran = run("coverage", "--day", DAY, "--json")
    rows = {r["source"]: r for r in ran.json}
    assert rows["sample_ar"]["status"] == "complete" and rows["sample_ar"]["kept"] == 9
    assert rows["sample_ar"]["command"] is None
    assert rows["sample_en"]["status"] == "not_run"
    assert rows["sample_en"]["command"] == "newsarchive backfill --from 2026-03-01 --to 2026-03-01"


def test_coverage_of_one_source(run: Program) -> None:
    archive_of(run.archive, [version()], covered(DAY, "sample_ar"), covered(DAY, "sample_en"))
    ran = run("coverage", "--day", DAY, "--source", "*_ar")
    assert "sample_ar" in ran.out and "sample_en" not in ran.out and "No gaps." in ran.out


def test_coverage_of_a_source_that_is_off_is_shown_by_its_name_only(run: Program) -> None:
    archive_of(run.archive, [version()], covered(DAY, "sample_ar"))
    assert "map_ar" not in run("coverage", "--day", DAY, "--source", "map_*").out
    assert "map_ar" in run("coverage", "--day", DAY, "--source", "map_ar").out


def test_coverage_without_an_archive_is_all_not_run(run: Program) -> None:
    ran = run("coverage")
    assert ran.code == 0
    assert "no archive here yet" in ran.err
    assert ran.out.count("·") == 2 * 28 + 1
    assert (
        f"newsarchive backfill --from {yesterday() - timedelta(days=27)} --to {yesterday()}"
        in ran.out
    )


def test_days_that_nobody_asks_for_are_blank() -> None:
    rows = [{"run_day": DAY, "source": "imports", "status": "complete"}]
    filled = fill(rows, [DAY, NEXT], ["imports", "paper_a"], {"paper_a"})
    assert [(r["source"], r["run_day"], r["status"]) for r in filled] == [
        ("imports", DAY, "complete"),
        ("paper_a", DAY, "not_run"),
        ("paper_a", NEXT, "not_run"),
    ]


def gap_row(day: int, source: str, status: str, note: str | None = None) -> dict[str, Any]:
    return {"run_day": date(2026, 3, day), "source": source, "status": status, "note": note}


def test_gaps_are_runs_of_neighbouring_days_latest_first() -> None:
    rows = [
        *(gap_row(d, s, "not_run") for d in (1, 2, 5) for s in ("a", "b")),
        gap_row(3, "a", "complete"),
        gap_row(4, "a", "empty"),
        gap_row(6, "a", "not_available"),
        gap_row(7, "off", "failed", "no answer"),
        gap_row(9, "a", "not_run"),
    ]
    assert gaps_in(rows, {"a", "b"}, newest=date(2026, 3, 8)) == [
        Gap(
            date(2026, 3, 7),
            date(2026, 3, 7),
            "failed",
            ("off",),
            "no answer",
            "newsarchive backfill --from 2026-03-07 --to 2026-03-07 --sources off",
        ),
        Gap(date(2026, 3, 6), date(2026, 3, 6), "not_available", ("a",), None, None),
        Gap(
            date(2026, 3, 5),
            date(2026, 3, 5),
            "not_run",
            ("a", "b"),
            None,
            "newsarchive backfill --from 2026-03-05 --to 2026-03-05",
        ),
        Gap(
            date(2026, 3, 1),
            date(2026, 3, 2),
            "not_run",
            ("a", "b"),
            None,
            "newsarchive backfill --from 2026-03-01 --to 2026-03-02",
        ),
    ]


def test_a_day_that_no_listing_reaches_may_be_had_from_indexes() -> None:
    rows = [gap_row(6, "a", "not_available"), gap_row(6, "b", "not_available")]
    gaps = gaps_in(rows, {"a", "b"}, newest=date(2026, 3, 8), without_index={"a"})
    assert {g.sources: g.command for g in gaps} == {
        ("a",): "newsarchive --set indexes=gdelt,wayback --set bodies=live,wayback "
        "backfill --from 2026-03-06 --to 2026-03-06",
        ("b",): None,
    }


def test_months_stand_where_they_begin() -> None:
    days = [date(2026, 2, 25) + timedelta(days=n) for n in range(6)]
    assert _months(days) == "2026-02" + " " * 5 + "2026-03"
    # No room for a month of two days
    assert _months(days[2:]) == " " * 6 + "2026-03"


# ------------------------------------------------------------------------------ when a day is done


@pytest.mark.parametrize(
    ("statuses", "complete"),
    [
        (["complete", "empty"], True),
        (["complete", "not_available"], True),
        (["not_available", "not_available"], False),
        (["complete", "partial"], False),
        (["complete", "low"], False),
        (["complete", "failed"], False),
        (["complete", None], False),
    ],
)
def test_when_a_run_is_complete(statuses: list[str | None], complete: bool) -> None:
    rows = [{"run_day": DAY, "source": f"s{n}", "status": s} for n, s in enumerate(statuses) if s]
    assert is_complete(rows, [DAY], ["s0", "s1"]) is complete
    assert is_complete([*rows, gap_row(2, "s0", "complete")], [DAY, NEXT], ["s0", "s1"]) is False


# ---------------------------------------------------------------------------------------- sources


SOURCE = """
name = "{name}"
title = "ورقة"
url = "{url}/"
language = "ar"
country = "EG"
timezone = "Africa/Cairo"
allow_private = true
[politeness]
delay = 0
"""


def declare(folder: Path, name: str, url: str, *listings: tuple[str, str]) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.toml"
    text = SOURCE.format(name=name, url=url)
    for kind, path in listings:
        text += f'[[listing]]\nkind = "{kind}"\nurl = "{url}{path}"\n'
    file.write_text(text)
    return file


def test_sources_list(run: Program) -> None:
    declare(run.folder / "mine", "my_paper", "http://127.0.0.1:1", ("feed", "/feed"))
    ran = run("--sources-dir", "mine", "--sources", "my_*", "sources", "list", "--json")
    rows = {r["name"]: r for r in ran.json}
    assert rows["my_paper"]["on"] and not rows["sample_ar"]["on"]
    assert rows["my_paper"]["listings"] == [{"kind": "feed", "url": "http://127.0.0.1:1/feed"}]
    assert rows["my_paper"]["country"] == "EG"
    assert Path(rows["my_paper"]["file"]).name == "my_paper.toml"
    table = run("--sources-dir", "mine", "sources", "list").out
    assert "ورقة" in table and "sample_en" in table


class _Listings(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        day = yesterday()
        answers = {
            "/feed": "<rss version='2.0'><channel><title>t</title>"
            "<item><title>a</title><link>/1</link>"
            f"<pubDate>{day:%a, %d %b %Y} 10:00:00 GMT</pubDate></item>"
            "<item><title>b</title><link>/2</link>"
            f"<pubDate>{day:%a, %d %b %Y} 11:00:00 GMT</pubDate></item></channel></rss>",
            f"/{day}.xml": "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
            f"<url><loc>http://{self.headers['Host']}/3</loc></url></urlset>",
            "/page": "<!DOCTYPE html><html><body>Not found</body></html>",
            "/robots.txt": "User-agent: *\nDisallow:\n",
        }
        body = answers.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listings() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Listings) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_sources_check_asks_each_listing(run: Program, listings: str) -> None:
    declare(
        run.folder / "mine",
        "my_paper",
        listings,
        ("feed", "/feed"),
        ("dated", "/{date:%Y-%m-%d}.xml"),
    )
    ran = run("--sources-dir", "mine", "sources", "check", "my_paper", "--json")
    assert ran.code == 0, ran.err
    feed, dated = ran.json["listings"]
    assert (feed["answer"], feed["links"], feed["alive"]) == ("ok", 2, True)
    assert feed["newest"] == f"{yesterday()}T11:00:00+00:00"
    assert (dated["kind"], dated["answer"], dated["links"]) == ("dated", "ok", 1)
    assert not run.archive.exists(), "a check keeps nothing"


def test_sources_check_tells_what_is_dead(run: Program, listings: str) -> None:
    file = declare(
        run.folder / "mine",
        "my_paper",
        listings,
        ("feed", "/feed"),
        ("feed", "/gone"),
        ("feed", "/page"),
    )
    ran = run("sources", "check", file)
    assert ran.code == 3
    assert "http_error: HTTP 404" in ran.out and "HTML" in ran.out
    assert " source files are right, 0 wrong; of 3 listings 1 answer" in ran.out
    declare(run.folder / "mine", "my_paper", "http://127.0.0.1:1", ("feed", "/feed"))
    ran = run("--set", "max_attempts=1", "sources", "check", file)
    assert ran.code == 3 and "connection" in ran.out


def test_sources_check_tells_every_wrong_file(run: Program, listings: str) -> None:
    declare(run.folder / "mine", "my_paper", listings, ("feed", "/feed"))
    for name, text in (("one", "name = 1"), ("two", "not toml"), ("three", 'nosuch = "x"')):
        (run.folder / "mine" / f"{name}.toml").write_text(text)
    ran = run("--sources-dir", "mine", "sources", "check", "my_paper")
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert [line.partition(".toml: ")[0] for line in lines] == [
        f"newsarchive: mine/{n}" for n in ("one", "three", "two")
    ]
    assert "http://127.0.0.1" in ran.out, "the right ones are asked all the same"


def test_record_hashes_of_the_helper_are_of_the_bytes(run: Program) -> None:
    # The tests above would say nothing if the helper wrote other bytes than it hashes.
    _, new = two_versions(run)
    raw = (run.archive / new.warc_path).read_bytes()
    record = raw[new.warc_offset : new.warc_offset + new.warc_length]
    assert hashlib.sha256(record).hexdigest() == new.record_sha256
    assert write(run.archive, []) == {}
