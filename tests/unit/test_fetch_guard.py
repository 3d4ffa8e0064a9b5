import socket
import threading
import time
from typing import Any

import pytest

from newsarchive.fetch import guard

PRIVATE = [
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "127.0.0.1",
    "127.9.9.9",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:0a00:0001::1",
    "::127.0.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "3fff::1",
    "2606:4700::5efe:10.0.0.1",
    "2606:4700::200:5efe:127.0.0.1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
]
NEVER = [
    "169.254.169.254",
    "169.254.1.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "::",
    "255.255.255.255",
    "240.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "2606:4700::5efe:169.254.169.254",
    "64:ff9b:1::a00:1",
    "::ffff:0:8.8.8.8",
    "4000::1",
    "no address",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_for_sources_that_allow_them(address: str) -> None:
    assert guard.refusal(address, allow_private=False)
    assert guard.refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_asked(address: str) -> None:
    assert guard.refusal(address, allow_private=False)
    assert guard.refusal(address, allow_private=True)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "151.101.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_asked(address: str) -> None:
    assert guard.refusal(address, allow_private=False) is None


def _answers(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let every look-up give the next of `answers`; return the list of names looked up."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, "", (a, port)) for a in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_the_address_judged_is_the_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers differently the second time (DNS rebinding) is looked up only once."""
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        asked = _answers(monkeypatch, ["127.0.0.2"], ["127.0.0.3"])
        sock, address = guard.connect("rebind.test", port, allow_private=True, timeout=2)
        with sock:
            assert address == sock.getpeername()[0] == "127.0.0.2"
        assert asked == ["rebind.test"]


def test_a_forbidden_answer_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:
        _answers(monkeypatch, ["169.254.169.254", "127.0.0.2"])
        sock, address = guard.connect(
            "mixed.test", server.getsockname()[1], allow_private=True, timeout=2
        )
        sock.close()
        assert address == "127.0.0.2"


def test_no_connection_is_tried_to_a_blocked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    _answers(monkeypatch, ["10.0.0.1", "127.0.0.1"])
    monkeypatch.setattr(socket, "socket", None)
    with pytest.raises(guard.BlockedAddress, match=r"10\.0\.0\.1 \(private address\)"):
        guard.connect("inside.test", 80, allow_private=False, timeout=2)


def test_public_addresses_of_this_machine_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "refusal", lambda address, allow_private: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(guard.BlockedAddress, match="address of this machine"):
            guard.connect("127.0.0.1", port, allow_private=False, timeout=2)
        sock, _ = guard.connect("127.0.0.1", port, allow_private=True, timeout=2)
        sock.close()


def test_a_name_server_that_never_answers_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        over.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        guard.connect("slow.test", 80, allow_private=False, timeout=0.2)
    assert time.monotonic() - started < 2
    over.set()


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".test"])
def test_a_bad_name_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError, match=r"host name|not known|resolution"):
        guard.connect(host, 80, allow_private=False, timeout=5)
