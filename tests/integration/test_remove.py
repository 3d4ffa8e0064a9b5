"""Removal: nothing of an article is left anywhere, and nothing brings it back."""

import gzip
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import object_store
import pyarrow.parquet as pq
import pytest
import time_machine
from command_line import Program
from command_line import program as _program
from days import lasting, rows, settings_for
from deltalake.exceptions import CommitFailedError
from small_site import Answer, Site, archiving, html, moved, serving

from newsarchive import steps
from newsarchive.errors import ArchiveError
from newsarchive.fetch.rewriting import content_of, parts
from newsarchive.fetch.warc import WarcFiles
from newsarchive.objects import below, copy, tree
from newsarchive.sample.serve import start
from newsarchive.settings import Settings
from newsarchive.steps.erasing import Erasing
from newsarchive.store import snapshot, tables
from newsarchive.store.tables import Archive
from newsarchive.text.identity import article_id, link_id

DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
SECRET = "/2026/11/10/quillfeather-denies-the-charge"
TITLE = 'Councillor Quillfeather denies the charge & "more"'
run = pytest.fixture(_program)

MARKERS = ("quillfeather", "xylophage", "brackenbury")
OTHERS = {
    "/2026/11/10/a-bridge-is-closed": "The bridge was closed on Monday",
    "/2026/11/10/clocks": "A museum of clocks opened its doors",
}


def page(url: str, title: str, text: str, related: str = "", author: str = "Ann Other") -> str:
    paragraphs = "".join(
        f"<p>{text}: paragraph {n} tells of the matter in words enough to make a text of it, "
        "as every newspaper would, and goes on to say what others said of it.</p>"
        for n in range(6)
    )
    return (
        f"<!DOCTYPE html><html lang=en><head><title>{title}</title>"
        f'<link rel=canonical href="{url}">'
        f'<meta name="author" content="{author}"><meta name=description content="{text} in short, '
        'for those who read no more than that of it."></head>'
        f"<body><article><h1>{title}</h1><p class=author>{author}</p>{paragraphs}</article>"
        f"{related}</body></html>"
    )


@dataclass
class Paper:
    """A newspaper that lists its pages in all ways, and an archive of it."""

    site: Site
    settings: Settings
    listed: list[str] = field(default_factory=lambda: [*OTHERS, SECRET])
    more: str = ""
    """Of the text of the page that is removed."""

    def answer(self, path: str) -> Answer | None:
        home = self.site.url
        titles = OTHERS | {SECRET: TITLE.replace("&", "&amp;")}
        if path == "/feed":
            items = "".join(
                f"<item><title>{titles[p]}</title><link>{home}{p}?utm_source=rss</link>"
                f"<guid>{home}{p}</guid><description>{self._text(p)} &lt;a href='{home}{p}'&gt;"
                "more&lt;/a&gt;</description></item>"
                for p in self.listed
            )
            body = f"<rss version='2.0'><channel><title>P</title>{items}</channel></rss>"
            return 200, {"Content-Type": "application/rss+xml"}, body
        if path == "/sitemap.xml":
            urls = "".join(
                f"<url><loc>{home}{p}</loc><lastmod>{DAY}</lastmod></url>" for p in self.listed
            )
            space = "http://www.sitemaps.org/schemas/sitemap/0.9"
            body = f'<urlset xmlns="{space}">{urls}</urlset>'
            return 200, {"Content-Type": "application/xml"}, body
        if path == "/news":
            teasers = "".join(
                f'<div><h2><a href="{p}">{titles[p]}</a></h2><p>{self._text(p)} in short, for '
                "those who…</p></div>"
                for p in self.listed
            )
            return html(f"<html><body>{teasers}</body></html>")
        if path in titles:
            related = "".join(
                f'<li><a href="{p}">{titles[p]}</a></li>' for p in self.listed if p != path
            )
            author = "Brackenbury Writer" if path == SECRET else "Ann Other"
            text = self._text(path) + (self.more if path == SECRET else "")
            url = f"{home}{path}"
            return html(page(url, titles[path], text, f"<ul>{related}</ul>", author))
        return None

    def _text(self, path: str) -> str:
        if path == SECRET:
            return "Xylophage was named by the police that night as the one they look for"
        return f"What {path.rpartition('/')[2]} is about is told here at some length"

    @property
    def root(self) -> Path:
        return Path(self.settings.archive)

    @property
    def url(self) -> str:
        return self.site.url + SECRET

    def at(self, hour: float, step: Any, *given: Any, **named: Any) -> Any:
        """Do a step some hours after midnight of the day."""
        with time_machine.travel(NOON + timedelta(hours=hour - 12), tick=True):
            return step(*given, settings=self.settings, **named)

    def collect(self) -> None:
        """Two polls, the run of the day after it, and a later visit at which the page changed."""
        self.at(9, steps.poll)
        self.at(11, steps.poll)
        self.at(24.2, steps.run, DAY)
        self.more = " and by others"
        self.at(49, steps.run, DAY + timedelta(days=1))

    def named(self, table: str) -> str:
        """Return the file of the day that the snapshot names of a table."""
        files = snapshot.named_files(self.root)
        return next(f.path for f in files if (f.table, f.day) == (table, DAY))

    def remove(self, hour: float = 60, **more: Any) -> Any:
        return self.at(hour, steps.remove, [self.url], "order 12/34 of the court", **more)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving(lambda _: None) as running:
        yield running


def paper_in(folder: Path, site: Site) -> Paper:
    listings = "".join(
        f'[[listing]]\nkind = "{kind}"\nurl = "{site.url}{path}"\n'
        for kind, path in (("feed", "/feed"), ("sitemap", "/sitemap.xml"), ("section", "/news"))
    )
    chosen = archiving(folder, site.url, listings, 'capture = "hourly"')
    file = folder / "sources" / "paper.toml"
    file.write_text(file.read_text() + 'revisits = ["1d"]\n')
    paper = Paper(site, chosen)
    site.pages = paper.answer
    return paper


@pytest.fixture(scope="module")
def collected(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two days, whose logs repeat values of rows, as those of older versions do."""
    paper = paper_in(tmp_path_factory.mktemp("collected"), site)
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(tables._CONFIGURATION, "delta.dataSkippingNumIndexedCols")
        paper.collect()
    assert any(MARKERS[0] in p.read_text() for p in paper.root.glob("*/_delta_log/*.json"))
    assert clean(paper.settings) == []
    return paper.root


@pytest.fixture
def empty(tmp_path: Path, site: Site) -> Paper:
    return paper_in(tmp_path, site)


@pytest.fixture
def paper(tmp_path: Path, site: Site, collected: Path) -> Paper:
    shutil.copytree(collected, tmp_path / "archive")
    paper = paper_in(tmp_path, site)
    paper.more = " and by others"
    return paper


def leaks(root: Path, markers: tuple[str, ...] = MARKERS) -> list[str]:
    """Return where one of some words is found below a folder, whatever form it has there."""
    found = []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        texts = [path.read_bytes(), str(path).encode()]
        if path.suffix == ".gz":
            texts += [gzip.decompress(texts[0])]
            for part in parts([texts[0]], path.name):
                content = content_of(part)
                texts += [content.head, content.body]
        elif path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                texts += [repr(file.read().to_pylist()).encode(), repr(file.metadata).encode()]
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
                for (name,) in tables:
                    content_ = connection.execute(f'FROM "{name}"').fetchall()
                    texts.append(repr(content_).encode())
        for marker in markers:
            if any(marker in text.decode("utf-8", "replace").lower() for text in texts):
                found.append(f"{path.relative_to(root)}: {marker}")
    return found


def clean(settings: Settings) -> list[object]:
    done = steps.verify(settings)
    return [*done.findings, *done.unknown]


def test_nothing_of_it_is_left_and_all_else_is(paper: Paper) -> None:
    before = {r["article_id"]: r for r in rows(paper.root, "articles")}
    assert len(before) == 3
    assert leaks(paper.root)
    assert clean(paper.settings) == []

    done = paper.remove()

    assert leaks(paper.root) == []
    assert clean(paper.settings) == []
    assert done.left == [] and done.elsewhere == []
    after = {r["article_id"]: r for r in rows(paper.root, "articles")}
    gone = article_id("paper", paper.url)
    assert after.keys() == before.keys() - {gone}
    for identity, row in after.items():
        told = {"title", "text", "version_id", "payload_sha256", "versions", "story_id"}
        assert {n: row[n] for n in told} == {n: before[identity][n] for n in told}
    (tombstone,) = rows(paper.root, "removals")
    assert tombstone["article_id"] == gone
    assert tombstone["reason"] == "order 12/34 of the court"


def test_nothing_brings_it_back(paper: Paper) -> None:
    paper.remove()
    asked = len(paper.site.asked)

    # the newspaper still lists it: polls, the days again, a parse of all that is archived
    paper.at(61, steps.poll)
    paper.at(62, steps.run, DAY)
    paper.at(62.5, steps.run, DAY + timedelta(days=1))
    paper.at(63, steps.reparse, DAY, DAY + timedelta(days=1))
    assert SECRET not in paper.site.asked[asked:]
    for view in ("links", "captures", "versions", "rejects", "articles", "_stories"):
        assert leaks_in_rows(paper, view) == [], view
    assert {r["links"] for r in rows(paper.root, "listings") if r["run_day"] == str(DAY)} == {2}

    # what it said there is in feeds archived since: the next maintenance erases it
    assert leaks(paper.root)
    note = " ".join(paper.at(70, steps.maintain).notes)
    assert "erased again" in note
    assert leaks(paper.root) == []
    assert clean(paper.settings) == []
    assert paper.at(71, steps.maintain).notes == []


def leaks_in_rows(paper: Paper, view: str) -> list[Any]:
    return [r for r in rows(paper.root, view) if any(m in repr(r).lower() for m in MARKERS)]


def test_nor_under_another_address(paper: Paper) -> None:
    paper.remove()
    other = "/amp/12345"
    answer = paper.answer
    paper.listed.append(other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OTHERS, other, TITLE)

        def again(path: str) -> Answer | None:
            return answer(SECRET if path == other else path)

        paper.site.pages = again
        paper.at(72.2, steps.poll)
        paper.at(96.2, steps.run, DAY + timedelta(days=2))
        (reject,) = [r for r in rows(paper.root, "rejects") if r["url"].endswith(other)]
        assert reject["reason"] == "removed"
        assert len(rows(paper.root, "articles")) == 2
        paper.at(97, steps.erase_again)
    assert leaks(paper.root) == []
    assert [r for r in rows(paper.root, "rejects") if r["url"].endswith(other)] == []
    (tombstone,) = rows(paper.root, "removals")
    assert link_id("paper", paper.site.url + other) in tombstone["link_ids"]
    assert clean(paper.settings) == []


def test_an_import_does_not_bring_it_back(paper: Paper, tmp_path: Path) -> None:
    kept = tmp_path / "theirs.warc.gz"
    kept.write_bytes(b"".join(p.read_bytes() for p in (paper.root / "raw").rglob("hourly-*.gz")))
    paper.remove()
    done = paper.at(61, steps.import_warcs, [kept])
    assert done.by_source["warc"]["removed on request"] == 1
    assert len(rows(paper.root, "articles")) == 2
    paper.at(62, steps.erase_again)
    assert leaks(paper.root) == []


def test_a_document_is_removed_and_not_imported_again(empty: Paper, tmp_path: Path) -> None:
    empty.at(9, steps.poll)
    file, other = tmp_path / "one.txt", tmp_path / "two.txt"
    file.write_text(f"{TITLE}\n\n" + "Xylophage was named by the police that night. " * 30)
    other.write_text("The bridge was closed\n\n" + "It will open in the spring, they say. " * 30)
    empty.at(10, steps.import_files, [file, other])
    (row,) = [
        r for r in rows(empty.root, "articles") if r["title"] == TITLE and r["source"] == "imports"
    ]
    empty.at(11, steps.remove, [row["article_id"][:8]], "he asked for it")
    done = empty.at(12, steps.import_files, [file])
    assert done.by_source["imports"]["removed on request"] == 1
    left = [r for r in rows(empty.root, "articles") if r["source"] == "imports"]
    assert [r["title"] for r in left] == ["The bridge was closed"]
    assert [r for r in rows(empty.root, "captures") if r["url"] == "one.txt"] == []
    assert clean(empty.settings) == []


def test_a_backup_loses_it_too_and_an_older_one_is_told(paper: Paper, tmp_path: Path) -> None:
    here, old, again = (tmp_path / n for n in ("backup", "old", "again"))
    paper.at(58, steps.back_up, here)
    shutil.copytree(here, old)
    shutil.copytree(here, again)
    paper.remove()
    listed = steps.list_removals(paper.settings)
    paper.at(61, steps.back_up, here)
    assert leaks(here) == []

    # an older backup is restored: it is told of the removals by their list
    restored = paper.settings.model_copy(update={"archive": str(old)})
    assert leaks(old)
    steps.erase_again(listed, restored)
    assert leaks(old) == []
    assert clean(restored) == []
    assert [r["reason"] for r in rows(old, "removals")] == ["order 12/34 of the court"]

    # or copied over the archive, which knows of them
    steps.back_up(paper.root, paper.settings.model_copy(update={"archive": str(again)}))
    assert leaks(paper.root) == []
    assert clean(paper.settings) == []


def test_a_dry_run_changes_nothing_and_counts_what_is_done(paper: Paper) -> None:
    before = {p: p.read_bytes() for p in paper.root.rglob("*") if p.is_file()}
    would = paper.remove(dry_run=True)
    after = {p: p.read_bytes() for p in paper.root.rglob("*") if p.is_file()}
    assert after == before
    done = paper.remove()
    for what in ("rows erased", "records erased", "files rewritten"):
        assert would.outcome.counts()[what] == done.outcome.counts()[what] > 0
    assert would.outcome.counts()["rows erased"] == 1 + 2 + 2 + 1 + 1 + 1


def test_a_writer_that_began_before_does_not_write_it_back(paper: Paper) -> None:
    archive = Archive(paper.root)
    tables = ("links", "captures", "versions", "articles")
    targets = archive.open_all(*tables)
    late = {name: target.read([DAY]) for name, target in targets.items()}
    paper.remove()
    for name, target in targets.items():
        with pytest.raises(CommitFailedError):
            target.replace(late[name], [DAY])
        archive.append(name, late[name])  # as one that was about to add rows
        assert leaks_in_table(archive, name) == []
    assert not [f for f in clean(paper.settings) if "removed article" in str(f)]


def leaks_in_table(archive: Archive, name: str) -> list[str]:
    text = repr(archive.open(name).read().to_pylist()).lower()
    return [m for m in MARKERS if m in text]


def test_verify_says_what_was_not_finished(paper: Paper) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(KeyboardInterrupt),
    ):
        patch.setattr(Erasing, "_rewrite", interrupt)
        paper.remove()
    assert any("`newsarchive remove --again`" in str(f) for f in clean(paper.settings))
    paper.at(62, steps.maintain)
    assert leaks(paper.root) == []
    assert clean(paper.settings) == []


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_file_that_is_being_written_is_erased_when_it_is_finished(paper: Paper) -> None:
    with WarcFiles(paper.root, "pages") as at_work:
        at_work.write_resource(DAY, paper.url, b"Xylophage", "text/plain", NOON)
        done = paper.remove()
        assert [line for line in done.left if "is being written" in line]
        assert [f for f in clean(paper.settings) if "not finished" in str(f)]
    assert leaks(paper.root)
    done = paper.at(61, steps.erase_again)
    assert done.left == []
    assert leaks(paper.root) == []
    assert clean(paper.settings) == []


def test_a_reader_that_is_open_loses_its_files_and_a_new_one_sees_the_rest(paper: Paper) -> None:
    with snapshot.reading(paper.root) as reader:
        paper.remove()
        with pytest.raises(duckdb.Error, match=r"No files found|No such file|Cannot open"):
            reader.execute("SELECT title FROM articles").fetchall()
    with snapshot.reading(paper.root) as reader:
        assert reader.execute("SELECT count(*) FROM articles").fetchone() == (2,)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("https://nobody.example/a", "no source listed it"),
        ("http://", "no web address"),
        ("abcdef012345", "no article has this id"),
        ("xyz", "no id and no URL"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(empty: Paper, what: str, words: str) -> None:
    empty.at(9, steps.poll)
    with pytest.raises(ArchiveError, match=words):
        empty.at(10, steps.remove, [what], "why")
    assert not (empty.root / "removals").exists()


def test_what_was_removed_is_not_there_any_more(empty: Paper) -> None:
    empty.at(9, steps.poll)
    empty.remove(10)
    with pytest.raises(ArchiveError, match="was removed already"):
        empty.remove(11)
    with pytest.raises(ArchiveError, match="was removed already"):
        empty.at(11, steps.remove, [article_id("paper", empty.url)], "why")


def test_in_an_object_store(empty: Paper, tmp_path: Path) -> None:
    with object_store.serving(tmp_path / "store") as _:
        url = f"s3://{object_store.BUCKET}/news"
        empty.settings = empty.settings.model_copy(update={"archive": url, "store_timeout": 20.0})
        empty.collect()
        empty.remove()
        empty.at(61, steps.poll)
        empty.at(62, steps.maintain)
        copied = tmp_path / "copied"
        for path in tree(empty.settings.archive_path):
            target = copied / below(path, empty.settings.archive_path)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy(path, target)
        assert len(list(copied.rglob("*"))) > 50
        assert leaks(copied) == []
        assert leaks(tmp_path / "state") == []
        assert clean(empty.settings) == []


@pytest.mark.long
def test_killed_at_any_moment_it_goes_on(
    paper: Paper,
    collected: Path,
    tmp_path: Path,
    run: Program,
    draw: Callable[[Sequence[int], int], list[int]],
) -> None:

    def words(archive: Path) -> list[object]:
        given = {"archive": archive, "state_dir": tmp_path / "state", "sources": "paper"}
        given["sources_dir"] = tmp_path / "sources"
        return [w for name, value in given.items() for w in ("--set", f"{name}={value}")]

    whole = tmp_path / "whole"
    shutil.copytree(collected, whole)
    remove = ("remove", paper.url, "--reason", "an order", "--yes")
    began = time.monotonic()
    assert run.run_process(*words(whole), *remove).code == 0
    took = time.monotonic() - began
    assert leaks(whole) == []
    for case in draw(range(40), 3):
        archive = tmp_path / f"case-{case}"
        shutil.copytree(collected, archive)
        with run.process(*words(archive), *remove) as process:
            # Most of the time goes by before anything is done.
            time.sleep(random.Random(case).uniform(0.3, 1.1) * took)
            process.send_signal(signal.SIGKILL)
        again = run.run_process(*words(archive), "remove", "--again")
        assert again.code == 0, again.err
        if not rows_of_removals(archive):  # it had not begun
            assert run.run_process(*words(archive), *remove).code == 0
        assert leaks(archive) == [], case
        assert lasting(archive) == lasting(whole), case
        assert clean(paper.settings.model_copy(update={"archive": str(archive)})) == [], case
        shutil.rmtree(archive)


def rows_of_removals(archive: Path) -> int:
    there = Archive(archive)
    return int(there.open("removals").read().num_rows) if there.has("removals") else 0


def test_the_commands(empty: Paper, tmp_path: Path, run: Program) -> None:
    empty.at(9, steps.poll)
    given = {"archive": empty.root, "state_dir": tmp_path / "state", "sources": "paper"}
    given["sources_dir"] = tmp_path / "sources"
    words = [w for name, value in given.items() for w in ("--set", f"{name}={value}")]

    nothing = run(*words, "removals")
    assert (nothing.code, nothing.out + nothing.err) == (0, "no article was removed\n")
    for wrong in (["remove"], ["remove", empty.url], ["remove", empty.url, "--again"]):
        assert run(*words, *wrong).code == 2
    would = run(*words, "remove", empty.url, "--dry-run")
    assert would.code == 0 and "nothing was changed" in would.out + would.err
    assert leaks(empty.root)

    ran = run(
        *words, "remove", empty.url, "--reason", "an order", "--asked-by", "a court", "--json"
    )
    assert ran.code == 0, ran.err
    assert ran.json["by_table"]["articles"]["rows erased"] == 1
    assert leaks(empty.root) == []
    listed = run(*words, "removals")
    assert "an order" in listed.out and "a court" in listed.out
    (row,) = run(*words, "removals", "--json").json
    assert row["article_id"] == article_id("paper", empty.url)
    for what in (empty.url, row["article_id"]):
        shown = run(*words, "show", what)
        assert shown.code == 1
        assert f"removed on {row['removed_at'][:10]}: an order" in shown.err
    gone = run(*words, "remove", empty.url, "--reason", "an order")
    assert gone.code == 1
    assert gone.err == f"newsarchive: {empty.url}: was removed already\n"

    file = tmp_path / "removals.json"
    file.write_text(run(*words, "removals", "--json").out)
    assert run(*words, "remove", "--again", "--list", file).code == 0
    file.write_text("[{}]")
    wrong_list = run(*words, "remove", "--again", "--list", file)
    assert wrong_list.code == 1 and "no list of removals" in wrong_list.err
    answer = run(*words, "query", "SELECT reason, asked_by FROM removals", "--json")
    assert answer.json == [{"reason": "an order", "asked_by": "a court"}]


def test_a_file_outside_is_named_and_left_as_it_is(paper: Paper, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.warc.gz"
    (pages,) = (paper.root / "raw").rglob("hourly-*.gz")
    theirs.write_bytes(pages.read_bytes())
    linked = paper_in(tmp_path / "linked", paper.site)
    linked.at(61, steps.import_warcs, [theirs], in_place=True)
    before = theirs.read_bytes()
    done = linked.remove()
    assert [Path(p).name.split("-", 1)[1] for p in done.elsewhere] == ["theirs.warc.gz"]
    assert theirs.read_bytes() == before
    assert leaks_in_rows(linked, "versions") == leaks_in_rows(linked, "links") == []


@pytest.mark.long
def test_articles_of_the_sample_newspapers(
    tmp_path: Path, draw: Callable[[Sequence[str], int], list[str]]
) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    days = [date(2026, 11, 10), date(2026, 11, 11)]
    with start(0, now) as samples:
        given = settings_for(tmp_path, samples.server_port)
        for day in days:
            steps.run(day, given)
    root = given.archive_path
    before = {r["article_id"]: r for r in rows(root, "articles")}
    texts = Counter(row["text"].split("\n\n")[0] for row in before.values())
    titles = Counter(row["title"] for row in before.values())
    alone = [
        i
        for i, row in before.items()
        if texts[row["text"].split("\n\n")[0]] == titles[row["title"]] == 1
    ]
    chosen = draw(sorted(alone), 3)
    steps.remove(chosen, "why", settings=given)
    after = {r["article_id"]: r for r in rows(root, "articles")}
    assert after.keys() == before.keys() - set(chosen)
    for identity in chosen:
        row = before[identity]
        words = (row["title"], row["text"].split("\n\n")[0][:60], row["url"].rpartition("/")[2])
        markers = tuple(w.lower() for w in words if len(w) > 12)
        assert leaks(root, markers) == [], row["url"]
    assert clean(given) == []
    told = {"title", "text", "version_id", "payload_sha256", "versions"}
    for identity, row in after.items():
        assert {n: row[n] for n in told} == {n: before[identity][n] for n in told}


def test_runs_go_on_beside_it(paper: Paper) -> None:
    over = threading.Event()
    wrong: list[BaseException] = []

    def runs() -> None:
        try:
            while not over.is_set():
                steps.run(DAY, paper.settings)
        except BaseException as error:
            wrong.append(error)

    writer = threading.Thread(target=runs)
    writer.start()
    steps.remove([paper.url], "an order", settings=paper.settings)
    over.set()
    writer.join()
    assert wrong == []
    steps.run(DAY, paper.settings)
    done = steps.erase_again(settings=paper.settings)
    assert done.left == []
    assert leaks(paper.root) == []
    assert len(rows(paper.root, "articles")) == 2
    assert clean(paper.settings) == []


def test_within_the_hour_it_was_seen(empty: Paper) -> None:
    empty.at(9, steps.poll)
    empty.remove(9.2)
    assert leaks(empty.root) == []
    assert len(rows(empty.root, "articles")) == 2
    assert clean(empty.settings) == []
    empty.at(10, steps.poll)
    empty.at(24.2, steps.run, DAY)
    empty.at(25, steps.erase_again)
    assert leaks(empty.root) == []
    assert clean(empty.settings) == []


def test_a_link_that_became_no_article_is_removed_by_its_address(empty: Paper) -> None:
    answer = empty.answer
    short = html(f"<html><title>Brackenbury</title><h1>{TITLE}</h1><p>Xylophage.</p></html>")
    empty.site.pages = lambda path: short if path == SECRET else answer(path)
    empty.at(9, steps.poll)
    empty.at(24.2, steps.run, DAY)
    assert len(rows(empty.root, "rejects")) == 1
    empty.remove(26)
    assert leaks(empty.root) == []
    assert rows(empty.root, "rejects") == []
    assert clean(empty.settings) == []


def test_another_link_that_leads_to_it_tells_nothing_of_it(empty: Paper) -> None:
    answer = empty.answer
    clocks = "/2026/11/10/clocks"
    empty.at(9, steps.poll)
    empty.site.pages = lambda path: moved(SECRET) if path == clocks else answer(path)
    empty.at(24.2, steps.run, DAY)
    empty.at(49, steps.run, DAY + timedelta(days=1))
    assert [r for r in rows(empty.root, "captures") if r["redirect_to"]]
    empty.remove()
    assert leaks(empty.root) == []
    assert clean(empty.settings) == []


def test_it_goes_from_every_source_that_listed_its_address(empty: Paper) -> None:
    folder = empty.settings.sources_dir
    assert folder is not None
    other = (folder / "paper.toml").read_text().replace('name = "paper"', 'name = "twin"')
    (folder / "twin.toml").write_text(other)
    empty.settings = empty.settings.model_copy(update={"sources": ["paper", "twin"]})
    empty.at(9, steps.poll)
    assert len(rows(empty.root, "articles")) == 6
    identity = article_id("twin", empty.url)
    empty.at(10, steps.remove, [identity], "an order")
    assert {r["source"] for r in rows(empty.root, "removals")} == {"paper", "twin"}
    assert len(rows(empty.root, "articles")) == 4
    assert leaks(empty.root) == []


def test_what_a_killed_writer_left_of_it_goes_too(paper: Paper) -> None:
    (file,) = (paper.root / "versions").rglob(Path(paper.named("versions")).name)
    left = {name: file.with_name(name) for name in ("part-cut.parquet", "part-1.parquet#1")}
    left["part-cut.parquet"].write_bytes(b"PAR1 Xylophage" + file.read_bytes()[:-200])
    left["part-1.parquet#1"].write_bytes(file.read_bytes())
    for path in left.values():
        os.utime(path, (time.time() - 3600,) * 2)
    young = file.with_name("part-young.parquet")
    young.write_bytes(file.read_bytes())
    done = steps.remove([paper.url], "an order", settings=paper.settings)
    assert [line for line in done.left if young.name in line]
    assert not any(path.exists() for path in left.values())
    os.utime(young, (time.time() - 3600,) * 2)
    assert steps.erase_again(settings=paper.settings).left == []
    assert leaks(paper.root) == []
    assert clean(paper.settings) == []
