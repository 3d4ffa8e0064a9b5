"""Errors that a person can act on: one line that says what is wrong and what to do."""


class ArchiveError(Exception):
    """Anything the user can mend; the command line prints its text and no traceback."""


class SettingsError(ArchiveError):
    """A setting that cannot be used."""


class SourceError(ArchiveError):
    """A source file that cannot be used; the text names file and key."""


class Conflict(ArchiveError):  # noqa: N818 - the design's own word
    """Another writer was first too often; what is on disk is whole, and running again finishes the work."""


class HostBusy(ArchiveError):  # noqa: N818 - a state, not a fault
    """Another process holds the host's lease."""
