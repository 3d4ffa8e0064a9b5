"""The command line: the same steps without Airflow, and the archive's readers.

Modules import what is heavy inside their commands, so that `newsarchive --help` answers at once.
"""

from newsarchive.cli.program import main

__all__ = ["main"]
