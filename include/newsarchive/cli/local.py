"""Commands of this machine: settings, the sample newspapers, and everything at once."""

from datetime import UTC, date, datetime
from typing import Any

import click

from newsarchive.cli import output
from newsarchive.cli.options import DAY, Options, json_option, over, pass_options
from newsarchive.days import days_between, yesterday


@click.command(short_help="Every setting and where it comes from.")
@json_option
@pass_options
def settings(options: Options) -> None:
    """Show every setting: its value, where that comes from, and what it is for.

    A setting is an option before the command (`--archive /data/news`, `--set delay=2`), or
    NEWSARCHIVE_NAME in the environment, or a line of the settings file, in that order.

    \b
    Examples:
      newsarchive settings
      NEWSARCHIVE_DELAY=2 newsarchive settings
      echo 'contact = "archive@example.org"' >> newsarchive.toml
    """  # noqa: D301 - click reads it
    from newsarchive.settings import Settings, origins, settings_file

    values = options.settings()
    came_from = origins(options.settings_given)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "value": getattr(values, name),
            "from": came_from[name],
            "environment": f"NEWSARCHIVE_{name.upper()}",
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    file = settings_file()
    if options.json:
        output.print_json({"file": file, "file_exists": file.exists(), "settings": rows})
        return
    columns = ["name", "value", "from", "description"]
    output.print_table(columns, [[r[c] for c in columns] for r in rows])
    click.echo(f"settings file: {file}{'' if file.exists() else ' (not there)'}")


@click.group(short_help="Two sample newspapers: serve them, tell the truth.")
def sample() -> None:
    """Serve the two sample newspapers, or print what a right archive of them holds."""


@sample.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; default: the setting sample_port."
)
@click.option("--now", metavar="TIME", help="The server's clock, ISO 8601; default: the real time.")
@pass_options
def serve(options: Options, port: int | None, now: str | None) -> None:
    """Serve the sample newspapers until Ctrl-C: the 60 days up to the server's clock.

    On loopback, unless the setting sample_host names another address.

    \b
    Examples:
      newsarchive sample serve
      newsarchive sample serve --port 8090 --now 2026-11-22T12:00:00Z
    """  # noqa: D301 - click reads it
    from newsarchive.sample.serve import serve as serve_sample

    chosen = options.settings()
    serve_sample(chosen.sample_port if port is None else port, _time(now), chosen.sample_host)


@sample.command()
@click.option("--from", "first", type=DAY, help="First day, included; default: the last.")
@click.option("--to", "last", type=DAY, help="Last day, included; default: yesterday.")
@click.option("--now", metavar="TIME", help="The server's clock, ISO 8601; default: the real time.")
@click.option(
    "--base-url", metavar="URL", help="Where they are served; default: as the settings say."
)
@json_option
@pass_options
def truth(
    options: Options, first: date | None, last: date | None, now: str | None, base_url: str | None
) -> None:
    """Print what an archive that is right holds of the sample newspapers, as rows.

    \b
    Example:
      newsarchive sample truth --json --from 2026-11-20 --to 2026-11-22
    """  # noqa: D301 - click reads it
    from newsarchive.sample.truth import truth as sample_truth

    last = last or first or yesterday()
    first = first or last
    over(first, last)
    base_url = base_url or f"http://{options.settings().samples_at}"
    rows = sample_truth(days_between(first, last), _time(now), base_url)
    if options.json:
        output.print_json(rows)
        return
    for name, table in rows.items() if isinstance(rows, dict) else [("articles", rows)]:
        columns = list(dict.fromkeys(c for row in table for c in row if c != "text"))
        output.print_table(columns, [[row.get(c) for c in columns] for row in table], title=name)


@click.command(short_help="Start Airflow and all it needs on this machine.")
@click.option("--once", is_flag=True, help="End after showing what yesterday brought.")
@pass_options
def up(options: Options, once: bool) -> int:
    """Start Airflow, its database and the sample newspapers, as `make run` does.

    Lets Airflow collect yesterday, prints what it brought, and stays up until Ctrl-C, which ends
    every process it started. With --once the exit code is not 0 when the day is not complete.

    \b
    Examples:
      newsarchive up
      newsarchive --set airflow_port=8081 up --once
    """  # noqa: D301 - click reads it
    from newsarchive.local.up import up as start
    from newsarchive.settings import hand_down

    options.settings()  # a wrong setting is one line now, not many later
    hand_down(options.settings_given)
    return start(once)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r}: {error}; write it as 2026-11-22T12:00:00Z", param_hint="'--now'"
        ) from None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
