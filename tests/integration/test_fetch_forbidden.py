"""No spelling, redirect or name leads a source to the network that this program runs in.

One address on loopback stands for the public web: the guard is told that it is public. Behind the
same port, on every other address of this machine, listens what nobody may ask; it counts who comes.
Every connection that the process tries is recorded besides, wherever it leads.
"""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote

import pytest
from fetching import fetch_all, pages, source
from hostile import Hostile

from newsarchive.fetch import guard
from newsarchive.fetch.session import Request

WEB = "127.0.0.9"
INSIDE = ["127.0.0.1", "127.0.0.2", "127.9.9.9", "::1"]

# What a page may name. Those on this machine are at PORT, where the inside listens.
ADDRESSES = [
    # as they are
    "http://127.0.0.1:PORT/",
    "http://127.9.9.9:PORT/",
    "http://localhost:PORT/",
    "http://localhost.:PORT/",
    "http://LOCALHOST:PORT/",
    "http://0.0.0.0:PORT/",
    "http://[::1]:PORT/",
    "http://[::]:PORT/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://192.0.0.8/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    # other spellings of IPv4
    "http://2130706433:PORT/",
    "http://0x7f000001:PORT/",
    "http://0x7f.0x0.0x0.0x1:PORT/",
    "http://017700000001:PORT/",
    "http://0177.0.0.01:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://0:PORT/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://①②⑦.⓪.⓪.①:PORT/",
    "http://１２７.０.０.１:PORT/",
    "http://127。0。0。1:PORT/",
    # IPv6 that leads to IPv4, and the rest of IPv6
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[2606:4700::5efe:a00:1]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[3fff::1]/",
    # what stands before or after the host
    "http://8.8.8.8@127.0.0.1:PORT/",
    "http://8.8.8.8:80@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@8.8.8.8/",
    "http://8.8.8.8%2f@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT#@8.8.8.8/",
    "http://127.0.0.1:PORT?@8.8.8.8/",
    "http:\\\\127.0.0.1:PORT\\",
    "http:///127.0.0.1:PORT/",
    " \t http://127.0.0.1:PORT/",
    "ht\ntp://127.0.\r\n0.1:PORT/",
    # what is no web address
    "http://[fe80::1%25eth0]/",
    "http://[::1%25lo]:PORT/",
    "http://127.0.0.1%00.example:PORT/",
    "http://127.0.0.1 .example:PORT/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_GET",
    "ftp://127.0.0.1:PORT/",
    "unix:///var/run/docker.sock",
    "data:text/html,hello",
    "javascript:alert(1)",
]
# Names whose owner answers with what is inside.
NAMES = {
    "inside.test": ["127.0.0.1"],
    "inside-v6.test": ["::1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "scoped.test": ["fe80::1%lo"],
    "several.test": ["127.0.0.1", "127.0.0.2", "10.0.0.1"],
}
# Which of these a machine knows differs.
ANSWERS = NAMES | {"localhost": ["127.0.0.1", "::1"], "localhost.": ["127.0.0.1", "::1"]}
# A redirect gives a relative address too; as bytes, since a header may hold any.
RELATIVE = ["//127.0.0.1:PORT/", "\\\\127.0.0.1:PORT/", "/\\127.0.0.1:PORT/", "//0x7f.1:PORT/"]

_watched: list[Any] | None = None


def _audit(event: str, details: tuple[Any, ...]) -> None:
    if _watched is not None and event in ("socket.connect", "socket.sendto"):
        _watched.append(details[1])


sys.addaudithook(_audit)  # for the life of the process: there is no taking it off


@dataclass
class Machine:
    """The web on one address, and what is inside on the others, all on one port."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    """Paths that the web was asked for."""
    inside: list[str] = field(default_factory=list)
    """Addresses inside that were connected to."""

    def __enter__(self) -> Self:
        self._listening = [socket.create_server((WEB, 0), backlog=64)]
        self.port = self._listening[0].getsockname()[1]
        for address in INSIDE:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                server = socket.create_server((address, self.port), family=family)
            except OSError:
                if family == socket.AF_INET:
                    raise
                continue  # a machine without IPv6
            self._listening.append(server)
        self._threads = [
            threading.Thread(target=self._listen, args=(s,), daemon=True) for s in self._listening
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._listening:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        for thread in self._threads:
            thread.join(5)

    def url(self, path: str, host: str = WEB) -> str:
        return f"http://{host}:{self.port}{path}"

    def _listen(self, server: socket.socket) -> None:
        address = server.getsockname()[0]
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            with sock:
                if address != WEB:
                    self.inside.append(address)
                    continue
                sock.settimeout(5)
                self._answer(sock)

    def _answer(self, sock: socket.socket) -> None:
        """Answer one request, and close: so each request opens a connection."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(65536)
        path = head.split(b" ")[1].decode()
        self.asked.append(path)
        lines = [b"HTTP/1.1 404 Not Found"]
        if path.startswith("/to/"):
            lines = [b"HTTP/1.1 302 Found", b"Location: " + unquote(path[4:]).encode()]
        sock.sendall(b"\r\n".join([*lines, b"Content-Length: 0", b"Connection: close", b"", b""]))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with ExitStack() as stack:
        machine = stack.enter_context(Machine())
        judge = guard.refusal_here

        def refusal_here(address: str, allow_private: bool) -> str | None:
            return None if address == WEB else judge(address, allow_private)

        monkeypatch.setattr(guard, "refusal_here", refusal_here)
        look_up = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
            if host not in ANSWERS:
                assert not host.endswith(".example"), "no name server is to be asked"
                return look_up(host, port, *rest, **more)
            kind = socket.SOCK_STREAM
            return [(_family(a), kind, 6, "", (a, port)) for a in ANSWERS[host]]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield machine


@pytest.fixture
def connections() -> Iterator[list[Any]]:
    """Where the process connects to, or sends a datagram to, from here on."""
    global _watched
    _watched = []
    yield _watched
    _watched = None


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _at(port: int, url: str) -> str:
    return url.replace("PORT", str(port))


def test_no_address_leads_inside(machine: Machine, connections: list[Any], tmp_path: Path) -> None:
    urls = [_at(machine.port, u) for u in ADDRESSES]
    urls += [machine.url("/", name) for name in NAMES]
    assert len(urls) >= 40
    paper = source(machine.url("/"), private=False)
    found = pages(fetch_all(tmp_path, [Request(paper, "page", u, link_id=u) for u in urls]))
    outcomes = {str(f.request.link_id): f.last.outcome for f in found}
    assert outcomes.keys() == set(urls)
    assert set(outcomes.values()) <= {"blocked_address", "bad_url"}, outcomes
    assert machine.inside == []
    assert machine.asked == []
    assert connections == []


def test_no_redirect_leads_inside(machine: Machine, connections: list[Any], tmp_path: Path) -> None:
    targets = [_at(machine.port, u) for u in [*ADDRESSES, *RELATIVE] if "\n" not in u]
    targets += [machine.url("/", name) for name in NAMES]
    assert len(targets) >= 40
    paper = source(machine.url("/"), private=False)
    requests = [
        Request(paper, "page", machine.url("/to/" + quote(target, safe="")), link_id=target)
        for target in targets
    ]
    found = {str(f.request.link_id): f for f in pages(fetch_all(tmp_path, requests))}
    assert found.keys() == set(targets)
    for target, fetched in found.items():
        first, last = fetched.captures[0], fetched.last
        assert (first.outcome, first.status) == ("redirect", 302), target
        assert last.outcome in ("blocked_address", "bad_url"), (target, last)
        assert fetched.body is None
    assert machine.inside == []
    assert len(machine.asked) == len(targets) + 1  # robots.txt
    assert set(connections) == {(WEB, machine.port)}


def test_robots_txt_of_a_host_leads_nowhere_inside(
    machine: Machine, connections: list[Any], tmp_path: Path
) -> None:
    """The first that a new host is asked for is its robots.txt, and that may redirect too."""
    paper = source(machine.url("/"), private=False)
    for target in ("http://127.0.0.1:PORT/", "http://169.254.169.254/", "http://inside.test:PORT/"):
        url = machine.url("/to/" + quote(_at(machine.port, target), safe=""))
        (fetched,) = fetch_all(tmp_path, [Request(paper, "robots", url)])
        assert fetched.last.outcome == "blocked_address"
    assert machine.inside == []
    assert set(connections) == {(WEB, machine.port)}


def test_a_name_that_changes_its_answer_leads_nowhere_inside(
    machine: Machine, connections: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer is on the web, the later ones are inside."""
    answers = iter([[WEB], ["127.0.0.1"], ["::1"], ["127.0.0.1", WEB]])

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        assert host == "rebind.test"
        return [(_family(a), socket.SOCK_STREAM, 6, "", (a, port)) for a in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    paper = source(machine.url("/"), private=False)
    requests = [
        Request(paper, "page", machine.url(f"/{n}", "rebind.test"), link_id=str(n))
        for n in range(3)
    ]
    found = {str(f.request.link_id): f.last for f in pages(fetch_all(tmp_path, requests))}
    assert [found[str(n)].outcome for n in range(3)] == [
        "blocked_address",
        "blocked_address",
        "http_error",  # one of its addresses is on the web, and that one is asked
    ]
    assert machine.inside == []
    assert machine.asked == ["/robots.txt", "/2"]
    assert set(connections) == {(WEB, machine.port)}


def test_a_connection_that_another_source_opened_is_judged_again(tmp_path: Path) -> None:
    with Hostile() as server:
        may, may_not = (
            source(server.url("/"), private=private, name=name)
            for name, private in (("may", True), ("may_not", False))
        )
        requests = [Request(may, "page", server.url("/ok?1"), link_id="may")]
        requests.append(Request(may_not, "page", server.url("/ok?2"), link_id="may not"))
        found = {f.request.link_id: f.last.outcome for f in pages(fetch_all(tmp_path, requests))}
        assert found == {"may": "ok", "may not": "blocked_address"}
        assert server.paths() == ["/ok?1"]
        assert server.connections["127.0.0.1"] == 1
