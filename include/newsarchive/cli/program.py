"""The program `newsarchive`: options before the command, exit codes, and errors in one line."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from newsarchive.cli import (
    backfill,
    collect,
    days_table,
    extract,
    lineage,
    local,
    query,
    reference,
    removing,
    sources,
    upkeep,
)
from newsarchive.cli.options import (
    BROKEN_PIPE,
    FAILED,
    INTERRUPTED,
    USAGE,
    Options,
)
from newsarchive.errors import ArchiveError

_BEFORE_COMMAND = ("--archive", "--sources", "--sources-dir", "--state-dir", "--set", "--debug")


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from newsarchive import __version__

        click.echo(f"newsarchive {__version__}")
        ctx.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--archive", metavar="PLACE", help="Folder of the archive, or s3://bucket/prefix.")
@click.option(
    "--sources",
    metavar="PATTERNS",
    help="Sources that are on: names, patterns, tags; commas between.",
)
@click.option("--sources-dir", metavar="FOLDER", help="Folder with source files of your own.")
@click.option("--state-dir", metavar="FOLDER", help="Folder for what belongs to this machine.")
@click.option(
    "--set",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any other setting; can be given many times. `newsarchive settings` lists them.",
)
@click.option("--json", is_flag=True, help="JSON for machines, on standard output.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
@click.option("-v", "--verbose", count=True, help="Say more on standard error; -vv: everything.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def newsarchive(
    ctx: click.Context,
    /,
    others: tuple[str, ...],
    json: bool,
    debug: bool,
    verbose: int,
    **named: str | None,
) -> None:
    """Collect the news of each day, keep the bytes, and query the archive with SQL.

    \b
    First steps:
      newsarchive sources list                    what can be collected
      newsarchive run                             collect yesterday
      newsarchive query "SELECT source, title FROM articles LIMIT 5"

    Every setting is an option before the command, or NEWSARCHIVE_NAME in the environment, or a line
    of the settings file (newsarchive.toml, or what NEWSARCHIVE_SETTINGS names), in that order.

    \b
    Exit codes:
      0    done
      1    an error: one line on standard error says what to do
      2    the command was not understood
      3    done, but not all is well: a day is not complete, a listing does not answer,
           a document became no article, or bytes are not what their hash says
      130  interrupted
      141  whoever read the output stopped reading
    """  # noqa: D301 - click reads it
    options = ctx.ensure_object(Options)
    options.json, options.debug, options.verbose = json, debug, verbose
    options.settings_given = {k: v for k, v in named.items() if v is not None}
    for pair in others:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r}: write it as name=value", param_hint="'--set'")
        options.settings_given[name.strip()] = value.strip()
    _log(verbose)


for command in (
    collect.run,
    backfill.backfill,
    collect.poll,
    collect.reparse,
    collect.import_,
    query.query,
    query.shell,
    days_table.coverage,
    lineage.show,
    upkeep.maintain,
    upkeep.verify,
    upkeep.backup,
    removing.remove,
    removing.removals,
    extract.extract,
    sources.sources,
    local.settings,
    local.sample,
    local.up,
    reference.docs,
):
    newsarchive.add_command(command)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit with its code.

    Args:
        args: words after the program's name; those of the process, if None.
    """
    sys.exit(_status(list(sys.argv[1:] if args is None else args)))


def _status(args: list[str]) -> int:
    options = Options(debug="--debug" in args)
    try:
        # Not `newsarchive.main`, which answers a broken pipe in its own way.
        with newsarchive.make_context("newsarchive", args, obj=options) as ctx:
            code = newsarchive.invoke(ctx)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        # What is left in the buffer has no reader either; Python would complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("newsarchive: interrupted", err=True)
        return INTERRUPTED
    except click.UsageError as error:
        _say_usage(error)
        return USAGE
    except click.ClickException as error:
        return _failed(error, error.format_message(), options)
    except ArchiveError as error:
        return _failed(error, str(error), options)
    except OSError as error:
        return _failed(error, _os_error(error), options)
    except Exception as error:
        return _failed(error, _unexpected(error), options)


def _failed(error: Exception, message: str, options: Options) -> int:
    if options.debug:
        import traceback

        traceback.print_exception(error)
    click.echo(f"newsarchive: {' '.join(message.split())}", err=True)
    return FAILED


def _os_error(error: OSError) -> str:
    where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}"


def _unexpected(error: Exception) -> str:
    duckdb = sys.modules.get("duckdb")
    if duckdb is not None and isinstance(error, duckdb.Error):
        return str(error)
    return f"unexpected {type(error).__name__}: {error} (`newsarchive --debug …` shows where)"


def _say_usage(error: click.UsageError) -> None:
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.option_name in _BEFORE_COMMAND:
        message = (
            f"{error.option_name} stands before the command: newsarchive {error.option_name} …"
        )
    path = error.ctx.command_path if error.ctx else "newsarchive"
    click.echo(f"newsarchive: {' '.join(message.split())} (`{path} --help` explains)", err=True)


def _log(verbose: int) -> None:
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    handler: logging.Handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("newsarchive")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


class _Stderr:
    """Standard error as it is at the time of writing: progress bars put themselves in its place."""

    def write(self, text: str) -> Any:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
