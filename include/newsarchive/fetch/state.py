"""Small files that the processes of this machine share: replaced whole, never half written."""

import os
import tempfile
from pathlib import Path

from newsarchive.errors import ArchiveError


def made(folder: Path) -> Path:
    """Make a folder of the state folder if it is missing, and return it.

    Raises:
        ArchiveError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveError(f"{folder}: {error.strerror}; name another state_dir") from None
    return folder


def replace(path: Path, content: str) -> None:
    """Put `content` into a file; readers see the old file or the new one.

    Raises:
        ArchiveError: the folder cannot be written to.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".new")
        with os.fdopen(handle, "w") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError as error:
        raise ArchiveError(f"{path.parent}: {error.strerror}; name another state_dir") from None
