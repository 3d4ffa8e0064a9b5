"""The newspapers' clock, and the years in which there are any."""

from datetime import UTC, date, datetime

from newsarchive.errors import SettingsError

FIRST_YEAR, LAST_YEAR = 1902, 8999
"""Before, time zones had odd seconds; behind, the calendar ends."""


def has_newspapers(day: date) -> bool:
    """Say whether anything is published on a day; the margins are for neighbours."""
    return FIRST_YEAR - 1 <= day.year <= LAST_YEAR + 1


def moment_shown(now: datetime | None) -> datetime:
    """Return what a clock set to `now` shows: UTC, whole seconds; the real time for None.

    Raises:
        SettingsError: the year is out of range.
    """
    if now is None:
        return datetime.now(UTC).replace(microsecond=0)
    moment = now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise SettingsError(f"the clock shows {FIRST_YEAR} to {LAST_YEAR}, not {now.isoformat()}")
    return moment.replace(microsecond=0)
