"""Politeness: leases and delays between processes, robots.txt, back-off, and who is left alone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from fetching import check_warcs, fetch_all, pages, source
from hostile import PAGE, Hostile, Talk

from newsarchive.errors import HostBusy
from newsarchive.fetch.leases import Leases, Stopped, safe_name
from newsarchive.fetch.robots import RobotsCache, rules_from
from newsarchive.fetch.session import Request

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from fetching import fetch_all, pages, source
from newsarchive.fetch.session import Request
folder, url, delay, count = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
paper = source(url, delay=delay)
found = pages(fetch_all(folder, [Request(paper, "page", f"{{url}}{{n}}") for n in range(count)]))
assert [f.last.outcome for f in found] == ["ok"] * count
"""


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as hostile:
        yield hostile


def _child(folder: Path, url: str, delay: float, count: int) -> subprocess.Popen[bytes]:
    code = CHILD.format(tests=str(Path(__file__).parents[1]))
    return subprocess.Popen([sys.executable, "-c", code, str(folder), url, str(delay), str(count)])


def test_two_processes_ask_a_host_one_at_a_time(server: Hostile, tmp_path: Path) -> None:
    # A little delay: the server may see the end of its own answer after who asked for it does.
    children = [_child(tmp_path, server.url(f"/slow_ok?{who}"), 0.03, 30) for who in "ab"]
    assert [c.wait(60) for c in children] == [0, 0]
    assert len(server.paths()) == 60
    assert server.most_at_once["127.0.0.1"] == 1
    # They take turns: while both have requests left, neither gets several in a row.
    turns = "".join(p.partition("?")[2][0] for p in server.paths())
    both = turns[
        max(turns.index("a"), turns.index("b")) : min(turns.rindex("a"), turns.rindex("b"))
    ]
    assert max((len(list(run)) for _, run in groupby(both)), default=0) <= 3, turns
    check_warcs(tmp_path)


def test_the_delay_holds_between_processes(server: Hostile, tmp_path: Path) -> None:
    children = [_child(tmp_path, server.url("/ok?"), 0.3, 4) for _ in range(2)]
    assert [c.wait(60) for c in children] == [0, 0]
    asked = sorted(server.asked, key=lambda a: a.began)
    assert len(asked) == 9  # robots.txt once, for both
    gaps = [b.began - a.ended for a, b in pairwise(asked)]
    assert min(gaps) > 0.28


def test_a_paused_holder_is_waited_for_only_so_long(server: Hostile, tmp_path: Path) -> None:
    host = server.url("")
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom newsarchive.fetch.leases import Leases\n"
        "with Leases(Path(sys.argv[1])).hold(sys.argv[2], 0, 1):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    folder = tmp_path / "state" / "leases"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder), host], stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
            os.kill(holder.pid, signal.SIGSTOP)
            paper = source(server.url("/"))
            requests = [Request(paper, "page", server.url("/ok", n)) for n in (1, 1, 2)]
            started = time.monotonic()
            found = pages(fetch_all(tmp_path, requests, request_timeout=0.5))
            assert time.monotonic() - started < 5
        finally:
            holder.kill()
    by_host = {f.request.url: f for f in found}
    assert len(found) == 3
    assert by_host[server.url("/ok", 1)].captures == []
    assert by_host[server.url("/ok", 2)].body == PAGE
    assert server.paths(1) == []
    # The kernel freed the lease at the holder's death.
    assert pages(fetch_all(tmp_path, requests[:1]))[0].body == PAGE


def test_leases(tmp_path: Path) -> None:
    leases = Leases(tmp_path)
    with leases.hold("http://a", 0, 1):
        started = time.monotonic()
        with pytest.raises(HostBusy), Leases(tmp_path).hold("http://a", 0, 0.2):
            pass
        assert 0.15 < time.monotonic() - started < 1
        with leases.hold("http://b", 0, 1):
            pass
    started = time.monotonic()
    with leases.hold("http://a", 0.3, 1):
        assert time.monotonic() - started > 0.25
    # A clock set back does not make anyone wait longer than the delay.
    last = tmp_path / f"{safe_name('http://a')}.last"
    os.utime(last, (time.time() + 9999, time.time() + 9999))
    started = time.monotonic()
    with leases.hold("http://a", 0.1, 1):
        assert time.monotonic() - started < 1


def test_ending_ends_waits(tmp_path: Path) -> None:
    stop = threading.Event()
    leases = Leases(tmp_path, stop)
    with leases.hold("http://a", 0, 1):
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(Stopped), leases.hold("http://a", 0, 30):
            pass


def test_file_names_of_hosts() -> None:
    hosts = ["http://a", "https://a", "http://a:80", "http://a_80", "http://[::1]:8", "x" * 300]
    names = {safe_name(h) for h in hosts}
    assert len(names) == len(hosts)
    assert all(len(n) < 200 and "/" not in n and not n.startswith(".") for n in names)


# robots.txt


def _robots(body: str, status: str = "200 OK", *headers: str) -> dict[str, object]:
    return {"127.0.0.1": lambda t: t.answer(body.encode(), status, *headers)}


def _ask(
    folder: Path, server: Hostile, *paths: str, delay: float = 0.0, **options: float
) -> dict[str, str]:
    paper = source(server.url("/"), delay=delay)
    requests = [Request(paper, "page", server.url(p)) for p in paths]
    fetched = fetch_all(folder, requests, **options)
    return {f.request.url.removeprefix(server.url("")): f.last.outcome for f in fetched}


def test_robots_txt_is_obeyed_and_archived(tmp_path: Path) -> None:
    with Hostile(_robots("User-agent: *\nDisallow: /ok?secret\n")) as server:
        found = _ask(tmp_path, server, "/ok", "/ok?secret=1")
        assert found == {"/robots.txt": "ok", "/ok": "ok", "/ok?secret=1": "robots"}
        assert server.paths() == ["/ok"]
        assert server.asked[0].path == "/robots.txt"
        agent = server.asked[0].headers["user-agent"]
        assert agent.startswith("newsarchive/")
        # Kept for a day, for every process of this machine.
        assert _ask(tmp_path, server, "/ok", "/ok?secret=1") == {
            "/ok": "ok",
            "/ok?secret=1": "robots",
        }
        cache = tmp_path / "state" / "robots" / f"{safe_name(server.url(''))}.json"
        kept = json.loads(cache.read_text())
        cache.write_text(json.dumps(kept | {"fetched_at": kept["fetched_at"] - 25 * 3600}))
        assert "/robots.txt" in _ask(tmp_path, server, "/ok")
    check_warcs(tmp_path)


def test_refused_pages_cost_no_time(tmp_path: Path) -> None:
    with Hostile(_robots("User-agent: *\nDisallow: /\n")) as server:
        started = time.monotonic()
        found = _ask(tmp_path, server, *(f"/ok?{n}" for n in range(200)), delay=0.5)
        assert list(found.values()).count("robots") == 200
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("behaviour", ["error", "silent", "reset", "drip", "too_many", "junk"])
def test_robots_txt_that_cannot_be_had_forbids_this_run(tmp_path: Path, behaviour: str) -> None:
    from hostile import BEHAVIOURS

    def too_many(talk: Talk) -> None:
        talk.answer(b"", "429 Too Many Requests")

    answer = BEHAVIOURS.get(f"/{behaviour}", too_many)
    with Hostile({"127.0.0.1": answer}) as server:
        paper = source(server.url("/"))
        requests = [Request(paper, "page", server.url("/ok", n)) for n in (1, 2)]
        found = pages(fetch_all(tmp_path, requests))
        by_url = {f.request.url: f for f in found}
        refused = by_url[server.url("/ok", 1)].last
        assert refused.outcome == "robots_unavailable"
        assert "could not be had" in (refused.error or "")
        assert by_url[server.url("/ok", 2)].body == PAGE
        assert server.paths(1) == []
        server.robots.clear()  # the next run asks again
        assert _ask(tmp_path, server, "/ok") == {"/robots.txt": "http_error", "/ok": "ok"}


def test_robots_txt_behind_a_redirect_and_too_large(tmp_path: Path) -> None:
    def elsewhere(talk: Talk) -> None:
        target = f"http://127.0.0.2:{talk.server.port}/robots.txt"
        talk.answer(b"", "301 Moved", f"Location: {target}")

    def large(talk: Talk) -> None:
        talk.answer(b"User-agent: *\nDisallow: /error\n" + b"#" * 600_000)

    with Hostile({"127.0.0.1": elsewhere, "127.0.0.2": large}) as server:
        found = _ask(tmp_path, server, "/ok", "/error")
        assert found == {"/robots.txt": "too_large", "/ok": "ok", "/error": "robots"}


def test_crawl_delay_is_kept(tmp_path: Path) -> None:
    with Hostile(_robots("User-agent: *\nCrawl-delay: 0.4\n")) as server:
        _ask(tmp_path, server, "/ok?1", "/ok?2", "/ok?3")
        times = [a.began for a in server.asked]
        assert min(b - a for a, b in pairwise(times[1:])) > 0.38


def test_a_damaged_cache_is_asked_again(tmp_path: Path) -> None:
    cache = RobotsCache(tmp_path, tmp_path / "archive")
    cache.put("http://a", rules_from("User-agent: *\nDisallow: /b\n"))
    rules = RobotsCache(tmp_path, tmp_path / "archive").get("http://a")
    assert rules is not None and rules.refusal("http://a/b")
    for damage in ("", "{", "[]", '{"fetched_at": "x", "robots": 1}', '{"fetched_at": 1e99}'):
        (tmp_path / f"{safe_name('http://a')}.json").write_text(damage)
        assert cache.get("http://a") is None


# Retries, and hosts that are left alone


def test_attempts_count_on_over_runs(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    request = Request(paper, "page", server.url("/error"), attempts_before=2)
    found = pages(fetch_all(tmp_path, [request]))[0]
    assert [c.attempt for c in found.captures] == [3, 4]


def test_others_go_on_while_a_host_waits(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    requests = [Request(paper, "page", server.url("/too_many_requests"))]
    requests += [Request(paper, "page", server.url(f"/ok?{n}", 2)) for n in range(5)]
    found = pages(fetch_all(tmp_path, requests, hosts_at_once=1))
    assert [f.last.outcome for f in found] == ["ok"] * 6
    assert found[-1].request.url == server.url("/too_many_requests")
    again = [a.began for a in server.asked if a.path == "/too_many_requests"]
    assert again[1] - again[0] > 0.95


def test_a_host_that_asks_for_a_long_wait_is_left_alone(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    paths = ("/ok", "/closed_for_today", "/missing")
    found = pages(fetch_all(tmp_path, [Request(paper, "page", server.url(p)) for p in paths]))
    assert [[c.outcome for c in f.captures] for f in found] == [["ok"], ["http_error"], []]
    assert server.paths() == ["/ok", "/closed_for_today"]


def test_a_host_that_never_answers_is_left_alone(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    requests = [Request(paper, "page", server.url(f"/reset?{n}")) for n in range(20)]
    found = pages(fetch_all(tmp_path, requests, max_attempts=1))
    assert [len(f.captures) for f in found] == [1] * 5 + [0] * 15


def test_conditional_requests(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    url = server.url("/conditional")
    requests = [
        Request(paper, "feed", url, listing=url, route="feed", etag='"v1"', last_modified="x"),
        Request(paper, "feed", url, etag='"v0"'),
        Request(paper, "feed", url, etag="bad\r\nX-Injected: 1"),
        Request(paper, "feed", url, etag="خبر"),
    ]
    found = pages(fetch_all(tmp_path, requests))
    assert [f.last.outcome for f in found] == ["not_modified", "ok", "ok", "ok"]
    first = found[0].last
    assert (first.listing, first.route, first.kind) == (url, "feed", "feed")
    assert first.payload_sha256 is None and first.etag == '"v1"'
    assert not any("x-injected" in a.headers for a in server.asked)
    check_warcs(tmp_path)


def test_cookies_live_for_one_attempt(server: Hostile, tmp_path: Path) -> None:
    paper = source(server.url("/"))
    fetch_all(tmp_path, [Request(paper, "page", server.url(p)) for p in ("/cookie_wall", "/ok")])
    cookies = [a.headers.get("cookie") for a in server.asked if a.path != "/robots.txt"]
    assert cookies == [None, "seen=1", None]


def test_the_environment_changes_nothing(
    server: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert _ask(tmp_path, server, "/ok")["/ok"] == "ok"
    assert not any("authorization" in a.headers for a in server.asked)


def test_a_connection_serves_many_requests(server: Hostile, tmp_path: Path) -> None:
    paths = ("/ok?1", "/chunked", "/conditional", "/no_content", "/moved", "/missing", "/ok?2")
    _ask(tmp_path, server, *paths)
    assert server.connections["127.0.0.1"] == 1
