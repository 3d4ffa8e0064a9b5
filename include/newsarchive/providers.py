"""Who is asked for a page's bytes next: the publisher, or an archive of pages. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from newsarchive.coverage import REFUSALS, is_definitive

LIVE = "live"
ASKED = ("live", "wayback")
"""Those that are asked for a single page; the others give what they have all at once."""
# What a publisher does not let us have from itself we do not take from somebody else.
_FOR_ALL = frozenset({"robots", "robots_unavailable", "blocked_address", "bad_url"})


def provider_of(row: Mapping[str, Any]) -> str:
    """Return who was asked in a capture of a page."""
    return row["provider"] or LIVE


def next_provider(
    bodies: Sequence[str], rows: Sequence[Mapping[str, Any]], refused: bool = False
) -> str | None:
    """Return who is to be asked for a page that has not been had yet; None when nobody is.

    Args:
        bodies: who may be asked, in order.
        rows: the captures of the page, redirects left out: provider, outcome, status.
        refused: whether its host refuses nearly all, so that a refusal of this page is not final.
    """
    by_provider: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_provider[provider_of(row)].append(row)
    if any(_held(own) for name, own in by_provider.items() if name not in bodies):
        return None  # given by the user, or by an index that came upon it
    for name in bodies:
        own = by_provider[name]
        if _held(own):
            return None
        if any(r["outcome"] in _FOR_ALL for r in own):
            return None
        if name in ASKED and not _ended(own, refused and name == LIVE):
            return name
    return None


def after(bodies: Sequence[str], rows: Sequence[Mapping[str, Any]], provider: str) -> str | None:
    """Return who is asked after one that did not give the page just now, for whatever reason.

    Args:
        bodies: who may be asked, in order.
        rows: the captures of the page before this run.
        provider: the one that did not give it.
    """
    return next_provider(bodies[bodies.index(provider) + 1 :], [*rows], False)


def takes_over(outcome: str | None, why: str | None) -> bool:
    """Say whether another may be asked for a page after a request for it ended.

    Args:
        outcome: of its last capture; None where nothing was asked.
        why: why nothing was asked.
    """
    if outcome is None:
        return why == "host left alone"
    return outcome != "ok" and outcome not in _FOR_ALL


def _held(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(r["outcome"] == "ok" for r in rows)


def _ended(rows: Sequence[Mapping[str, Any]], refused: bool) -> bool:
    return any(
        is_definitive(r["outcome"], r["status"]) and not (refused and r["status"] in REFUSALS)
        for r in rows
    )
