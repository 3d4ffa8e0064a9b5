"""Seeded choices: the same ones for the same key, on every machine and Python version."""

import random
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Draw:
    """A stream of choices that is a function of its key alone."""

    def __init__(self, *key: object) -> None:
        """Start the stream of `key`, whose parts count as they print."""
        # Only seed() of a string and random() are promised to stay as they are from one Python to
        # the next, so everything below is made of random(). Nothing here is a secret.
        self._random = random.Random("/".join(str(k) for k in key)).random  # noqa: S311

    def number(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return True with that probability."""
        return self._random() < probability

    def pick(self, options: Sequence[_T]) -> _T:
        """Return one of the options."""
        return options[self.number(0, len(options) - 1)]

    def shuffled(self, options: Sequence[_T]) -> list[_T]:
        """Return all the options in another order."""
        keyed = [(self._random(), option) for option in options]
        return [option for _, option in sorted(keyed, key=lambda pair: pair[0])]
