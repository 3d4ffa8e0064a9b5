"""What a step did, by source: small numbers for Airflow, a table for people."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date


@dataclass(slots=True)
class Outcome:
    """Counts of one step, by source."""

    step: str
    days: list[date]
    """The days it worked on: run days, and for `publish` the article days it changed."""
    by_source: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    notes: list[str] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)
    """Bytes that came over the network, by source."""

    def add(self, source: str, what: str, number: int = 1) -> None:
        """Count `number` more of `what` for a source."""
        self.by_source[source][what] += number

    def counts(self) -> dict[str, int]:
        """Return the totals over all sources, by what was counted."""
        total: Counter[str] = Counter()
        for counter in self.by_source.values():
            total.update(counter)
        return dict(sorted(total.items()))

    def joined(self, others: "Iterable[Outcome]") -> "Outcome":
        """Return what this step and others of its kind did together."""
        both = Outcome(self.step, list(self.days), notes=list(self.notes))
        for each in (self, *others):
            both.days = sorted({*both.days, *each.days})
            both.notes += each.notes if each is not self else []
            both.received.update(each.received)
            for source, counts in each.by_source.items():
                both.by_source[source].update(counts)
        return both

    def table(self) -> str:
        """Return a plain table, a line per source and a line of totals."""
        what = list(dict.fromkeys(w for c in self.by_source.values() for w in c))
        rows = [[name, *(str(c[w]) for w in what)] for name, c in sorted(self.by_source.items())]
        if len(rows) > 1:
            total = self.counts()
            rows.append(["all", *(str(total[w]) for w in what)])
        span = _span(self.days)
        lines = [f"{self.step} {span}".rstrip(), *_aligned([["source", *what], *rows])]
        return "\n".join([*lines, *(f"note: {n}" for n in self.notes)])


def _span(days: Iterable[date]) -> str:
    ordered = sorted(set(days))
    if not ordered:
        return ""
    return (
        str(ordered[0])
        if len(ordered) == 1
        else f"{ordered[0]} … {ordered[-1]} ({len(ordered)} days)"
    )


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            c.ljust(w) if i == 0 else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
