"""Commands that keep the archive whole and small: verify, maintain, backup."""

from dataclasses import asdict
from pathlib import Path

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


@click.command(short_help="Compact the tables, and remove what nobody needs any more.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@json_option
@pass_options
def maintain(options: Options, dry_run: bool) -> int:
    """Keep the archive small and quick to open; no row changes, and readers notice nothing.

    Leaves one file a day in each table, writes checkpoints of the tables' logs and removes their
    entries of more than 30 days ago, and removes files that left their table longer ago than the
    setting retention_hours says: never one that archive.duckdb names, nor one that it named within
    that time. Files that have no SHA-256 yet are given the one that they have.

    Run this every week, by cron or by the DAG `maintain`. With --dry-run it says how many files
    and bytes of each table it would join and remove.

    \b
    Examples:
      newsarchive maintain --dry-run
      newsarchive --set retention_hours=48 maintain
    """  # noqa: D301 - click reads it
    settings = options.settings()
    with showing("maintain") as tell:
        from newsarchive import steps
        from newsarchive.steps.maintaining import WHAT

        outcome = steps.maintain(settings, tell, dry_run=dry_run)
    if options.json:
        output.print_json(
            {"dry_run": dry_run, "by_table": outcome.by_source, "notes": outcome.notes}
        )
        return OK
    done = outcome.counts()
    what = [w for w in WHAT if done.get(w)]
    rows = [[name, *(c[w] for w in what)] for name, c in outcome.by_source.items() if c.total()]
    if rows:
        output.print_table(["table", *what], rows)
    else:
        output.say("nothing to do")
    for note in outcome.notes:
        output.say(note)
    if dry_run:
        output.say("nothing was changed")
    return OK


@click.command(short_help="Copy the archive while writers go on.")
@click.argument("destination", type=click.Path(path_type=Path), metavar="DEST")
@json_option
@pass_options
def backup(options: Options, destination: Path) -> int:
    """Copy the archive to a folder that then is an archive itself.

    Writers and readers go on. A later backup to the same folder copies what is new, and removes
    what is in no table any more. Each file is held against its SHA-256 as it is copied; one that is
    damaged is named and left out. To restore, copy the folder back, or use it where it is.

    Exits with 3 when a file is missing or damaged.

    \b
    Examples:
      newsarchive backup /mnt/backup/news
      newsarchive --archive /mnt/backup/news verify
      newsarchive --archive /mnt/backup/news backup ./archive
    """  # noqa: D301 - click reads it
    settings = options.settings()
    with showing("backup") as tell:
        from newsarchive import steps

        done = steps.back_up(destination, settings, tell)
    if options.json:
        output.print_json(
            {
                "files": done.files,
                "bytes": done.bytes,
                "copied": done.copied,
                "damaged": done.damaged,
            }
        )
    for note in done.outcome.notes:
        output.say(note)
    output.say(
        f"{done.files:,} files, {done.bytes / 1e6:,.1f} MB in {destination}, "
        f"{done.copied:,} of them copied now"
    )
    if done.damaged:
        output.say("`newsarchive verify --repair` makes again what can be; then back up again")
    return INCOMPLETE if done.damaged else OK
