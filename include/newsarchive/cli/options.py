"""What every command is given: settings as options, the form of the output, and days."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from newsarchive.days import today, yesterday

if TYPE_CHECKING:
    from newsarchive.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

OK, FAILED, USAGE, INCOMPLETE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141
"""Exit codes; `newsarchive --help` says what they mean."""


@dataclass(slots=True)
class Options:
    """The options before the command."""

    settings_given: dict[str, str] = field(default_factory=dict)
    """Settings by name, as written."""
    json: bool = False
    debug: bool = False
    verbose: int = 0

    def settings(self) -> "Settings":
        """Return the settings: these options, then the environment, then the settings file."""
        from newsarchive.settings import load

        return load(**self.settings_given)


pass_options = click.make_pass_decorator(Options, ensure=True)


class Day(click.ParamType[date]):
    """A day as 2026-11-22, or `yesterday`, or `today`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day."""
        if isinstance(value, date):
            return value
        named = {"yesterday": yesterday, "today": today}.get(str(value).lower())
        if named:
            return named()
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)):
            try:
                return date.fromisoformat(value)
            except ValueError as error:
                self.fail(f"{value!r}: {error}", param, ctx)
        self.fail(f"{value!r} is no day; write it as {yesterday()}", param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return how help names it."""
        return "DAY"


DAY = Day()


def json_option(command: F) -> F:
    """Let a command take `--json` too, as the program does."""

    def given(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(Options).json = True

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=given,
        help="JSON for machines, on standard output.",
    )(command)


def range_options(command: F) -> F:
    """Let a command take `--from` and `--to`."""
    command = click.option(
        "--to", "last", type=DAY, help="Last day, included; default: the newest."
    )(command)
    return click.option("--from", "first", type=DAY, help="First day, included.")(command)


def over(first: date, last: date, newest: date | None = None) -> None:
    """Check a range of days.

    Raises:
        click.BadParameter: it is empty, or its last day is later than `newest`.
    """
    if last < first:
        raise click.BadParameter(f"{last} is before {first}", param_hint="'--to'")
    if newest is not None and last > newest:
        raise click.BadParameter(
            f"{last} is not over yet in UTC; the newest day that is: {newest}",
            param_hint="'--to'" if last != first else "'--day'",
        )


def weeks_before(last: date, days: int = 28) -> date:
    """Return the first of so many days up to `last`."""
    return last - timedelta(days=days - 1)
