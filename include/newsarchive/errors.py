"""Errors that a person can act on: one line that says what is wrong and what to do."""


class ArchiveError(Exception):
    """Anything the user can mend; the command line prints its text and no traceback."""


class SettingsError(ArchiveError):
    """A setting that cannot be used."""


class SourceError(ArchiveError):
    """A source file that cannot be used; the text names file and key."""


class Conflict(ArchiveError):
    """Another writer was first too often; what is on disk is whole, running again finishes it."""


class RunFailed(ArchiveError):
    """Everything is safe, but a required source failed on the day, or too many did."""


class Unavailable(ArchiveError):
    """The object store does not answer, or refuses; what is in it may be whole. Run it again."""


class Damaged(ArchiveError):
    """A file of the archive is missing, or is not what was written."""


class HostBusy(ArchiveError):
    """Another process holds the host's lease."""
