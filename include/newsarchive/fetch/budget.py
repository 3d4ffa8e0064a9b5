"""The budget of a source: requests and bytes that one run day may cost its publisher."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from newsarchive.settings import Settings
from newsarchive.sources.load import Source

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run day has cost so far."""

    requests: int = 0
    bytes: int = 0


def used_up(source: Source, settings: Settings, spent: Spent) -> str | None:
    """Say which budget of a source is used up, in words; None while it may be asked.

    Args:
        source: whose own limits go before the settings'.
        settings: the limits of all others.
        spent: by all runs of the run day.
    """
    own = source.politeness
    requests = own.max_requests or settings.max_requests
    megabytes = own.max_megabytes or settings.max_megabytes
    if spent.requests >= requests:
        return f"budget of {requests} requests used"
    if spent.bytes >= megabytes * _MB:
        return f"budget of {megabytes:g} MB used"
    return None


def cost_of(payload_bytes: int | None, warc_length: int | None) -> int:
    """Return the bytes that an exchange counts for: its body, or of a broken one what is kept."""
    return payload_bytes if payload_bytes is not None else (warc_length or 0)


class Budgets:
    """What is left of every source's budget during one fetch; shared between its threads."""

    def __init__(self, settings: Settings, spent: Mapping[str, Spent]) -> None:
        """Begin with what the runs before spent, by name of the source."""
        self._settings = settings
        self._spent = dict(spent)
        self._lock = threading.Lock()

    def take(self, source: Source) -> str | None:
        """Count a request that is about to be made; or say why there is none left."""
        with self._lock:
            spent = self._spent.get(source.name, Spent())
            why = used_up(source, self._settings, spent)
            if why is None:
                self._spent[source.name] = replace(spent, requests=spent.requests + 1)
            return why

    def add(self, source: Source, size: int) -> None:
        """Count the bytes that a request brought."""
        with self._lock:
            spent = self._spent.get(source.name, Spent())
            self._spent[source.name] = replace(spent, bytes=spent.bytes + size)
