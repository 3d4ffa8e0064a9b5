"""Which visits a link is due, and what its visits tell together: one history of versions. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from newsarchive.coverage import REFUSALS, is_definitive
from newsarchive.model import Capture, Reject, Version
from newsarchive.moves import is_replaced, leads_above
from newsarchive.text.identity import version_id

FIRST = "first"
GONE = frozenset({404, 410})
# Fields whose change makes a new version, by the word that `changes` has for it. Not among them is
# what differs on every visit without the article having changed: pointers to other articles, a
# stamp of the last change.
_TELLING = {
    "title": ("title",),
    "text": ("text",),
    "date": ("published_at", "published_day"),
    "authors": ("authors",),
    "section": ("section",),
    "keywords": ("keywords",),
    "summary": ("summary",),
    "image": ("image_url",),
    "origin": ("origin",),
    "moved": ("canonical_url",),
}
# A revisit is due a little early: a daily run begins some minutes sooner or later than the one
# before.
_EARLY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A visit to make, with what its request needs to know of those before."""

    visit: str
    attempts_before: int = 0
    etag: str | None = None
    last_modified: str | None = None
    validated: str | None = None
    """The address that gave them, which redirects may have led to."""


def span_of(revisit: str) -> timedelta:
    """Return how long after the first capture a revisit such as `1d` or `12h` is due."""
    match = re.fullmatch(r"(\d+)([hd])", revisit)
    if not match:
        raise ValueError(f"not a revisit: {revisit!r}; one like 12h or 7d is wanted")
    return timedelta(**{"h": {"hours": int(match[1])}, "d": {"days": int(match[1])}}[match[2]])


def days_back(revisits: Iterable[str]) -> list[int]:
    """Return how many days before a run's own the links lie whose revisits that run may make."""
    return sorted({max(1, -(-span_of(r) // timedelta(days=1))) for r in revisits})


def due(
    captures: Sequence[Mapping[str, Any]],
    revisits: Iterable[str],
    updated_at: datetime | None,
    now: datetime,
    refused: bool = False,
) -> Due | None:
    """Return the visit that a link is due, or None.

    Args:
        captures: rows of `captures` of the link's visits on its run day, redirects left out.
        revisits: of its source, as `1d`.
        updated_at: when a listing said that the page changed.
        now: the present.
        refused: whether its host refuses nearly all, so that a refusal of this page ends no visit.
    """
    ordered = sorted(captures, key=lambda r: (r["captured_at"], r["attempt"]))
    tries: dict[str, int] = {}
    ended: set[str] = set()
    for row in ordered:
        tries[row["visit"]] = max(tries.get(row["visit"], 0), row["attempt"])
        final = is_definitive(row["outcome"], row["status"])
        if refused and row["status"] in REFUSALS:
            final = False
        if row["outcome"] == "not_modified" or final:
            ended.add(row["visit"])
    held = [r for r in ordered if r["outcome"] == "ok"]
    if not held:
        return None if FIRST in ended else Due(FIRST, tries.get(FIRST, 0))
    if ordered[-1]["status"] in GONE:
        return None
    first = held[0]["captured_at"]
    seen = max(r["captured_at"] for r in ordered if r["outcome"] in ("ok", "not_modified"))
    asked = [r for r in revisits if now >= first + span_of(r) - _EARLY]
    # Of several that are due, only the latest has anything to tell; an earlier one that was missed
    # stays missed.
    visit = max(asked, key=span_of, default=None)
    if visit in ended or (visit and seen >= first + span_of(visit) - _EARLY):
        visit = None
    if visit is None and updated_at is not None and updated_at > seen:
        visit = f"updated {updated_at:%Y-%m-%dT%H:%M:%SZ}"
        if visit in ended:
            visit = None
    if visit is None:
        return None
    latest = held[-1]
    known = latest["etag"], latest["last_modified"]
    return Due(visit, tries.get(visit, 0), *known, latest["url"] if any(known) else None)


def history(
    visits: Iterable[tuple[Capture, Sequence[Version | Reject]]],
) -> list[Version | Reject]:
    """Return the versions that one link's visits tell together, or one reject where none does.

    A visit that found the page as it was adds no version: it moves `seen_until` of the one before.
    404 or 410 after a version is a version of its own, `gone`; so is a redirect to the home page,
    to a page above it, or to another article. A visit that failed otherwise changes nothing. The
    article keeps the identity that its first version gave it.

    Args:
        visits: in any order, each capture with what parsing made of it (nothing, for a 304).
    """
    versions: list[Version] = []
    latest: dict[int, int] = {}  # part -> index of its latest version
    reject: Reject | None = None
    for capture, made in sorted(visits, key=lambda v: (v[0].captured_at, v[0].attempt, v[0].hop)):
        if capture.outcome == "not_modified":
            _seen(versions, latest, capture.captured_at)
            continue
        found = sorted((m for m in made if isinstance(m, Version)), key=lambda v: v.part)
        before = versions[latest[0]] if 0 in latest else None
        if before and _is_gone(before, found, capture):
            if before.state == "live":
                _add(versions, latest, _gone(before, capture))
            else:
                _seen(versions, {0: latest[0]}, capture.captured_at)
            continue
        if not found and not versions:
            reject = next((m for m in made if isinstance(m, Reject)), reject)
        for version in found:
            _follow(versions, latest, version)
    if versions:
        return list(versions)
    return [reject] if reject else []


def _is_gone(before: Version, found: Sequence[Version], capture: Capture) -> bool:
    """Say whether a visit found that the article is no longer there."""
    if found:
        return found[0].part == 0 and is_replaced(before, found[0], capture)
    return capture.status in GONE or (capture.outcome == "ok" and leads_above(before, capture))


def _follow(versions: list[Version], latest: dict[int, int], version: Version) -> None:
    if version.part not in latest:
        parent = versions[latest[0]].article_id if version.part and 0 in latest else None
        _add(versions, latest, replace(version, changes=[], parent_article_id=parent))
        return
    before = versions[latest[version.part]]
    changes = [
        word for word, names in _TELLING.items() if any(_differ(before, version, n) for n in names)
    ]
    if before.state == "gone":
        changes.append("back")
    if not changes:
        _seen(versions, {version.part: latest[version.part]}, version.captured_at)
        return
    identity = before.article_id
    _add(
        versions,
        latest,
        replace(
            version,
            article_id=identity,
            version_id=version_id(identity, version.payload_sha256),
            parent_article_id=before.parent_article_id,
            changes=changes,
        ),
    )


def _differ(before: Version, after: Version, name: str) -> bool:
    return bool(getattr(before, name) != getattr(after, name))


def _add(versions: list[Version], latest: dict[int, int], version: Version) -> None:
    latest[version.part] = len(versions)
    versions.append(version)


def _seen(versions: list[Version], latest: Mapping[int, int], at: datetime) -> None:
    for index in latest.values():
        if at > versions[index].seen_until:
            versions[index] = replace(versions[index], seen_until=at)


def _gone(before: Version, capture: Capture) -> Version:
    return replace(
        before,
        version_id=version_id(before.article_id, f"gone after {before.version_id}"),
        visit=capture.visit,
        state="gone",
        changes=["gone"],
        payload_sha256=capture.payload_sha256 or "",
        capture_id=capture.capture_id,
        captured_at=capture.captured_at,
        seen_until=capture.captured_at,
        warc_path=capture.warc_path or "",
        warc_offset=capture.warc_offset or 0,
        warc_length=capture.warc_length or 0,
        record_sha256=capture.record_sha256 or "",
    )
