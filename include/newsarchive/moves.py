"""Articles that moved to another address: what is a move, and which ids are one article. Pure.

A version that is found at another address than the one before it says: what is listed there by
itself (the *alias*) is the article that was here. Versions keep the id that they were parsed with;
articles are shown under the one that remains.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from newsarchive.model import Alias, Capture, Reject, Version
from newsarchive.text.folding import bare
from newsarchive.text.identity import article_id, clean_url, is_home
from newsarchive.text.likeness import likeness

MOVED, RETITLED, PARSER = "moved", "retitled", "parser"
_LIKE = 0.5  # likeness of two texts, one of which is the other corrected
_LIKE_ENOUGH = 0.2  # the same where the headline did not change


def aliases_of(told: Sequence[Version | Reject]) -> list[Alias]:
    """Return what the history of one link says of other ids of its articles.

    Args:
        told: versions in order of time, as `visits.history` returns them.
    """
    found: list[Alias] = []
    before: dict[int, Version] = {}
    for version in told:
        if not isinstance(version, Version):
            continue
        earlier = before.get(version.part)
        before[version.part] = version
        if earlier is None or "moved" not in version.changes:
            continue
        alias = article_id(version.source, _address(version), version.part)
        reason = _reason(earlier, version)
        if reason and alias != version.article_id:
            found.append(Alias(version.run_day, alias, version.article_id, reason))
    return found


def is_replaced(before: Version, after: Version, capture: Capture) -> bool:
    """Say whether a visit was redirected to what is not the article that was there before."""
    if not capture.hop or _same_place(_address(before), _address(after)):
        return False
    return _reason(before, after) is None


def leads_above(before: Version, capture: Capture) -> bool:
    """Say whether a visit was redirected to the home page, or to a page above the article's."""
    if not capture.hop:
        return False
    end = urlsplit(clean_url(capture.url) or capture.url)
    if end.query:
        return False
    above = end.path.rstrip("/") + "/"
    own = urlsplit(_address(before))
    return above == "/" or (own.netloc == end.netloc and own.path.rstrip("/").startswith(above))


def remaining(
    first_run_day: Mapping[str, date], aliases: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Return under which id each id is shown that is not shown under its own.

    Of the ids of one article that remains which no other one became; of several (it stood at two
    addresses before), or none (it moved in a circle), the one with the earliest run day, then the
    smallest. An alias whose headline changed with the move counts only where no other article
    claims to have moved there: several that do have ended at a page of another kind.

    Args:
        first_run_day: of each id that has versions, the first run day with one.
        aliases: rows of `aliases` with these ids, in any order; those of other reasons than a move
            count for nothing.
    """
    claims: dict[str, set[str]] = {}
    one = _Groups()
    counted: set[tuple[str, str]] = set()
    for row in aliases:
        alias, identity = row["alias_id"], row["article_id"]
        if row["reason"] in (MOVED, RETITLED) and alias != identity:
            claims.setdefault(alias, set()).add(identity)
            if row["reason"] == MOVED:
                one.join(alias, identity)
                counted.add((alias, identity))
    waiting = set(claims)
    while agreed := {a for a in waiting if len({one.of(i) for i in claims[a]}) == 1}:
        for alias in agreed:
            for identity in claims[alias]:
                one.join(alias, identity)
                counted.add((alias, identity))
        waiting -= agreed
    became = {alias for alias, _ in counted}
    best: dict[str, tuple[bool, date, str]] = {}
    for identity, day in first_run_day.items():
        rank = identity in became, day, identity
        group = one.of(identity)
        best[group] = min(best.get(group, rank), rank)
    shown = {i: best[one.of(i)][2] for i in one.members() if one.of(i) in best}
    return {i: other for i, other in shown.items() if i != other}


class _Groups:
    """Ids that belong together."""

    def __init__(self) -> None:
        self._leader: dict[str, str] = {}

    def of(self, identity: str) -> str:
        leader = identity
        while self._leader.get(leader, leader) != leader:
            leader = self._leader[leader]
        return leader

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self._leader[first] = self._leader[second] = first
        self._leader.setdefault(one, first)
        self._leader.setdefault(other, first)

    def members(self) -> Iterable[str]:
        return self._leader


def _address(version: Version) -> str:
    return version.canonical_url or version.url


def _reason(before: Version, after: Version) -> str | None:
    """Return the reason of an alias where a version is the article that another was; else None."""
    if _same_place(_address(before), _address(after)):
        return MOVED
    if is_home(_address(after)):
        return None  # whatever it shows
    common = likeness(before.text, after.text)
    if bare(before.title) == bare(after.title) and common >= _LIKE_ENOUGH:
        return MOVED
    return RETITLED if common >= _LIKE else None


def _same_place(one: str, other: str) -> bool:
    """Say whether two addresses differ in their scheme, `www.` or a last slash alone."""
    return _bare_address(one) == _bare_address(other)


def _bare_address(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.netloc.removeprefix("www."), parts.path.rstrip("/"), parts.query
