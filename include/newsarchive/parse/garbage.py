"""How a process that parses pages all day keeps its memory: garbage, and what was freed."""

import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress

_NEW_OBJECTS = 100_000
"""Objects made since the last look: a page makes thousands, and nearly none that hold each other,
which are all that is looked for."""
_PAGES = 500
"""Pages after which freed memory goes back; that takes some milliseconds."""


def look_rarely() -> None:
    """Have Python look for garbage rarely, and not among what is there now, which stays.

    For processes that do nothing but parse: it is a twentieth of a page's time. Memory stays the
    same, as what a page leaves behind is freed when its last name is gone.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


class GivingBack:
    """Gives memory back to the system that pages were read in, once in a while.

    The C library keeps what is freed, in ever more pieces as pages differ in size: a third of all
    that a process holds after some thousand of them.
    """

    def __init__(self) -> None:
        """Begin to count pages."""
        self._pages = 0
        self._trim: Callable[[int], int] | None = None
        with suppress(OSError, AttributeError):  # another C library than glibc
            self._trim = ctypes.CDLL(None).malloc_trim

    def count(self) -> None:
        """Count a page that was parsed."""
        self._pages += 1
        if self._pages >= _PAGES:
            self._pages = 0
            if self._trim is not None:
                self._trim(0)
