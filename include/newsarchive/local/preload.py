"""Starts Airflow's scheduler with all loaded that tasks need.

Its executor forks a process for each task: what is loaded before is there at once in all of them,
where each would spend most of its time with loading it.
"""

import importlib
import runpy

MODULES = ("newsarchive.steps", "newsarchive.parsers")


def main() -> None:
    """Load, then go on as `python -m airflow` with the same words."""
    for name in MODULES:
        importlib.import_module(name)
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
