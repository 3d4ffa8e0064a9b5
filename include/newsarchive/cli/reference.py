"""The reference of the command line, made from the commands themselves."""

from collections.abc import Iterator

import click

_WIDTH = 100  # characters
_HEAD = """# The command line

Made from the program by `newsarchive docs > docs/cli.md`; a test fails when the two differ.
"""


@click.command(hidden=True)
@click.pass_context
def docs(ctx: click.Context) -> None:
    """Print the reference of all commands as Markdown."""
    click.echo(markdown(ctx.find_root().command), nl=False)


def markdown(program: click.Command) -> str:
    """Return the help of a program and of every command in it as Markdown.

    Args:
        program: the whole program, as click knows it.
    """
    parts = [_HEAD]
    for ctx in contexts(program):
        level = "#" * (2 + ctx.command_path.count(" "))
        parts.append(f"{level} `{ctx.command_path}`\n\n```\n{ctx.get_help()}\n```\n")
    return "\n".join(parts)


def contexts(program: click.Command) -> Iterator[click.Context]:
    """Yield a program and every command in it that help shows, each in its context.

    Args:
        program: the whole program, as click knows it.
    """
    settings = {**program.context_settings, "terminal_width": _WIDTH}
    yield from _below(click.Context(program, info_name="newsarchive", **settings))


def _below(ctx: click.Context) -> Iterator[click.Context]:
    yield ctx
    if isinstance(ctx.command, click.Group):
        for name in ctx.command.list_commands(ctx):
            command = ctx.command.get_command(ctx, name)
            if command is not None and not command.hidden:
                yield from _below(
                    click.Context(command, parent=ctx, info_name=name, **command.context_settings)
                )
