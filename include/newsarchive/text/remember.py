"""Remember what short texts gave: a site's lines are read again and again."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONGEST = 1000
"""Characters of a text that is remembered: a hostile page's millions would stay in memory."""


def remembered(count: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Return a decorator for a pure function of a text: what short texts gave is kept.

    Args:
        count: of how many texts; all go when one more comes.
    """

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        class Kept(dict[str, T]):
            def __missing__(self, text: str) -> T:
                given = function(text)
                if len(text) <= LONGEST:
                    if len(self) >= count:
                        self.clear()
                    self[text] = given
                return given

        # A page asks thousands of times: what is kept is found without a call of Python.
        return Kept().__getitem__

    return decorate
