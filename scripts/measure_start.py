"""Measure what a new user waits for: clone to table, the second run, and Airflow's share.

    .venv/bin/python scripts/measure_start.py [--rounds 3]

Each round clones the newest commit into a new folder, with an empty home (so nothing is cached),
and runs `make run ONCE=1` twice; then the same day through the command line without Airflow. Prints
medians as a table in Markdown.
"""

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).parent.parent
STAGES = re.compile(r"^(?P<stage>[A-Z][^:\n]*): done in (?P<seconds>[\d.]+) s", re.MULTILINE)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="newsarchive-") as folder:
            for what, seconds in _round(Path(folder)).items():
                found[what].append(seconds)
    commit = _output("git", "-C", str(HERE), "rev-parse", "--short", "HEAD")
    print(
        f"commit {commit}, Python {sys.version.split()[0]}, {os.cpu_count()} cores, {rounds} rounds"
    )
    print("\n| what | median s | lowest | highest |\n|---|---|---|---|")
    for what, seconds in found.items():
        middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
        print(f"| {what} | {middle:.1f} | {low:.1f} | {high:.1f} |")


def _round(folder: Path) -> dict[str, float]:
    clone, home = folder / "clone", folder / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(HERE), str(clone)], check=True)
    sample, airflow = _free_port(), _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NEWSARCHIVE", "XDG"))}
    environment |= {
        "HOME": str(home),
        "NEWSARCHIVE_SAMPLE_PORT": str(sample),
        "NEWSARCHIVE_AIRFLOW_PORT": str(airflow),
    }
    first, first_said = _timed(["make", "run", "ONCE=1"], clone, environment)
    second, second_said = _timed(["make", "run", "ONCE=1"], clone, environment)
    found = {"clone to table: `make run ONCE=1`": first}
    started = 0.0
    for stage in STAGES.finditer(first_said):
        name = re.sub(r"\d{4}-\d\d-\d\d", "yesterday", stage["stage"])
        found[f"  of it: {name}"] = float(stage["seconds"])
        started += float(stage["seconds"])
    found["  of it: installation and the rest"] = first - started
    found["second `make run ONCE=1`"] = second
    for stage in STAGES.finditer(second_said):
        name = re.sub(r"\d{4}-\d\d-\d\d", "yesterday", stage["stage"])
        found[f"  of it (second): {name}"] = float(stage["seconds"])
    program = clone / ".venv/bin/newsarchive"
    server = subprocess.Popen([program, "sample", "serve"], env=environment, stdout=subprocess.PIPE)
    try:
        if server.stdout:
            server.stdout.readline()  # it says when it is there
        alone = {
            "NEWSARCHIVE_ARCHIVE": str(folder / "alone"),
            "NEWSARCHIVE_STATE_DIR": str(folder / "state"),
        }
        found["the same day without Airflow: `newsarchive run`"], _ = _timed(
            [str(program), "run"], clone, environment | alone
        )
    finally:
        server.terminate()
        server.wait(10)
    return found


def _timed(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, str]:
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.monotonic() - started, done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _output(*command: str) -> str:
    program = shutil.which(command[0]) or command[0]
    return subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
