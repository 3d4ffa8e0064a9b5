"""Remember what short texts gave: a site's lines are read again and again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")

LONGEST = 1000
"""Characters of a text that is remembered: a hostile page's millions would stay in memory."""


def remembered(count: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Return a decorator for a pure function of a text: what short texts gave is kept.

    Args:
        count: of how many texts; those asked for longest ago go first.
    """

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        kept = lru_cache(maxsize=count)(function)

        @wraps(function)
        def asked(text: str) -> T:
            return kept(text) if len(text) <= LONGEST else function(text)

        return asked

    return decorate
