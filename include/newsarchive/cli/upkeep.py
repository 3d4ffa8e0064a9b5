"""Commands that keep the archive whole: verify."""

from dataclasses import asdict

import click

from newsarchive.cli import output
from newsarchive.cli.options import INCOMPLETE, OK, Options, json_option, pass_options
from newsarchive.cli.progress import showing


@click.command(short_help="Read every file again and hold it against its SHA-256.")
@click.option("--repair", is_flag=True, help="Make again what can be made from the WARC files.")
@click.option(
    "--adopt", is_flag=True, help="Give files that have no SHA-256 yet the one they have."
)
@json_option
@pass_options
def verify(options: Options, repair: bool, adopt: bool) -> int:
    """Read every file of the archive again, and name each that is missing, changed or stray.

    WARC files, Parquet files, the logs of the tables and archive.duckdb are held against the
    SHA-256 that was kept when they were written (folder sums). Reads as many MB a second as the
    setting verify_rate says. Writers and readers go on; what a writer is at work on is left out.

    With --repair, rows are made again from `captures` and the WARC files, archive.duckdb from the
    tables, and all is read once more. What an older version wrote has no SHA-256: it is counted as
    unknown, and --adopt keeps the one that it has now, once it could be read through.

    Exits with 3 when a file is missing, changed or stray, after what was repaired.

    \b
    Examples:
      newsarchive verify
      newsarchive --set verify_rate=20 verify --repair
    """  # noqa: D301 - click reads it
    settings = options.settings()
    with showing("verify") as tell:
        from newsarchive import steps

        done = steps.verify(settings, tell, repairing=repair, adopt=adopt)
    found = [(f, "") for f in done.findings] + [(f, "rebuilt") for f in done.rebuilt]
    if options.json:
        output.print_json(
            {
                "files": done.files,
                "bytes": done.bytes,
                "unknown": done.unknown,
                "findings": [asdict(f) for f in done.findings],
                "rebuilt": [asdict(f) for f in done.rebuilt],
                "notes": done.outcome.notes,
            }
        )
    elif found:
        rows = [[f.path, f.problem, f.detail, what] for f, what in found]
        output.print_table(["file", "problem", "detail", "now"], rows, fold=("file", "detail"))
    output.say(
        f"{done.files:,} files, {done.bytes / 1e6:,.1f} MB read: "
        f"{len(done.findings)} missing, changed or stray"
    )
    if done.unknown:
        output.say(
            f"{len(done.unknown):,} files have no SHA-256 yet: `newsarchive verify --adopt` "
            "keeps the one that they have now"
        )
    for note in done.notes:
        output.say(note)
    return INCOMPLETE if done.findings else OK
