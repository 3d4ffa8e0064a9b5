"""The scheduler in a container: ended when it has lost a worker, so that it is started anew.

Its LocalExecutor starts no task again once a process of it was killed while it waited
(`LostWorkers`). Here the scheduler is then ended, and this program with it: the restart policy of
the container starts both again.
"""

import signal
import subprocess
import sys
import time
from types import FrameType

import psutil

from newsarchive.local.airflow import LostWorkers
from newsarchive.local.processes import LOOK_EVERY

GRACE = 60.0
LOST = 75


def main(argv: list[str] | None = None) -> int:
    """Run a program, the scheduler with all loaded that tasks need by default, until it ends.

    Returns:
        Its exit status; 75 when it had lost a worker; 128 and the signal's number when it was
        ended by one.
    """
    words = argv or [sys.executable, "-m", "newsarchive.local.preload", "scheduler"]
    process = subprocess.Popen(words)  # noqa: S603 - of our own choice

    def hand_on(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    lost, watched = LostWorkers(), psutil.Process(process.pid)
    while process.poll() is None:
        time.sleep(LOOK_EVERY)
        if process.poll() is None and lost(watched):
            print("a worker of the scheduler is gone: it is started anew", file=sys.stderr)
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return LOST
    status = process.returncode
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
