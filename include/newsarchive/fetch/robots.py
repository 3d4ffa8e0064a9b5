"""robots.txt: what a host lets us ask, and how slowly (RFC 9309)."""

import json
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

from protego import Protego

from newsarchive.fetch import state
from newsarchive.fetch.leases import safe_name
from newsarchive.objects import Folder

TOKEN = "newsarchive"  # noqa: S105 - our name in robots.txt
MOST_BYTES = 500 * 1024
KEEP = 24 * 3600  # seconds that a host's answer holds
LONGEST_DELAY = 60.0  # seconds; a Crawl-delay above is cut to it
# Outcomes that say there is no file to obey, as opposed to one that could not be had.
_NONE = frozenset({"too_many_redirects", "bad_url", "blocked_address"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What one host's robots.txt says to us."""

    text: str | None
    """The file; None where there is none, so that all is allowed."""
    refused: str | None = None
    """Why nothing may be asked in this run: the file could not be had."""
    parsed: Protego | None = None
    until: float = math.inf
    """When they have to be read again, seconds since 1970."""

    def refusal(self, url: str) -> str | None:
        """Say why `url` may not be asked; None when it may."""
        if self.refused:
            return self.refused
        if self.parsed is None or self.parsed.can_fetch(url, TOKEN):
            return None
        return "robots.txt disallows it"

    @property
    def delay(self) -> float:
        """The Crawl-delay in seconds, 60 at most; 0 when there is none."""
        asked = self.parsed.crawl_delay(TOKEN) if self.parsed else None
        return min(max(asked or 0.0, 0.0), LONGEST_DELAY)


def rules_from(text: str | None) -> Rules:
    """Return the rules of a robots.txt; of None, that all is allowed."""
    return Rules(text, parsed=Protego.parse(text)) if text else Rules(None)


def judge(outcome: str, status: int | None, payload: bytes | None, error: str | None) -> Rules:
    """Return what the last exchange of asking for robots.txt means.

    Args:
        outcome: `Capture.outcome` of that exchange.
        status: its HTTP status.
        payload: the body, or as much of it as was read; only the first 500 KiB count.
        error: what went wrong, in words.
    """
    if outcome == "ok" or (outcome == "too_large" and payload):
        return rules_from((payload or b"")[:MOST_BYTES].decode("utf-8-sig", "replace"))
    if outcome in _NONE:
        return Rules(None)
    if outcome == "http_error" and status is not None and status < 500 and status != 429:
        return Rules(None)
    what = f"status {status}" if outcome == "http_error" else outcome
    return Rules(None, f"robots.txt could not be had ({error or what})")


class RobotsCache:
    """What hosts answered in the last 24 hours, shared between processes.

    An answer holds for the archive that keeps it: every archive has the robots.txt that it obeyed.
    """

    def __init__(self, folder: Path, archive: Folder) -> None:
        """Use (and make) `folder`, for an archive.

        Raises:
            ArchiveError: the folder cannot be made.
        """
        self._folder = state.made(folder)
        self._archive = str(archive)

    def get(self, host: str) -> Rules | None:
        """Return the rules of a host that are still valid; None when it has to be asked."""
        try:
            kept = json.loads((self._folder / f"{safe_name(host)}.json").read_bytes())
            age = time.time() - kept["fetched_at"]
            until = kept["fetched_at"] + KEEP
            text, archive = kept["robots"], kept["archive"]
        except (OSError, ValueError, KeyError, TypeError):  # absent or damaged: ask again
            return None
        if not 0 <= age < KEEP or not isinstance(text, str | None) or archive != self._archive:
            return None
        return replace(rules_from(text), until=until)

    def put(self, host: str, rules: Rules) -> None:
        """Keep the rules of a host; not those that could not be had: the next run asks again.

        Raises:
            ArchiveError: the folder cannot be written to.
        """
        if rules.refused:
            return
        content = {
            "host": host,
            "archive": self._archive,
            "fetched_at": time.time(),
            "robots": rules.text,
        }
        state.replace(self._folder / f"{safe_name(host)}.json", json.dumps(content))
