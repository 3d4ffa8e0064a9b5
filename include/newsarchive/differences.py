"""What another parse of the same bytes changes: articles gained, lost and moved, fields. Pure."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import takewhile
from typing import Any

FIELDS = (
    "title",
    "text",
    "canonical_url",
    "authors",
    "published_at",
    "published_day",
    "published_precision",
    "modified_at",
    "summary",
    "keywords",
    "section",
    "language",
    "image_url",
    "origin",
    "related",
    "cited_agencies",
)
"""Columns of versions that are compared: what a page says, not how that was found."""
MOST_SAMPLES = 3
"""Samples that are kept of each kind of difference."""
NOT_PARSED = "not parsed"
_LONGEST = 160  # characters of a sample's value
_LEAD = 30  # characters before the first that differs

_Row = Mapping[str, Any]
_Key = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One difference: what was there before, and what is there now."""

    run_day: date
    source: str
    url: str
    part: int
    before: str | None
    after: str | None

    @property
    def rank(self) -> str:
        """Orders samples by nothing that pages have in common, so that few show many sources."""
        return hashlib.sha256(f"{self.source} {self.url} {self.part}".encode()).hexdigest()


@dataclass(slots=True)
class Differences:
    """What differs between two parses of the same bytes.

    An article counts once for each link that leads to it, as it was found there last.
    """

    by_source: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How many articles were there before and after, and were gained, lost, moved, changed."""
    lost: Counter[str] = field(default_factory=Counter)
    """By the reason for which their pages are rejected now."""
    gained: Counter[str] = field(default_factory=Counter)
    """By the reason for which their pages were rejected before."""
    rejected_otherwise: Counter[str] = field(default_factory=Counter)
    """Pages that were no article and are none: `reason before → reason now`."""
    fields: Counter[str] = field(default_factory=Counter)
    """Articles of before and after whose field differs, by its name."""
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    """A few of each kind: gained, lost, moved, and names of fields."""

    @property
    def counts(self) -> Counter[str]:
        """The counts of all sources together."""
        total: Counter[str] = Counter()
        for counter in self.by_source.values():
            total.update(counter)
        return total

    def add(self, other: "Differences") -> None:
        """Take in what differs elsewhere."""
        for source, counter in other.by_source.items():
            self.by_source[source].update(counter)
        self.lost.update(other.lost)
        self.gained.update(other.gained)
        self.rejected_otherwise.update(other.rejected_otherwise)
        self.fields.update(other.fields)
        for kind, samples in other.samples.items():
            for sample in samples:
                self.sample(kind, sample)

    def sample(self, kind: str, sample: Sample) -> None:
        """Keep a sample of a kind of difference, if there is room for it."""
        kept = self.samples[kind]
        kept.append(sample)
        kept.sort(key=lambda s: s.rank)
        del kept[MOST_SAMPLES:]

    def in_words(self) -> list[str]:
        """Return a line for each kind of difference, the most frequent of its cases first."""
        counts = self.counts
        lines = [f"{counts['before']} articles before, {counts['after']} after"]
        for name, words, cases in (
            ("gained", "gained, rejected before as", self.gained),
            ("lost", "lost, rejected now as", self.lost),
        ):
            if counts[name]:
                lines.append(f"{counts[name]} {words}: {_listed(cases)}")
        if counts["moved"]:
            lines.append(f"{counts['moved']} moved to another day")
        if counts["changed"]:
            lines.append(f"{counts['changed']} changed: {_listed(self.fields)}")
        if self.rejected_otherwise:
            number = self.rejected_otherwise.total()
            lines.append(f"{number} rejected otherwise: {_listed(self.rejected_otherwise)}")
        return lines


def compare(
    versions_before: Iterable[_Row],
    rejects_before: Iterable[_Row],
    versions_after: Iterable[_Row],
    rejects_after: Iterable[_Row],
) -> Differences:
    """Return what differs between two parses of the same captures.

    Args:
        versions_before: rows of `versions` of some links, all those of each link on its run day.
        rejects_before: rows of `rejects` of the same links.
        versions_after: what another parse made of them.
        rejects_after: what another parse made of them.
    """
    found = Differences()
    before, after = _latest(versions_before), _latest(versions_after)
    refused_before, refused_after = _reasons(rejects_before), _reasons(rejects_after)
    for key in sorted(before.keys() | after.keys()):
        source, url, _ = key
        old, new = before.get(key), after.get(key)
        counts = found.by_source[source]
        counts["before"] += old is not None
        counts["after"] += new is not None
        if old is None and new is not None:
            reason = refused_before.get((source, url), _without_reason(key, before))
            counts["gained"] += 1
            found.gained[reason] += 1
            found.sample("gained", _sample(new, reason, new["title"]))
        elif new is None and old is not None:
            reason = refused_after.get((source, url), _without_reason(key, after))
            counts["lost"] += 1
            found.lost[reason] += 1
            found.sample("lost", _sample(old, old["title"], reason))
        elif old is not None and new is not None:
            _compare_article(found, counts, old, new)
    for (source, url), reason in refused_after.items():
        earlier = refused_before.get((source, url))
        if earlier and earlier != reason:
            found.rejected_otherwise[f"{earlier} → {reason}"] += 1
    return found


def _compare_article(found: Differences, counts: Counter[str], old: _Row, new: _Row) -> None:
    # As `articles.merge` files an article that has one version.
    days = old["published_day"] or old["run_day"], new["published_day"] or new["run_day"]
    if days[0] != days[1]:
        counts["moved"] += 1
        found.sample("moved", _sample(new, str(days[0]), str(days[1])))
    changed = [n for n in FIELDS if (old.get(n) or None) != (new.get(n) or None)]
    counts["changed"] += bool(changed)
    found.fields.update(changed)
    for name in changed:
        found.sample(name, _sample(new, *_apart(_shown(old.get(name)), _shown(new.get(name)))))


def _latest(versions: Iterable[_Row]) -> dict[_Key, _Row]:
    ordered = sorted(versions, key=lambda v: (v["seen_until"], v["captured_at"]))
    return {(v["source"], v["url"], v["part"]): v for v in ordered}


def _reasons(rejects: Iterable[_Row]) -> dict[tuple[str, str], str]:
    return {(r["source"], r["url"]): r["reason"] for r in rejects}


def _without_reason(key: _Key, others: Mapping[_Key, _Row]) -> str:
    """Why an article has no counterpart where its page was not rejected."""
    source, url, part = key
    return "embedded" if part and (source, url, 0) in others else NOT_PARSED


def _sample(row: _Row, before: str | None, after: str | None) -> Sample:
    return Sample(row["run_day"], row["source"], row["url"], row["part"], before, after)


def _shown(value: Any) -> str | None:
    match value:
        case None | []:
            return None
        case list():
            return ", ".join(map(str, value))
        case datetime():
            return value.isoformat(" ")
        case _:
            return str(value)


def _apart(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Cut two values to where they begin to differ."""
    if before is None or after is None:
        return _cut(before, 0), _cut(after, 0)
    if max(len(before), len(after)) <= _LONGEST:
        return before, after
    same = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    start = max(0, sum(1 for _ in same) - _LEAD)
    return _cut(before, start), _cut(after, start)


def _cut(text: str | None, start: int) -> str | None:
    if text is None:
        return None
    end = start + _LONGEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"


def _listed(cases: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in cases.most_common())
