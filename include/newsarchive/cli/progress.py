"""How far a command is, on standard error: bars on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Progress = Callable[[str, int, int], None]
EVERY = 3.0  # seconds between two plain lines


@contextmanager
def showing(what: str) -> Iterator[Progress]:
    """Yield the function that is told how far the work is.

    It is told of what, how many, and out of how many (0: unknown).

    Args:
        what: the whole, as `2026-11-22`; begins each line.
    """
    if sys.stderr.isatty():
        with _bars(what) as tell:
            yield tell
    else:
        yield _lines(what)


@contextmanager
def _bars(what: str) -> Iterator[Progress]:
    from rich import progress as rich
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {"": bars.add_task(what, total=None)}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                bars.update(tasks[""], visible=False)
                tasks[name] = bars.add_task(f"{what} {name}", total=total or None)
            bars.update(tasks[name], completed=done, total=total or None)

        yield tell


def _lines(what: str) -> Progress:
    said = time.monotonic()

    def tell(name: str, done: int, total: int) -> None:
        nonlocal said
        if time.monotonic() - said >= EVERY:
            said = time.monotonic()
            click.echo(f"{what} {name}: {done}{f' of {total}' if total else ''}", err=True)

    return tell
