"""The standing of a host: what its answers so far ask of us, in this process and in later ones.

Three things are remembered. Each refusal or failure doubles the delay between requests, each good
answer halves it. A Retry-After is a time before which nobody asks. And pages (or listings) that
were refused nearly without exception for a day are only probed from then on, a few requests an
hour, which each good answer lets grow, until the host answers again.

A host in good standing, as nearly all are, has no file.
"""

import json
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from newsarchive.fetch import state
from newsarchive.fetch.leases import safe_name
from newsarchive.model import Capture

_HOUR = 3600.0
_DAY = 24 * _HOUR
LONGEST_WAIT = 7 * _DAY
"""Seconds; a Retry-After above is cut to it, so that a wrong date does not end a source."""
PROBES = 3
"""Requests an hour to a host that is only probed."""
STRAINED = 5
"""Failures in a row after which a request is tried once only."""
# A good answer outweighs ten bad ones: a spell is when more than nine of ten are bad.
_GOOD_WEIGHS = 10
_HEAVIEST = 100  # so that ten good answers in a row end any spell
_ENOUGH = 10  # bad answers, before a day of them means anything


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which nearly every answer for pages, or for listings, was bad."""

    since: float
    """Time of the first of them, seconds since 1970."""
    weight: int
    """One for each bad answer, less ten for each good one; at 0 the spell is over."""
    last: str
    """The latest bad answer, in words."""
    probes: int = PROBES
    """Requests left until the next hour, once it is slowed."""
    refilled: float = 0.0
    """When they were filled up."""

    def slowed(self, now: float) -> bool:
        """Say whether it has lasted for a day, so that the host is only probed."""
        return self.weight >= _ENOUGH and now - self.since >= _DAY


@dataclass(frozen=True, slots=True)
class Standing:
    """What a host's answers so far ask of us. Times are seconds since 1970."""

    delay: float = 0.0
    """Seconds between two requests, where that is more than politeness alone asks; 0: no more."""
    failures: int = 0
    """Bad answers in a row."""
    not_before: float = 0.0
    """Nothing may be asked until then (Retry-After)."""
    spells: dict[str, Spell] = field(default_factory=dict)
    """By what was asked for, pages or listings: a host may refuse the one and give the other."""

    def wait(self, now: float) -> float:
        """Return the seconds in which nothing may be asked; 0 when it may."""
        left = self.not_before - now
        return left if 0 < left <= LONGEST_WAIT else 0.0  # more than that: the clock was set back

    def strained(self, kind: str) -> bool:
        """Say whether the host fails so much, at what is of `kind`, that trying on is no help."""
        spell = self.spells.get(group(kind))
        return self.failures >= STRAINED or (spell is not None and spell.weight >= _ENOUGH)

    def slowed(self, kind: str, now: float) -> str | None:
        """Say since when the host has refused what is of `kind`, if it is only probed for that."""
        what = group(kind)
        spell = self.spells.get(what)
        if spell is None or not spell.slowed(now):
            return None
        since = datetime.fromtimestamp(spell.since, UTC).date()
        return (
            f"has given hardly any {what} since {since} (last: {spell.last}); asked {PROBES} times "
            "an hour at most until it does"
        )

    def may_ask(self, kind: str, now: float) -> bool:
        """Say whether a request of `kind` may be made now, if nothing else forbids it."""
        spell = self.spells.get(group(kind))
        return spell is None or not spell.slowed(now) or _refilled(spell, now).probes > 0


_GOOD = Standing()


def group(kind: str) -> str:
    """Return what a capture of `kind` counts for; robots.txt, which is given to all, for itself."""
    return {"page": "pages", "robots": "robots.txt"}.get(kind, "listings")


def after(standing: Standing, capture: Capture, now: float, start: float, most: float) -> Standing:
    """Return the standing after one more answer.

    Args:
        standing: as it was.
        capture: the exchange: its kind, outcome, status and Retry-After count.
        now: seconds since 1970.
        start: seconds of the delay that the first failure doubles.
        most: seconds of the longest delay.
    """
    good = _is_good(capture)
    if good is None:
        return standing
    if good:
        delay = standing.delay / 2
        changed = replace(standing, delay=delay if delay > start else 0.0, failures=0)
    else:
        changed = replace(
            standing,
            delay=min(2 * max(standing.delay, start), most),
            failures=min(standing.failures + 1, STRAINED),
        )
        if capture.retry_after_s:
            until = now + min(capture.retry_after_s, LONGEST_WAIT)
            changed = replace(changed, not_before=max(until, now + standing.wait(now)))
    if changed.not_before and not changed.wait(now):
        changed = replace(changed, not_before=0.0)
    if capture.kind == "robots":
        return changed
    what = group(capture.kind)
    spells = {k: v for k, v in standing.spells.items() if k != what}
    spell = _spell_after(standing.spells.get(what), good, _words(capture), now)
    return replace(changed, spells=spells | ({what: spell} if spell else {}))


def _spell_after(spell: Spell | None, good: bool, words: str, now: float) -> Spell | None:
    if spell is None or spell.since > now:
        return None if good else Spell(now, 1, words)
    spell = _refilled(spell, now)
    spent = 1 if spell.slowed(now) else 0
    if not good:
        weight = min(spell.weight + 1, _HEAVIEST)
        probes = max(min(spell.probes, PROBES) - spent, 0)
        return replace(spell, weight=weight, probes=probes, last=words)
    weight = spell.weight - _GOOD_WEIGHS
    return replace(spell, weight=weight, probes=spell.probes + spent) if weight > 0 else None


def _refilled(spell: Spell, now: float) -> Spell:
    if 0 <= now - spell.refilled < _HOUR:
        return spell
    return replace(spell, probes=max(spell.probes, PROBES), refilled=now)


def _is_good(capture: Capture) -> bool | None:
    """Say how the host answered; None where that says nothing of the host."""
    outcome, status = capture.outcome, capture.status
    if outcome in ("timeout", "connection", "tls"):
        return False
    if outcome == "http_error" and status is not None:
        return not (status in (403, 429) or status >= 500)
    return True if outcome in ("ok", "not_modified", "too_large") else None


def _words(capture: Capture) -> str:
    return f"status {capture.status}" if capture.outcome == "http_error" else capture.outcome


class Standings:
    """The standing of each host, in a folder that all processes of the machine share.

    Who writes holds the host's lease.
    """

    def __init__(self, folder: Path, most: float) -> None:
        """Use (and make) `folder`; `most` is the longest delay in seconds.

        Raises:
            ArchiveError: the folder cannot be made.
        """
        self._folder = state.made(folder)
        self._most = most
        self._paths: dict[str, Path] = {}
        self._read: dict[str, tuple[tuple[int, int], Standing]] = {}

    def get(self, host: str) -> Standing:
        """Return the standing of a host; a good one where nothing, or nothing sound, is kept."""
        path = self._path(host)
        try:
            found = path.stat()  # asked several times a request: a file is read when it is new
        except OSError:
            return _GOOD
        mark = found.st_ino, found.st_mtime_ns
        known = self._read.get(host)
        if known is None or known[0] != mark:
            known = self._read[host] = mark, self._parse(path)
        return known[1]

    def _parse(self, path: Path) -> Standing:
        try:
            kept = json.loads(path.read_bytes())
            spells = {
                what: Spell(
                    since=float(s["since"]),
                    weight=int(s["weight"]),
                    last=str(s["last"]),
                    probes=int(s["probes"]),
                    refilled=float(s["refilled"]),
                )
                for what, s in kept["spells"].items()
            }
            return Standing(
                delay=min(float(kept["delay"]), self._most),
                failures=int(kept["failures"]),
                not_before=float(kept["not_before"]),
                spells=spells,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return _GOOD

    def observe(self, host: str, capture: Capture, start: float) -> None:
        """Remember how a host answered just now; the caller holds its lease.

        Args:
            host: scheme, name and port.
            capture: the exchange.
            start: seconds of the delay that the first failure doubles.

        Raises:
            ArchiveError: the folder cannot be written to.
        """
        before = self.get(host)
        changed = after(before, capture, time.time(), start, self._most)
        if changed == before:
            return
        path = self._path(host)
        if changed == _GOOD:
            path.unlink(missing_ok=True)
        else:
            state.replace(path, json.dumps({"host": host} | asdict(changed)))

    def _path(self, host: str) -> Path:
        path = self._paths.get(host)
        if path is None:
            path = self._paths[host] = self._folder / f"{safe_name(host)}.json"
        return path
