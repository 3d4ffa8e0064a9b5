"""Old logs of Airflow's tasks, removed: Airflow itself keeps them for ever."""

import logging
import os
import time
from pathlib import Path

from newsarchive.settings import load

log = logging.getLogger(__name__)


def clear(folder: Path, dry_run: bool = False) -> dict[str, int]:
    """Remove `.log` files that nobody wrote to for `log_days`, and folders that are empty.

    Args:
        folder: of Airflow's logs; links in it are not followed.
        dry_run: only count.

    Returns:
        Files and bytes removed.
    """
    before = time.time() - load().log_days * 86_400
    files = size = 0
    for path, _, names in os.walk(folder, topdown=False):
        for name in names:
            file = Path(path) / name
            found = file.lstat()
            if file.suffix == ".log" and found.st_mtime < before:
                files += 1
                size += found.st_size
                if not dry_run:
                    file.unlink(missing_ok=True)
        if not dry_run and Path(path) != folder and Path(path).stat().st_mtime < before:
            _remove_if_empty(Path(path))
    log.info("%d files, %d bytes %s", files, size, "would be removed" if dry_run else "removed")
    return {"files removed": files, "bytes removed": size}


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # something is in it
