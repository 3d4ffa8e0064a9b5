"""Fetching: hosts side by side, one request at a time at each, every exchange kept.

A worker takes the host that may be asked soonest, makes one attempt at its first request, and puts
the host back with the time from which it may be asked again. So a host that has to wait (its delay,
a back-off) occupies nobody.
"""

import heapq
import itertools
import logging
import queue
import re
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from types import TracebackType
from typing import Protocol, Self

import ada_url

from newsarchive.errors import ArchiveError, HostBusy
from newsarchive.fetch import transport
from newsarchive.fetch.budget import Budgets, Spent, cost_of
from newsarchive.fetch.coding import ACCEPT, Decoded, decode
from newsarchive.fetch.leases import HostLeases, Lease, Leases, Stopped
from newsarchive.fetch.robots import KEEP, MOST_BYTES, RobotsCache, Rules, judge
from newsarchive.fetch.standing import Standings, group
from newsarchive.fetch.warc import Stored, WarcFiles, header, parse_head, stored_head
from newsarchive.model import Capture
from newsarchive.objects import Folder
from newsarchive.settings import Settings
from newsarchive.sources.load import Source
from newsarchive.text.identity import capture_id, host_of

log = logging.getLogger(__name__)

_OK = frozenset({200, 203})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RETRIED = frozenset({429, 500, 502, 503, 504, *range(520, 530)})
_HOST_IN_TROUBLE = frozenset({429, 502, 503, 504, *range(520, 530)})
# Requests in a row (each with all its attempts) after which a host is left alone in this run: one
# that does not answer, one that refuses (as it may do for single pages), and one that is known to
# be in trouble.
_GIVE_UP_AFTER = 5
_REFUSED_ENOUGH = 10
_STRAINED_ENOUGH = 2
_LONG = 2.0  # seconds; a host that has to wait longer is put back, so that it occupies no worker
_HEADER_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]+")
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@dataclass(frozen=True, slots=True)
class Request:
    """The wish to have one address."""

    source: Source
    kind: str
    """page, feed, sitemap, section, index, robots."""
    url: str
    link_id: str | None = None
    listing: str | None = None
    """Declared address of the listing that it answers for."""
    route: str | None = None
    visit: str = "first"
    attempts_before: int = 0
    """Tries of this visit on this run day by earlier runs."""
    etag: str | None = None
    """For a conditional request."""
    last_modified: str | None = None
    validated: str | None = None
    """The address that gave these two: no other is asked by them. None: whichever answers."""
    provider: str = "live"
    """Who is asked: the publisher itself (live), or an archive of pages."""
    page: str | None = None
    """The page's own address, where an archive is asked for it under another."""
    absent: frozenset[int] = frozenset()
    """Statuses with which this host says only that there is no such file."""
    keep: bool = True
    """Whether the bytes are kept as WARC; else whoever asks keeps what it needs of them."""
    sink: transport.Sink | None = None
    """What takes the body piece by piece, where it is too large to be held."""


class Requests(Protocol):
    """Requests in order; a day's are many, so that each may be made when it is looked at."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Request]: ...

    def __getitem__(self, n: int, /) -> Request: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a request."""

    request: Request
    captures: list[Capture]
    """Every exchange, retries and redirects, in order; empty when nothing was asked: the wish
    stays open."""
    body: bytes | None
    """Of the last exchange if its outcome is ok; content coding undone."""
    why: str | None = None
    """Why nothing was asked: host busy (another process asks it), host left alone, or budget."""
    detail: str | None = None
    """The same in words, with the host."""

    @property
    def last(self) -> Capture:
        """The capture that tells the outcome.

        Raises:
            IndexError: nothing was asked.
        """
        return self.captures[-1]


@dataclass(slots=True)
class _Job:
    """A request on its way."""

    request: Request
    tries: int = 0
    attempt: int = 0
    """Number of the latest try, counting on over the run day."""
    captures: list[Capture] = field(default_factory=list)
    payload: bytes | None = None
    """Body of the last exchange as far as it came, content coding undone."""


@dataclass(slots=True)
class _Host:
    """The requests of one host."""

    name: str
    requests: Requests
    waiting: "array[int]" = field(default_factory=lambda: array("Q"))
    """Numbers of its requests that had no turn yet, the next one last."""
    begun: list[_Job] = field(default_factory=list)
    """Those that had: one, or robots.txt after it."""
    delay: float = 0.0
    """Seconds between two requests: the longest that a source of these requests asks for."""
    failures: int = 0
    """Requests in a row that the host refused or did not answer."""
    strained: bool | None = None
    """Whether it was in trouble before this run and is still; None: not looked up yet."""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to ask."""
        return not self.begun and not self.waiting

    def job(self) -> _Job:
        """Return the job whose turn it is.

        Raises:
            IndexError: there is none.
        """
        if not self.begun:
            self.begun.append(_Job(self.requests[self.waiting.pop()]))
        return self.begun[-1]

    def left(self, concerns: Callable[[Request], bool]) -> Iterator[_Job]:
        """Take out the jobs whose requests are concerned, and yield them in their order."""
        concerned = [job for job in reversed(self.begun) if concerns(job.request)]
        self.begun = [job for job in self.begun if not concerns(job.request)]
        yield from concerned
        kept = array("Q")
        for number in reversed(self.waiting):
            request = self.requests[number]
            if concerns(request):
                yield _Job(request)
            else:
                kept.append(number)
        kept.reverse()
        self.waiting = kept


@dataclass(frozen=True, slots=True)
class _Tried:
    """What one attempt came to."""

    asked: bool = True
    """Whether anything was sent."""
    again: bool = False
    """Whether another attempt may help."""
    wait: float | None = None
    """Seconds that the host asks to wait (Retry-After)."""
    trouble: bool = False
    """Whether it is the host that is in trouble, not the one page."""
    refused: bool = False
    """Whether it was refused (403), as a host may do for one page or for all."""


class _NotAsked(Exception):
    """Nothing may be asked now; of some requests at the host, or of all."""

    def __init__(
        self,
        why: str,
        detail: str,
        wait: float = float("inf"),
        concerns: Callable[[Request], bool] = lambda request: True,
    ) -> None:
        """Say why (`Fetched.why`), in words, for how many seconds, and which requests."""
        super().__init__(detail)
        self.why = why
        self.detail = detail
        self.wait = wait
        self.concerns = concerns


class Fetcher:
    """Ask for addresses and keep what comes; a context manager that finishes the WARC files."""

    def __init__(
        self,
        settings: Settings,
        run_day: date | None,
        archive: Folder,
        name: str,
        *,
        sources: Iterable[Source] = (),
        spent: Mapping[str, Spent] | None = None,
        attempts: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            settings: time-outs, limits, politeness, and the folder of leases and hosts' standing.
            run_day: what captures are filed under; None: each under the UTC day of its exchange
                (polls).
            archive: folder of the archive; WARC files go below its `raw`.
            name: what the files' names begin with, as `pages-0`.
            sources: those that are on: a host gets the longest delay that one of them asks for.
            spent: what earlier runs of the run day asked of each source, by its name.
            attempts: how often they tried each listing and robots.txt, by source and URL; of a
                page its request says.

        Raises:
            ArchiveError: the state folder cannot be used.
        """
        self._settings = settings
        self._delays: dict[str, float] = defaultdict(float)
        self._patience: dict[str, float] = defaultdict(float)
        for source in sources:
            for host in source.hosts:
                self._delays[host] = max(self._delays[host], self._own_delay(source))
                self._patience[host] = max(self._patience[host], source.politeness.patience)
        self._budgets = Budgets(settings, spent or {})
        self._attempts = dict(attempts or {})
        self.slowed: dict[str, str] = {}
        """Hosts of this fetch that are only probed, with the reason in words."""
        self._run_day = run_day
        self._stop = threading.Event()
        # A contact may be written in any letters; a header may not.
        agent = " ".join(settings.user_agent.split())
        self._user_agent = agent.encode("ascii", "replace").decode()
        self._warc = WarcFiles(archive, name, self._user_agent)
        self._leases = _leases(settings, self._stop)
        self._robots = RobotsCache(settings.state_dir / "robots", archive.absolute())
        self._standings = Standings(settings.state_dir / "hosts", settings.max_delay)
        self._rules: dict[str, Rules] = {}
        self._adapter = transport.Adapter(hosts=max(64, 4 * settings.hosts_at_once))
        self._most_bytes = int(settings.max_body_mb * 1_000_000)
        self._running: set[_Worker] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        self._adapter.close()
        self._leases.close()
        self._warc.close()

    def roll(self) -> None:
        """Finish the WARC files: on the disk for good, under the paths that captures name.

        Raises:
            ArchiveError: a file cannot be finished.
        """
        self._warc.roll()

    def fetch(self, requests: Requests) -> Iterator[Fetched]:
        """Ask for every address and yield what came, as it comes; what was read of robots.txt too.

        Hosts are asked side by side, `settings.hosts_at_once` at most; one request at a time at
        each, in the order given. A host that fails, hangs or is held by another process stops no
        other. Few bodies are in memory at a
        time: when the caller is slow, the hosts wait.

        Raises:
            ArchiveError: the archive or the state folder cannot be written to.
        """
        if self._stop.is_set():
            raise RuntimeError("the fetch before was ended, and a thread of it has not stopped yet")
        hosts: dict[str, _Host] = {}
        refused: list[Fetched] = []
        for number, request in enumerate(requests):
            name = _host(request.url)
            if name is None:
                capture = self._refusal(request, request.url, 1, 0, "bad_url", "not a web address")
                refused.append(Fetched(request, [capture], None))
            else:
                host = hosts.setdefault(name, _Host(name, requests))
                host.waiting.append(number)
                host.delay = max(host.delay, self._own_delay(request.source))
        for name, host in hosts.items():
            host.waiting.reverse()
            self._delays[name] = max(self._delays[name], host.delay)
        yield from refused
        if not hosts:
            return
        line = _Line(hosts.values(), self._stop)
        out: queue.Queue[Fetched | BaseException | None] = queue.Queue(
            maxsize=max(4, self._settings.hosts_at_once // 2)
        )
        count = min(self._settings.hosts_at_once, len(hosts))
        workers = [_Worker(self, line, out) for _ in range(count)]
        self._running.update(workers)
        try:
            for worker in workers:
                worker.start()
            alive = count
            while alive:
                item = out.get()
                if item is None:
                    alive -= 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield item
        finally:
            self._end()

    def robots_txt(self, host: str) -> str | None:
        """Return the robots.txt of a host as it is obeyed; None where there is none, as yet."""
        rules = self._known_rules(host)
        return rules.text if rules else None

    def _end(self) -> None:
        """End what still runs: exchanges are cut off, what they brought is not recorded."""
        if not self._running:
            return
        self._stop.set()
        for worker in self._running:
            worker.abort()
        until = time.monotonic() + 2.0
        for worker in self._running:
            # A thread inside the look-up of a name cannot be ended; it dies with the process and
            # records nothing.
            worker.join(max(0.0, until - time.monotonic()))
        if not any(worker.is_alive() for worker in self._running):
            self._stop.clear()  # another fetch may follow
        self._running.clear()

    # One request

    def _rules_of(self, worker: "_Worker", url: str, source: Source) -> Rules:
        """Return the rules of the host of `url`, asking it if need be (a redirect's target)."""
        host = host_of(url)
        rules = self._known_rules(host)
        job = _robots_job(host, source)
        while rules is None:
            try:
                tried = self._attempt(worker, job)
            except (HostBusy, _NotAsked):
                if job.captures:
                    worker.put(Fetched(job.request, job.captures, None))
                raise
            rules = self._known_rules(host)
            if rules is not None:
                break
            wait = self._pause(host, job, tried)
            if wait is None:
                rules = self._settle_rules(host, job)
                worker.put(Fetched(job.request, job.captures, None))
            elif self._stop.wait(wait):
                raise Stopped
        return rules

    def _known_rules(self, host: str) -> Rules | None:
        rules = self._rules.get(host)
        if rules is None or time.time() >= rules.until:
            rules = self._robots.get(host)
            if rules is not None:
                self._rules[host] = rules
        return rules

    def _settle_rules(self, host: str, job: _Job) -> Rules:
        """Conclude the rules of a host from what its robots.txt came to."""
        last = job.captures[-1]
        rules = judge(last.outcome, last.status, job.payload, last.error)
        rules = replace(rules, until=time.time() + KEEP)
        if last.outcome != "blocked_address":  # another source may be allowed to ask it
            self._robots.put(host, rules)
        self._rules[host] = rules
        return rules

    def _pause(self, host: str, job: _Job, tried: _Tried) -> float | None:
        """Return the seconds until the next attempt; None when there is none."""
        settings = self._settings
        if not tried.again or job.tries >= settings.max_attempts:
            return None
        if self._standings.get(host).strained(job.request.kind):
            return None
        backoff: float = settings.backoff * 2 ** (job.tries - 1)
        if tried.wait is None:
            return backoff
        return None if tried.wait > settings.max_retry_after else max(tried.wait, backoff)

    def _own_delay(self, source: Source) -> float:
        own = source.politeness.delay
        return self._settings.delay if own is None else own

    def _polite_delay(self, host: str, source: Source) -> float:
        """Return what the sources and the robots.txt of a host ask for, in seconds."""
        delay = max(self._own_delay(source), self._delays.get(host, 0.0))
        rules = self._rules.get(host)
        return max(delay, rules.delay) if rules else delay

    def _delay(self, host: str, source: Source) -> float:
        """Return the seconds between two requests to a host, its trouble counted in."""
        return max(self._polite_delay(host, source), self._standings.get(host).delay)

    def _check(self, host: str, kind: str) -> None:
        """Raise unless the host may be asked now, as far as it is known here.

        Raises:
            _NotAsked: it asked to wait, or is only probed and was probed enough for now.
        """
        standing, now = self._standings.get(host), time.time()
        words = standing.slowed(kind, now)
        if words:
            self.slowed[host] = words
        wait = standing.wait(now)
        if wait:
            until = datetime.fromtimestamp(standing.not_before, UTC)
            raise _NotAsked(
                "host left alone", f"{host} asks to wait until {until:%Y-%m-%d %H:%M:%S} UTC", wait
            )
        if not standing.may_ask(kind, now):
            raise _NotAsked(
                "host left alone",
                f"{host} {words}",
                concerns=lambda request: group(request.kind) == group(kind),
            )

    def _take(self, host: str, source: Source) -> None:
        """Count a request that is about to be made.

        Raises:
            _NotAsked: the source's budget is used up.
        """
        used = self._budgets.take(source)
        if used:
            raise _NotAsked(
                "budget",
                f"{used}; {host} is not asked more for this run day",
                concerns=lambda request: request.source.name == source.name,
            )

    def _attempt(self, worker: "_Worker", job: _Job) -> _Tried:
        """Try a request once, redirects included.

        Raises:
            HostBusy: another process holds the host.
            _NotAsked: the host may not be asked now, or the source's budget is used up.
            Stopped: the fetch was ended.
            ArchiveError: the archive or the state folder cannot be written to.
        """
        request, settings = job.request, self._settings
        job.tries += 1
        key = request.source.name, request.url
        counted = self._attempts.get(key, 0)
        attempt = job.attempt = max(request.attempts_before, job.attempt, counted) + 1
        url = _absolute(request.url, request.url) or request.url
        host = host_of(url)
        session = worker.robots_session if request.kind == "robots" else worker.session
        session.cookies.clear()  # they live for one attempt
        been: set[tuple[str, str]] = set()
        for hop in itertools.count():
            been.add((url, str(session.cookies.items())))
            try:
                if request.kind != "robots":
                    rules = self._rules_of(worker, url, request.source)
                    why = rules.refusal(url)
                    if why is not None:
                        asked = url if hop else request.url
                        outcome = "robots_unavailable" if rules.refused else "robots"
                        job.captures.append(
                            self._refusal(request, asked, attempt, hop, outcome, why)
                        )
                        return _Tried(asked=hop > 0)
                delay = self._delay(host, request.source)
                bound = 2 * worker.timeout(request) + delay
                with self._leases.hold(host, delay, bound) as lease:
                    if request.kind == "robots" and hop == 0 and self._known_rules(host):
                        job.tries -= 1  # another one asked while we waited
                        return _Tried(asked=False)
                    self._check(host, request.kind)
                    self._take(host, request.source)
                    headers = self._headers(request, url, hop)
                    exchange = worker.exchange(session, request, url, headers, lease)
                    if self._stop.is_set():
                        raise Stopped
                    capture, decoded = self._record(request, exchange, attempt, hop)
                    start = max(self._polite_delay(host, request.source), settings.backoff)
                    if capture.status not in request.absent:
                        self._standings.observe(host, capture, start)
            except (HostBusy, _NotAsked) as refusal:
                if host == host_of(request.url):
                    raise
                log.warning("%s: redirect to %s: %s", request.url, host, refusal)
                return _Tried()
            self._budgets.add(request.source, cost_of(capture.payload_bytes, capture.warc_length))
            if request.kind != "page":
                self._attempts[key] = attempt
            job.captures.append(capture)
            job.payload = decoded.data if decoded else None
            if capture.outcome != "redirect":
                return _judge(request, capture, exchange)
            location = capture.redirect_to or ""
            target = _absolute(location, url)
            if target is None:
                outcome, error = "bad_url", "redirect to no web address"
            elif (target, str(session.cookies.items())) in been:
                outcome, error = "too_many_redirects", "redirects in a circle"
            elif hop >= settings.max_redirects:
                outcome = "too_many_redirects"
                error = f"more than {settings.max_redirects} redirects"
            else:
                url, host = target, host_of(target)
                continue
            job.captures.append(
                self._refusal(request, target or location, attempt, hop + 1, outcome, error)
            )
            return _Tried()
        raise AssertionError("unreachable")

    def _headers(self, request: Request, url: str, hop: int) -> dict[str, str]:
        headers = {
            "User-Agent": self._user_agent,
            "Accept": _ACCEPT,
            "Accept-Encoding": ACCEPT,
        }
        if request.sink is not None:
            headers["Accept-Encoding"] = "identity"  # bytes are counted, to go on after a break
            if request.sink.position:
                headers["Range"] = f"bytes={request.sink.position}-"
        if not _is_conditional(request, url if hop else request.url):
            return headers
        if request.etag and _HEADER_VALUE.fullmatch(request.etag):
            headers["If-None-Match"] = request.etag
        if request.last_modified and _HEADER_VALUE.fullmatch(request.last_modified):
            headers["If-Modified-Since"] = request.last_modified
        return headers

    def _record(
        self, request: Request, exchange: transport.Exchange, attempt: int, hop: int
    ) -> tuple[Capture, Decoded | None]:
        """Write an exchange to WARC; return its row, and its body with the coding undone."""
        run_day = self._run_day or exchange.began.date()
        headers = parse_head(exchange.lines) if exchange.status is not None else []
        location = header(headers, "location")
        conditional = _is_conditional(request, exchange.url if hop else request.url)
        outcome, error = _outcome(exchange, location, conditional)
        poured = request.sink is not None and exchange.status in (200, 206)
        if poured and exchange.outcome is None:
            outcome, error = "ok", None
        decoded: Decoded | None = None
        if exchange.status is not None and exchange.status != 304:
            limit = MOST_BYTES if request.kind == "robots" else self._most_bytes
            decoded = decode(exchange.body, header(headers, "content-encoding"), limit)
            if outcome == "ok" and decoded.problem:
                outcome, error = decoded.problem, decoded.error
        whole = decoded is not None and not decoded.problem and not exchange.truncated
        digest = sha256(decoded.data).hexdigest() if decoded and whole and not poured else None
        stored = self._store(run_day, exchange) if request.keep else None
        row = self._row(
            request,
            exchange.url if hop else request.url,
            attempt,
            hop,
            outcome,
            error,
            at=_served_at(request, exchange, headers),
            status=exchange.status,
            digest=digest,
        )
        size = len(decoded.data) if decoded and whole else None
        capture = replace(
            row,
            elapsed_ms=exchange.elapsed_ms,
            redirect_to=_shown(location, exchange.url) if outcome == "redirect" else None,
            content_type=header(headers, "content-type"),
            etag=header(headers, "etag"),
            last_modified=header(headers, "last-modified"),
            payload_bytes=request.sink.position if request.sink and poured else size,
            retry_after_s=self._retry_after(exchange, header(headers, "retry-after")),
            warc_path=stored.path if stored else None,
            warc_offset=stored.offset if stored else None,
            warc_length=stored.length if stored else None,
            warc_record_id=stored.record_id if stored else None,
            record_sha256=stored.sha256 if stored else None,
        )
        return capture, decoded

    def _retry_after(self, exchange: transport.Exchange, stated: str | None) -> float | None:
        """Return the seconds that a host asks to wait, or wants by what is known of it."""
        if stated:
            return _seconds(stated, datetime.now(UTC))
        host = host_of(exchange.url)
        if exchange.status == 429 and self._patience[host]:
            return self._patience[host] * 2.0 ** self._standings.get(host).failures
        return None

    def _store(self, run_day: date, exchange: transport.Exchange) -> Stored | None:
        if exchange.status is not None:
            return self._warc.write_exchange(
                run_day,
                exchange.url,
                exchange.began,
                ip=exchange.ip,
                request=exchange.sent,
                head=stored_head(exchange.lines),
                body=exchange.body,
                truncated=exchange.truncated,
            )
        received = b"".join(exchange.lines)
        if not received:
            return None
        return self._warc.write_resource(  # not HTTP, or cut off before the head was whole
            run_day,
            exchange.url,
            received,
            "application/octet-stream",
            exchange.began,
            ip=exchange.ip,
            truncated="time" if exchange.outcome == "timeout" else "unspecified",
        )

    def _refusal(
        self, request: Request, url: str, attempt: int, hop: int, outcome: str, error: str
    ) -> Capture:
        """Make the row of a wish that was not asked."""
        return self._row(request, url, attempt, hop, outcome, error, at=datetime.now(UTC))

    def _row(
        self,
        request: Request,
        url: str,
        attempt: int,
        hop: int,
        outcome: str,
        error: str | None,
        *,
        at: datetime,
        status: int | None = None,
        digest: str | None = None,
    ) -> Capture:
        run_day = self._run_day or at.date()
        name, visit = request.source.name, request.visit
        return Capture(
            run_day=run_day,
            # Of the address wished for, not of the redirect's target: two may lead to the same.
            capture_id=capture_id(
                run_day, name, request.url, visit, attempt, hop, outcome, status, digest
            ),
            source=name,
            kind=request.kind,
            url=request.page or url,
            link_id=request.link_id,
            listing=request.listing,
            route=request.route,
            visit=visit,
            attempt=attempt,
            hop=hop,
            outcome=outcome,
            captured_at=at,
            status=status,
            payload_sha256=digest,
            error=_one_line(error),
            provider=request.provider if request.kind == "page" else None,
            asked_url=url if request.page else None,
        )

    def _step(self, worker: "_Worker", host: _Host) -> float:
        """Make one attempt at a host's first request; return the seconds until the next."""
        job = host.job()
        source = job.request.source
        before = job.tries, job.attempt, len(job.captures)
        try:
            self._check(host.name, job.request.kind)
            wait = self._leases.left(host.name, self._delay(host.name, source))
            if wait > _LONG:
                return wait
            if job.request.kind != "robots" and self._known_rules(host.name) is None:
                job = _robots_job(host.name, source)
                host.begun.append(job)
                before = 0, 0, 0
            if host.strained is None:
                host.strained = self._standings.get(host.name).strained(job.request.kind)
            tried = self._attempt(worker, job)
        except HostBusy as busy:
            return self._leave(worker, host, _NotAsked("host busy", str(busy)))
        except _NotAsked as not_asked:
            if not_asked.wait <= self._settings.max_retry_after:
                if len(job.captures) == before[2]:
                    job.tries, job.attempt, _ = before
                return not_asked.wait
            return self._leave(worker, host, not_asked)
        except (ArchiveError, Stopped):
            raise
        except Exception as error:
            log.debug("%s: unexpected", job.request.url, exc_info=True)
            hop = sum(c.attempt == job.attempt for c in job.captures)
            words = f"{type(error).__name__}: {error}"
            job.captures.append(
                self._refusal(job.request, job.request.url, job.attempt, hop, "broken", words)
            )
            tried = _Tried()
        pause = self._pause(host.name, job, tried)
        if pause is not None:
            log.info("%s: %s; again in %g s", job.request.url, _brief(job.captures[-1]), pause)
            return pause
        host.begun.pop()
        body: bytes | None = None
        if job.request.kind == "robots":
            if job.captures and self._known_rules(host.name) is None:
                self._settle_rules(host.name, job)
        elif job.captures[-1].outcome == "ok":
            body = job.payload
        if job.captures:
            worker.put(Fetched(job.request, job.captures, body))
        if tried.trouble or tried.refused:
            host.failures += 1
        elif tried.asked:
            host.failures, host.strained = 0, False
        if not host.is_done and job.request.kind != "robots":
            reason = self._given_up(host, tried)
            if reason is not None:
                return self._leave(worker, host, reason)
        return 0.0 if host.is_done or not tried.asked else self._delay(host.name, source)

    def _given_up(self, host: _Host, tried: _Tried) -> _NotAsked | None:
        """Say why a host is left alone for the rest of this run; None when it is not."""
        why = "host left alone"
        if (tried.wait or 0.0) > self._settings.max_retry_after:
            return _NotAsked(why, f"{host.name} asks to wait {tried.wait:g} s")
        enough = _REFUSED_ENOUGH if tried.refused else _GIVE_UP_AFTER
        if host.failures < (_STRAINED_ENOUGH if host.strained else enough):
            return None
        what = "refuses (status 403)" if tried.refused else "does not answer"
        return _NotAsked(why, f"{host.name} {what}, {host.failures} requests in a row")

    def _leave(self, worker: "_Worker", host: _Host, reason: _NotAsked) -> float:
        """Leave a host alone for this run: what it was not asked stays open."""
        left = 0
        for job in host.left(reason.concerns):
            left += 1
            if job.captures:
                worker.put(Fetched(job.request, job.captures, None))
            elif job.request.kind != "robots":
                worker.put(Fetched(job.request, [], None, reason.why, reason.detail))
        log.warning("%s; %d requests are left for another run", reason.detail, left)
        return 0.0


class _Line:
    """The hosts, by the time from which each may be asked."""

    def __init__(self, hosts: Iterable[_Host], stop: threading.Event) -> None:
        self._heap = [(0.0, n, host) for n, host in enumerate(hosts)]
        self._count = itertools.count(len(self._heap))
        self._out = 0
        self._changed = threading.Condition()
        self._stop = stop

    def take(self) -> _Host | None:
        """Wait for a host that may be asked and take it out; None when there will be none."""
        with self._changed:
            while (self._heap or self._out) and not self._stop.is_set():
                if not self._heap:
                    self._changed.wait(1.0)
                    continue
                wait = self._heap[0][0] - time.monotonic()
                if wait <= 0:
                    self._out += 1
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(min(wait, 1.0))
            return None

    def give(self, host: _Host, wait: float) -> None:
        """Put a host back, to be asked in `wait` seconds; one without requests is done."""
        with self._changed:
            self._out -= 1
            if not host.is_done:
                item = (time.monotonic() + wait, next(self._count), host)
                heapq.heappush(self._heap, item)
                self._changed.notify()
            elif not self._heap and not self._out:
                self._changed.notify_all()


class _Worker(threading.Thread):
    """One thread of a fetch."""

    def __init__(
        self, fetcher: Fetcher, line: _Line, out: "queue.Queue[Fetched | BaseException | None]"
    ) -> None:
        super().__init__(name="fetch", daemon=True)
        self._fetcher = fetcher
        self._line = line
        self._out = out
        self._current: transport.Exchange | None = None
        self._aborted = False
        self.session = transport.Session(fetcher._adapter)
        self.robots_session = transport.Session(fetcher._adapter)

    def run(self) -> None:
        last: BaseException | None = None
        try:
            while (host := self._line.take()) is not None:
                wait = self._fetcher._step(self, host)
                self._line.give(host, wait)
        except Stopped:
            return
        except BaseException as error:
            last = error
        try:
            self.put(last)
        except Stopped:
            return

    def put(self, item: Fetched | BaseException | None) -> None:
        """Hand over to the caller of `fetch`, waiting until there is room."""
        while not self._aborted:
            try:
                self._out.put(item, timeout=0.5)
            except queue.Full:
                continue
            return
        raise Stopped

    def exchange(
        self,
        session: transport.Session,
        request: Request,
        url: str,
        headers: dict[str, str],
        lease: Lease,
    ) -> transport.Exchange:
        """Make one exchange, which `abort`, or the loss of the lease, can cut off."""
        settings = self._fetcher._settings
        limit = self.timeout(request)
        self._current = exchange = transport.Exchange(
            url,
            request.source.allow_private,
            settings.connect_timeout,
            settings.read_timeout,
            limit,
            lease=lease,
        )
        lease.on_loss = exchange.abort
        if self._aborted:
            raise Stopped
        most = MOST_BYTES if request.kind == "robots" else self._fetcher._most_bytes
        transport.run(session, exchange, headers, most, request.sink)
        return exchange

    def timeout(self, request: Request) -> float:
        """Return the seconds that a whole request may take."""
        settings = self._fetcher._settings
        return settings.request_timeout if request.sink is None else settings.stream_timeout

    def abort(self) -> None:
        """End it as soon as can be."""
        self._aborted = True
        if self._current is not None:
            self._current.abort()


def _leases(settings: Settings, stop: threading.Event) -> HostLeases:
    """Return the leases that the settings ask for.

    Raises:
        ArchiveError: their folder or database cannot be used.
    """
    url = settings.leases_url.get_secret_value()
    if not url:
        return Leases(settings.state_dir / "leases", stop)
    # Loaded here: most have no database, and its driver costs each task some time.
    from newsarchive.fetch.shared_leases import SharedLeases

    return SharedLeases(url, settings.lease_seconds, stop)


def _host(url: str) -> str | None:
    """Return the host of a web address; None when it is none."""
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        return None
    if parsed.protocol not in ("http:", "https:") or not parsed.hostname:
        return None
    return host_of(url)


def _absolute(location: str, base: str) -> str | None:
    """Return where a Location leads, without fragment and user; None if to no web address."""
    try:
        parsed = ada_url.URL(location.strip(), base=base)
    except ValueError:
        return None
    if parsed.protocol not in ("http:", "https:") or not parsed.hostname:
        return None
    parsed.username = parsed.password = ""
    return str(parsed.href).partition("#")[0]


def _shown(location: str | None, base: str) -> str | None:
    """Return a redirect's target as an address, or as it stands where it is none."""
    return None if location is None else (_absolute(location, base) or location[:2000])


def _robots_job(host: str, source: Source) -> _Job:
    return _Job(Request(source, "robots", f"{host}/robots.txt"))


def _is_conditional(request: Request, asked: str) -> bool:
    """Say whether an address is asked by validators: another's could hide that a page moved."""
    known = bool(request.etag or request.last_modified)
    return known and request.validated in (None, asked)


def _outcome(
    exchange: transport.Exchange, location: str | None, conditional: bool
) -> tuple[str, str | None]:
    """Return outcome and error of an exchange, its content coding aside."""
    status = exchange.status
    if status is not None and status in _REDIRECTS:
        # Nobody needs the body of a redirect, however it ended.
        return (
            ("redirect", exchange.error)
            if location
            else ("http_error", "redirect without Location")
        )
    if exchange.outcome is not None:
        return exchange.outcome, exchange.error
    if status == 304 and conditional:
        return "not_modified", None
    return ("ok", None) if status in _OK else ("http_error", None)


def _served_at(
    request: Request, exchange: transport.Exchange, headers: Iterable[tuple[str, str]]
) -> datetime:
    """Return when the publisher served the bytes: of an archive's, as it says (RFC 7089)."""
    stated = header(headers, "memento-datetime") if request.page else None
    try:
        at = parsedate_to_datetime(stated) if stated else None
    except (ValueError, TypeError, IndexError, OverflowError):
        at = None
    return at.astimezone(UTC) if at else exchange.began


def _judge(request: Request, capture: Capture, exchange: transport.Exchange) -> _Tried:
    """Say whether another attempt may help."""
    if capture.status in request.absent:
        return _Tried()
    lost = capture.outcome in ("timeout", "connection") or (
        capture.outcome == "broken" and exchange.truncated is not None
    )
    again = lost or (capture.outcome == "http_error" and capture.status in _RETRIED)
    trouble = capture.outcome in ("timeout", "connection", "tls") or (
        capture.outcome == "http_error" and capture.status in _HOST_IN_TROUBLE
    )
    refused = capture.outcome == "http_error" and capture.status == 403
    wait = capture.retry_after_s if again or refused else None
    return _Tried(again=again, wait=wait, trouble=trouble, refused=refused)


def _seconds(retry_after: str, now: datetime) -> float | None:
    """Return what a Retry-After header (seconds or HTTP date) asks for, in seconds."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split())[:500] if text else None


def _brief(capture: Capture) -> str:
    return f"status {capture.status}" if capture.outcome == "http_error" else capture.outcome
