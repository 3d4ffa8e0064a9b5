"""What publishers are promised, over loopback: back-off, Retry-After, budgets, robots.txt, delays.

Runs that come an hour or a day later are made by moving back the times that the state folder keeps.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from days import rows, settings_for
from fetching import DAY, check_warcs, fetch_all, pages, settings, source

from newsarchive import steps
from newsarchive.fetch import robots
from newsarchive.fetch.leases import safe_name
from newsarchive.fetch.session import Fetched, Fetcher, Request
from newsarchive.fetch.standing import PROBES
from newsarchive.outcome import Outcome
from newsarchive.settings import Settings
from newsarchive.sources.load import Source
from newsarchive.store.tables import Archive

RUN_DAY = datetime(2026, 11, 10, tzinfo=UTC).date()
ARTICLE = (
    "<html><head><title>Headline {n}</title></head><body><article><h1>Headline {n}</h1>"
    + "<p>The council met on Tuesday and agreed on the plan for the harbour after a debate.</p>" * 9
    + "</article></body></html>"
)


@dataclass
class Paper:
    """A newspaper of ten pages that answers as it is told to, and notes when it was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    robots: str = "User-agent: *\nDisallow:\n"
    robots_status: int = 200
    seconds: float = 0.0
    number: int = 10
    asked: list[tuple[str, float, float]] = field(default_factory=list)
    """Path, when the request came and when the answer was sent."""
    url: str = ""

    def paths(self, start: str = "/page") -> list[str]:
        return [p for p, _, _ in self.asked if p.startswith(start)]

    def answer(self, path: str) -> tuple[int, bytes]:
        if path == "/robots.txt":
            return self.robots_status, self.robots.encode()
        if path.startswith("/map"):
            days = f"<lastmod>{RUN_DAY}T09:00:00Z</lastmod>"
            urls = "".join(
                f"<url><loc>{self.url}/page{n}</loc>{days}</url>" for n in range(self.number)
            )
            return 200, (
                '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">' + urls + "</urlset>"
            ).encode()
        return self.status, ARTICLE.replace("{n}", path).encode() if self.status == 200 else b"no"


@pytest.fixture
def paper() -> Iterator[Paper]:
    paper = Paper()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            began = time.time()
            if self.path.startswith("/page"):
                time.sleep(paper.seconds)
            status, body = paper.answer(self.path)
            self.send_response(status)
            for name, value in paper.headers.items() if self.path.startswith("/page") else ():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            paper.asked.append((self.path, began, time.time()))

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    paper.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield paper
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _ask(folder: Path, paper: Paper, count: int = 10, **options: Any) -> list[Fetched]:
    """Ask for pages of the paper as one run does, from state that earlier runs left."""
    declared = source(paper.url)
    requests = [Request(declared, "page", f"{paper.url}/page{n}") for n in range(count)]
    return pages(fetch_all(folder, requests, **({"max_attempts": 1, "backoff": 0.01} | options)))


def _standing(folder: Path, paper: Paper) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(_file(folder, paper).read_text())
    return kept


def _file(folder: Path, paper: Paper) -> Path:
    return folder / "state" / "hosts" / f"{safe_name(paper.url)}.json"


def _later(folder: Path, paper: Paper, hours: float) -> None:
    """Let hours pass for what is remembered of the paper's host."""
    kept, seconds = _standing(folder, paper), hours * 3600
    kept["not_before"] = kept["not_before"] and kept["not_before"] - seconds
    for spell in kept["spells"].values():
        spell["since"] -= seconds
        spell["refilled"] -= seconds
    _file(folder, paper).write_text(json.dumps(kept))


# Back-off


def test_trouble_slows_the_next_run_too_and_success_undoes_it(paper: Paper, tmp_path: Path) -> None:
    paper.status = 503
    _ask(tmp_path, paper, 4, backoff=0.1)
    assert _standing(tmp_path, paper)["delay"] == pytest.approx(1.6)
    paper.status, before = 200, len(paper.asked)
    assert [f.last.outcome for f in _ask(tmp_path, paper, 6, backoff=0.1)] == ["ok"] * 6
    times = [began for _, began, _ in paper.asked[before - 1 :]]
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[0] > 1.5 and 0.7 < gaps[1] < 1.2 and 0.3 < gaps[2] < 0.6 and gaps[5] < 0.1
    assert not _file(tmp_path, paper).exists(), "in good standing again"


def test_the_delay_of_trouble_has_a_cap(paper: Paper, tmp_path: Path) -> None:
    paper.status = 500
    _ask(tmp_path, paper, 9, backoff=0.02, max_delay=0.1)
    assert _standing(tmp_path, paper)["delay"] == pytest.approx(0.1)
    gaps = [b[1] - a[2] for a, b in pairwise(paper.asked)]
    assert 0.09 < gaps[-1] < 0.2


def test_a_host_that_was_in_trouble_is_tried_twice_not_fifteen_times(
    paper: Paper, tmp_path: Path
) -> None:
    paper.status = 503
    _ask(tmp_path, paper, max_attempts=3, max_delay=0.02)
    first = len(paper.paths())
    assert 5 <= first < 15
    found = _ask(tmp_path, paper, max_attempts=3, max_delay=0.02)
    assert len(paper.paths()) == first + 2
    assert [len(f.captures) for f in found] == [1, 1] + [0] * 8
    left = found[-1]
    assert left.why == "host left alone" and f"{paper.url} does not answer" in (left.detail or "")
    # It is asked as before, as soon as it answers.
    paper.status = 200
    found = _ask(tmp_path, paper, max_attempts=3, max_delay=0.02)
    assert [f.last.outcome for f in found] == ["ok"] * 10


def test_a_host_that_refuses_ten_pages_in_a_row_is_left_alone(paper: Paper, tmp_path: Path) -> None:
    paper.status = 403
    found = _ask(tmp_path, paper, 15, max_delay=0.02)
    assert [len(f.captures) for f in found] == [1] * 10 + [0] * 5
    assert "refuses (status 403)" in (found[-1].detail or "")


# Retry-After


def test_retry_after_holds_for_tomorrows_run(paper: Paper, tmp_path: Path) -> None:
    paper.status, paper.headers = 503, {"Retry-After": str(20 * 3600)}
    assert len(_ask(tmp_path, paper)[0].captures) == 1
    paper.status, paper.headers, asked = 200, {}, len(paper.asked)
    found = _ask(tmp_path, paper)
    assert {f.why for f in found} == {"host left alone"}
    assert "asks to wait until 20" in (found[0].detail or "")
    _later(tmp_path, paper, 19.9)
    assert all(not f.captures for f in _ask(tmp_path, paper))
    assert len(paper.asked) == asked, "not even robots.txt"
    _later(tmp_path, paper, 0.2)
    assert [f.last.outcome for f in _ask(tmp_path, paper)] == ["ok"] * 10


def test_a_date_in_retry_after_counts_and_so_does_one_with_403(
    paper: Paper, tmp_path: Path
) -> None:
    until = datetime.now(UTC) + timedelta(hours=2)
    paper.status = 403
    paper.headers = {"Retry-After": until.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    assert [len(f.captures) for f in _ask(tmp_path, paper, 3)] == [1, 0, 0]
    assert _standing(tmp_path, paper)["not_before"] == pytest.approx(until.timestamp(), abs=2)


def test_a_short_retry_after_is_waited_for_by_another_process_too(
    paper: Paper, tmp_path: Path
) -> None:
    paper.status, paper.headers = 429, {"Retry-After": "1"}
    _ask(tmp_path, paper, 1)
    paper.status, paper.headers = 200, {}
    assert [f.last.attempt for f in _ask(tmp_path, paper, 2)] == [1, 1]
    assert paper.asked[-2][1] - paper.asked[-3][1] > 0.95


def test_a_redirect_to_a_host_that_asks_to_wait_is_not_followed(
    paper: Paper, tmp_path: Path
) -> None:
    paper.status, paper.headers = 503, {"Retry-After": "7200"}
    _ask(tmp_path, paper, 1)
    asked = len(paper.asked)
    from hostile import Hostile, Talk

    def away(talk: Talk) -> None:
        talk.answer(b"", "302 Found", f"Location: {paper.url}/page1")

    with Hostile({"127.0.0.1": away}) as server:  # even for its robots.txt
        found = fetch_all(tmp_path, [Request(source(server.url("/")), "page", server.url("/ok"))])
        assert [f.request.kind for f in found][-1] == "page"
    assert len(paper.asked) == asked


# A host that refuses for a day


def _refusing_for_a_day(folder: Path, paper: Paper) -> None:
    paper.status = 403
    _ask(folder, paper, 15, max_delay=0.01)
    _later(folder, paper, 25)


def test_a_host_that_refused_for_a_day_is_probed_and_recovers(paper: Paper, tmp_path: Path) -> None:
    _refusing_for_a_day(tmp_path, paper)
    asked = len(paper.paths())
    for _ in range(3):  # several runs within the hour
        found = _ask(tmp_path, paper, 40, max_delay=0.01)
    assert len(paper.paths()) == asked + PROBES
    assert {f.why for f in found} == {"host left alone"}
    assert f"{paper.url} has given hardly any pages since" in (found[0].detail or "")
    assert "status 403" in (found[0].detail or "")
    _later(tmp_path, paper, 1.1)
    paper.status = 200
    found = _ask(tmp_path, paper, 40, max_delay=0.01)
    assert [f.last.outcome for f in found] == ["ok"] * 40, "each good answer allows more"


def test_feeds_of_a_host_that_refuses_pages_are_still_asked(paper: Paper, tmp_path: Path) -> None:
    _refusing_for_a_day(tmp_path, paper)
    _ask(tmp_path, paper, 5, max_delay=0.01)
    declared = source(paper.url)
    requests = [Request(declared, "page", f"{paper.url}/page{n}") for n in range(5)]
    requests.append(Request(declared, "feed", f"{paper.url}/map"))
    found = pages(fetch_all(tmp_path, requests, max_delay=0.01))
    assert [(f.request.kind, len(f.captures)) for f in found][-1] == ("feed", 1)
    assert sum(len(f.captures) for f in found) <= 2


# robots.txt


def test_robots_txt_is_read_once_a_day_and_a_change_is_obeyed(paper: Paper, tmp_path: Path) -> None:
    for _ in range(3):
        _ask(tmp_path, paper, 1)
    assert paper.paths("/robots") == ["/robots.txt"]
    paper.robots = "User-agent: *\nDisallow: /page1\n"
    cache = tmp_path / "state" / "robots" / f"{safe_name(paper.url)}.json"
    kept = json.loads(cache.read_text())
    cache.write_text(json.dumps(kept | {"fetched_at": kept["fetched_at"] - 24 * 3600}))
    assert [f.last.outcome for f in _ask(tmp_path, paper, 2)] == ["ok", "robots"]
    assert len(paper.paths("/robots")) == 2


def test_a_run_that_outlives_robots_txt_reads_it_again(
    paper: Paper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "KEEP", 0.5)
    monkeypatch.setattr("newsarchive.fetch.session.KEEP", 0.5)
    declared = source(paper.url, delay=0.15)
    requests = [Request(declared, "page", f"{paper.url}/page{n}") for n in range(9)]
    with Fetcher(settings(tmp_path), DAY, tmp_path / "archive", "pages-0") as fetcher:
        ended = []
        for fetched in fetcher.fetch(requests):
            if fetched.request.kind == "page":
                ended.append(fetched.last.outcome)
                paper.robots = "User-agent: *\nDisallow: /\n"
    assert ended[:2] == ["ok", "ok"] and ended[-1] == "robots"
    check_warcs(tmp_path)


def test_each_archive_keeps_the_robots_txt_that_it_obeyed(paper: Paper, tmp_path: Path) -> None:
    declared = source(paper.url)
    for archive in ("one", "one", "two"):
        with Fetcher(settings(tmp_path), DAY, tmp_path / archive, "pages-0") as fetcher:
            list(fetcher.fetch([Request(declared, "page", f"{paper.url}/page1")]))
    assert len(paper.paths("/robots")) == 2


# Leases and delays


def test_two_sources_on_a_host_share_its_lease_and_the_longer_delay(
    paper: Paper, tmp_path: Path
) -> None:
    hasty, slow = (
        source(f"{paper.url}/{name}/", delay=delay, name=name)
        for name, delay in (("hasty", 0.0), ("slow", 0.3))
    )
    paper.seconds = 0.2
    failed: list[BaseException] = []

    def run(asking: Source, name: str) -> None:
        try:
            with Fetcher(
                settings(tmp_path), DAY, tmp_path / "archive", name, sources=[hasty, slow]
            ) as fetcher:
                urls = [f"{paper.url}/page/{name}/{n}" for n in range(3)]
                found = pages(fetcher.fetch([Request(asking, "page", u) for u in urls]))
                assert [f.last.outcome for f in found] == ["ok"] * 3
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=a) for a in ((hasty, "hasty"), (slow, "slow"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(paper.asked) == 7  # robots.txt once for both
    # From the end of the last answer, not from its beginning, which is 0.2 s before.
    gaps = [b[1] - a[2] for a, b in pairwise(sorted(paper.asked, key=lambda a: a[1]))]
    assert min(gaps) > 0.28, gaps


def test_two_sources_of_one_fetch_share_the_longer_delay(paper: Paper, tmp_path: Path) -> None:
    hasty, slow = (source(paper.url, delay=d, name=n) for n, d in (("hasty", 0.0), ("slow", 0.3)))
    requests = [
        Request(s, "page", f"{paper.url}/page{n}") for n, s in enumerate((hasty, hasty, slow))
    ]
    fetch_all(tmp_path, requests)
    gaps = [b[1] - a[2] for a, b in pairwise(paper.asked)]
    assert len(gaps) == 3 and min(gaps) > 0.28


def test_a_host_that_has_to_wait_occupies_nobody(paper: Paper, tmp_path: Path) -> None:
    from hostile import Hostile

    _ask(tmp_path, paper, 1)
    with Hostile() as server:
        requests = [Request(source(paper.url, delay=3.0), "page", f"{paper.url}/page1")]
        requests += [Request(source(server.url("/")), "page", server.url("/ok"))]
        started = time.monotonic()
        for fetched in pages(fetch_all(tmp_path, requests, hosts_at_once=1)):
            ended = {fetched.request.url: time.monotonic() - started}
        assert list(ended) == [f"{paper.url}/page1"]
        other = next(a for a in server.asked if a.path == "/ok")
        assert other.began < paper.asked[-1][1] - 1


# Whole days: budgets, notes, coverage


def _declare(folder: Path, paper: Paper, politeness: str = "") -> Settings:
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / "paper.toml").write_text(
        f'name = "paper"\ntitle = "A"\nurl = "{paper.url}/"\nlanguage = "en"\ntimezone = "UTC"\n'
        f"allow_private = true\nexpected = {{ min = 1 }}\n[[listing]]\nkind = 'dated'\n"
        f"url = '{paper.url}/map-{{date:%Y%m%d}}.xml'\n[politeness]\ndelay = 0.0\n{politeness}\n"
    )
    return settings_for(
        folder,
        1,
        sources="paper",
        sources_dir=folder / "sources",
        max_attempts=1,
        max_delay=0.02,
    )


def _run(chosen: Settings) -> tuple[list[Outcome], dict[str, Any]]:
    outcomes = steps.run(RUN_DAY, chosen)
    return outcomes, rows(chosen.archive_path, "coverage")[0]


def test_a_budget_of_requests_holds_over_the_runs_of_a_day(paper: Paper, tmp_path: Path) -> None:
    chosen = _declare(tmp_path, paper, "max_requests = 6")
    outcomes, covered = _run(chosen)
    assert len(paper.asked) == 6  # robots.txt, the listing, four pages
    assert covered["status"] == "partial" and covered["missing"] == 6
    assert covered["note"] == (
        "6 of 10 pages could not be had: 6 were not asked, budget of 6 requests used"
    )
    fetched = outcomes[1]
    assert fetched.by_source["paper"]["budget"] == 6
    assert any("6 not asked: budget of 6 requests used" in note for note in fetched.notes)
    _, again = _run(chosen)
    assert len(paper.asked) == 6 and again["missing"] == 6
    # What was missing is had as soon as the budget allows it.
    _, covered = _run(_declare(tmp_path, paper, "max_requests = 60"))
    assert (covered["status"], covered["missing"], covered["kept"]) == ("complete", 0, 10)


def test_a_budget_of_bytes_holds(paper: Paper, tmp_path: Path) -> None:
    size = len(ARTICLE.replace("{n}", "/page1"))
    _, covered = _run(_declare(tmp_path, paper, f"max_megabytes = {3.5 * size / 1e6:.6f}"))
    assert covered["status"] == "partial"
    assert len(paper.paths()) <= 4 and "MB used" in covered["note"]


def test_a_listing_that_the_budget_forbids_is_said_to_be_not_asked(
    paper: Paper, tmp_path: Path
) -> None:
    _, covered = _run(_declare(tmp_path, paper, "max_requests = 1"))
    assert covered["status"] == "failed"
    assert "(not asked)" in covered["note"] and "budget of 1 requests used" in covered["note"]


def test_a_host_that_refuses_all_is_partial_reported_and_had_later(
    paper: Paper, tmp_path: Path
) -> None:
    paper.status, paper.number = 403, 30
    chosen = _declare(tmp_path, paper)
    outcomes, covered = _run(chosen)
    assert (covered["status"], covered["missing"]) == ("partial", 30)
    assert covered["note"] == (
        f"30 of 30 pages could not be had: {paper.url} refuses nearly all of them "
        "(status 403 or 429), 20 were not asked; running the day again asks for them"
    )
    assert outcomes[1].by_source["paper"]["host left alone"] == 20
    _later(tmp_path, paper, 25)
    outcomes, covered = _run(chosen)
    assert any(f"{paper.url} has given hardly any pages since" in n for n in outcomes[1].notes)
    assert covered["status"] == "partial"
    assert len(paper.paths()) == 10 + 2, "two refusals are enough, after so many"
    _later(tmp_path, paper, 25)
    paper.status = 200
    _, covered = _run(chosen)
    assert (covered["status"], covered["missing"], covered["kept"]) == ("complete", 0, 30)


def test_single_pages_that_are_forbidden_stay_forbidden(paper: Paper, tmp_path: Path) -> None:
    whole = paper.answer
    forbidden: Callable[[str], bool] = lambda path: path in ("/page1", "/page2")  # noqa: E731
    paper.answer = lambda p: (403, b"no") if forbidden(p) else whole(p)  # type: ignore[method-assign]
    chosen = _declare(tmp_path, paper)
    _, covered = _run(chosen)
    assert (covered["status"], covered["kept"], covered["rejected"]) == ("complete", 8, 2)
    asked = len(paper.paths())
    _run(chosen)
    assert len(paper.paths()) == asked


def test_captures_have_ids_of_their_own_however_often_a_day_is_run(
    paper: Paper, tmp_path: Path
) -> None:
    chosen = _declare(tmp_path, paper)
    for status in (503, 503, 200, 200):
        paper.robots_status = status
        steps.discover(RUN_DAY, chosen)
        steps.fetch(RUN_DAY, None, chosen)
    captures = Archive(chosen.archive_path).open("captures").read([RUN_DAY]).to_pylist()
    ids = [c["capture_id"] for c in captures if c["elapsed_ms"] is not None]
    assert len(set(ids)) == len(ids) == len(paper.asked)
    read = sorted(c["attempt"] for c in captures if c["kind"] == "robots")
    assert read == list(range(1, len(paper.paths("/robots")) + 1)), "each reading is archived"
