"""How many articles of a day nobody listed: capture-recapture between independent routes. Pure.

`docs/coverage.md` has the formula, what it assumes, and when there is no estimate.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import sqrt

OF_THE_PUBLISHER = frozenset({"feed", "sitemap", "dated", "section", "ccnews"})
"""Routes that go back to the lists of the publisher: Common Crawl too reads feeds and sitemaps."""
OF_OTHERS = frozenset({"gdelt", "wayback"})
"""Routes of those who find pages in their own ways; the Wayback Machine follows GDELT, among
others, so that the two count as one."""
LEAST_IN_BOTH = 7
"""Articles that both must have seen: with fewer the formula's bias is more than some percent."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many articles there were, all told."""

    articles: int
    error: float
    """Standard error, as far as the assumptions hold."""


def estimate(seen: Iterable[Collection[str]]) -> Estimate | None:
    """Return the estimate for one source and day; None where it would be dishonest.

    Args:
        seen: of each article of the day, the routes that listed it.
    """
    first = second = both = 0
    for routes in seen:
        own, other = not OF_THE_PUBLISHER.isdisjoint(routes), not OF_OTHERS.isdisjoint(routes)
        first, second, both = first + own, second + other, both + (own and other)
    if both < LEAST_IN_BOTH:
        return None
    # Chapman's form of the Lincoln-Petersen estimator, and its variance by Seber.
    total = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (
        (first + 1)
        * (second + 1)
        * (first - both)
        * (second - both)
        / ((both + 1) ** 2 * (both + 2))
    )
    return Estimate(round(total), round(sqrt(variance), 1))
