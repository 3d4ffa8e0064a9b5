"""The address guard: which network addresses may be asked, decided on the one really connected to.

A source's pages name hosts, hosts name addresses, and both can be made to point into the network
that this program runs in. So the name is resolved once, each answer is judged, and the socket is
opened to the judged address itself: there is no second look-up that could answer differently.
"""

import socket
import threading
import time
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any

import psutil

# Metadata services of clouds: what they answer is credentials. The others are link-local or private
# already.
_METADATA = frozenset(
    ip_address(a)
    for a in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = IPv6Network("::/96")
# Interface ids of ISATAP: an IPv4 address follows.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
# What the tables of older Pythons take for public: protocol assignments, the withdrawn relays of
# 6to4, documentation.
_LATE = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))

_Info = tuple[socket.AddressFamily, socket.SocketKind, int, Any]


class BlockedAddress(Exception):
    """Every address of the host is one that its source may not ask; nothing was sent."""


def refusal(address: str, allow_private: bool) -> str | None:
    """Say why an IP address may not be asked; None when it may.

    Link-local, multicast, unspecified and metadata addresses never may, whatever the source allows.

    Args:
        address: IPv4 or IPv6, as the resolver or the socket gives it; a scope (`%eth0`) is ignored.
        allow_private: whether private and loopback addresses may be asked (`Source.allow_private`).
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return "not an IP address"
    return _refusal(ip, allow_private)


def _refusal(ip: IPv4Address | IPv6Address, allow_private: bool) -> str | None:
    if isinstance(ip, IPv6Address):
        inner = _embedded(ip)
        if inner is not None:
            return _refusal(inner, allow_private)
    if ip in _METADATA:
        return "address of a cloud's metadata service"
    if ip.is_link_local:
        return "link-local address"
    if ip.is_multicast:
        return "multicast address"
    if ip.is_unspecified or ip == IPv4Address("255.255.255.255"):
        return "unspecified address"
    if ip.is_loopback:
        return None if allow_private else "loopback address"
    if ip.is_reserved or (isinstance(ip, IPv6Address) and ip.is_site_local):
        return "reserved address"
    # private, shared (CGNAT), documentation, benchmarking
    if not ip.is_global or any(ip in network for network in _LATE):
        return None if allow_private else "private address"
    return None


def refusal_here(address: str, allow_private: bool) -> str | None:
    """Say why an IP address may not be asked from this machine; None when it may.

    That is `refusal`, and besides the public addresses of this machine itself: what listens on them
    may trust whoever comes from here.
    """
    why = refusal(address, allow_private)
    if why is None and not allow_private and _is_this_machine(address):
        return "address of this machine"
    return why


def _is_this_machine(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        ip = _embedded(ip) or ip
    ours = (each.address for addresses in psutil.net_if_addrs().values() for each in addresses)
    return str(ip) in (each.partition("%")[0] for each in ours)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that is written into an IPv6 one, in any of the known ways."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    isatap = int(ip) >> 32 & 0xFFFF_FFFF in _ISATAP
    if isatap or ip in _NAT64 or (ip in _V4_COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def connect(
    host: str, port: int, *, allow_private: bool, timeout: float
) -> tuple[socket.socket, str]:
    """Resolve `host` and connect to the first of its permitted addresses that answers.

    Args:
        host: a name or a literal address.
        port: TCP port.
        allow_private: whether private and loopback addresses may be asked.
        timeout: seconds for the look-up and all tries together.

    Returns:
        The connected socket, and the address it is connected to.

    Raises:
        BlockedAddress: no address of the host is permitted; no connection was tried.
        TimeoutError: it took longer.
        OSError: the name does not resolve, or no permitted address answers.
    """
    deadline = time.monotonic() + timeout
    permitted: list[_Info] = []
    refused: list[str] = []
    for info in _resolve(host.strip("[]"), port, timeout):
        address = str(info[3][0])
        why = refusal_here(address, allow_private)
        if why is None:
            permitted.append(info)
        else:
            refused.append(f"{address} ({why})")
    if not permitted:
        raise BlockedAddress(f"{host} is {', '.join(refused) or 'no address'}")
    error: OSError | None = None
    for family, kind, proto, where in permitted:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        sock = socket.socket(family, kind, proto)
        try:
            sock.settimeout(left)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(where)
        except OSError as failed:
            sock.close()
            error = failed
        except BaseException:
            sock.close()
            raise
        else:
            return sock, str(where[0])
    raise error or TimeoutError(f"no connection to {host} within {timeout:g} s")


def _resolve(host: str, port: int, timeout: float) -> list[_Info]:
    try:
        ip_address(host)
    except ValueError:
        return _look_up(host, port, timeout)
    return _addresses(host, port)


def _addresses(host: str, port: int) -> list[_Info]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError(f"not a host name: {host!r} ({error})") from None
    return [(family, kind, proto, where) for family, kind, proto, _, where in infos]


def _look_up(host: str, port: int, timeout: float) -> list[_Info]:
    # getaddrinfo knows no time-out and cannot be interrupted: a name server that never answers
    # holds only its thread.
    answer: SimpleQueue[list[_Info] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put(_addresses(host, port))
        except OSError as error:
            answer.put(error)

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    try:
        found = answer.get(timeout=timeout)
    except Empty:
        raise TimeoutError(f"no answer from the name server within {timeout:g} s") from None
    if isinstance(found, OSError):
        raise found
    return found
