"""Commands that fill the archive: run, poll, reparse, import; `backfill` has its own module."""

import glob
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsarchive.cli import output
from newsarchive.cli.options import (
    DAY,
    INCOMPLETE,
    OK,
    Options,
    json_option,
    over,
    pass_options,
    range_options,
)
from newsarchive.cli.progress import showing
from newsarchive.days import today, yesterday
from newsarchive.errors import ArchiveError
from newsarchive.objects import Folder

if TYPE_CHECKING:
    from newsarchive.outcome import Outcome

_COVERAGE = [
    "run_day",
    "source",
    "status",
    "listed",
    "captured",
    "kept",
    "rejected",
    "missing",
    "note",
]
_DONE = frozenset({"complete", "empty"})
_NOTHING_TO_HAVE = "not_available"


@click.command(short_help="Collect the articles of a day.")
@click.option("--day", type=DAY, help="UTC day to collect; default: yesterday.")
@json_option
@pass_options
def run(options: Options, day: date | None) -> int:
    """Collect the articles of a day, and show them to readers; `backfill` does a range of days.

    Asks the listings of every source that is on, fetches the pages that are not in the archive yet,
    parses them, and publishes. Running a day again asks only for what is missing; nothing is
    doubled.

    Exits with 0 when every source that is on is `complete` or `empty`, or has no listing that
    reaches to the day (`not_available`) while another has; with 3 when one is `partial`, `low` or
    `failed`, or all are `not_available`. `newsarchive coverage` shows what is missing.

    \b
    Examples:
      newsarchive run
      newsarchive run --day 2026-11-22
      newsarchive --sources 'ar/*' run
    """  # noqa: D301 - click reads it
    day = day or yesterday()
    over(day, day, newest=yesterday())
    settings = options.settings()
    on = list(settings.enabled_sources())
    with showing(str(day)) as tell:
        from newsarchive import steps

        outcomes = steps.run(day, settings, tell)
    return report(options, settings.archive_path, [day], on, outcomes)


def report(
    options: Options,
    root: Folder,
    days: Sequence[date],
    on: Sequence[str],
    outcomes: Sequence["Outcome"],
) -> int:
    """Show the coverage of days that were run; return the exit code that it comes to."""
    rows = _coverage(root, days, on)
    complete = is_complete(rows, days, on)
    if options.json:
        output.print_json(
            {
                "complete": complete,
                "archive": root,
                "coverage": rows,
                "steps": [_as_dict(o) for o in outcomes],
            }
        )
    else:
        output.print_table(_COVERAGE, [[r[c] for c in _COVERAGE] for r in rows], fold=("note",))
        if not complete:
            output.say("not complete: `newsarchive coverage` shows the gaps and what fills them")
    return OK if complete else INCOMPLETE


@click.command(short_help="Archive feeds and sitemaps as they stand now.")
@json_option
@pass_options
def poll(options: Options) -> int:
    """Archive every feed and sitemap of the sources that are on, as it stands now.

    A feed only knows the present: what is not polled in time is lost to it. Run this every hour, by
    cron or by the DAG `poll_feeds`. What has not changed since costs one short answer.

    Exits with 3 when a listing did not answer.

    \b
    Example (crontab):
      7 * * * *  newsarchive --archive /data/news poll
    """  # noqa: D301 - click reads it
    settings = options.settings()
    with showing("poll") as tell:
        from newsarchive import steps

        outcome = steps.poll(settings, tell)
    _print(options, outcome)
    counts = outcome.counts()
    answered = counts.get("ok", 0) + counts.get("not_modified", 0)
    return OK if answered == counts.get("asked", 0) else INCOMPLETE


@click.command(short_help="Parse archived pages again; no network.")
@click.option("--day", type=DAY, help="One run day.")
@range_options
@click.option(
    "--sources", metavar="PATTERNS", help="Only these sources: names, patterns, tags; commas."
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@json_option
@pass_options
def reparse(
    options: Options,
    day: date | None,
    first: date | None,
    last: date | None,
    sources: str | None,
    dry_run: bool,
) -> int:
    """Parse archived pages again, with the present parser and source files. Needs no network.

    Only pages that another parser or another version of their source file was used on are parsed.
    Says what that changes: articles gained, lost (with the reason for which their pages are
    rejected now), moved to another day, and fields that differ, each with a few samples. With
    --dry-run nothing is written or published: look first.

    \b
    Examples:
      newsarchive reparse --from 2026-11-01 --to 2026-11-22 --dry-run
      newsarchive reparse --from 2026-11-01 --to 2026-11-22
      newsarchive reparse --day 2026-11-22 --sources 'ar/*'
    """  # noqa: D301 - click reads it
    if (day is None) == (first is None) or (day is not None and last is not None):
        raise click.UsageError("give --day, or --from and, if it is not today, --to")
    first, last = day or first or today(), day or last or today()
    over(first, last)
    patterns = None if sources is None else [p.strip() for p in sources.split(",") if p.strip()]
    settings = options.settings()
    with showing("reparse") as tell:
        from newsarchive import steps

        done = steps.reparse(first, last, settings, tell, sources=patterns, dry_run=dry_run)
    found = done.differences
    samples = {kind: [asdict(s) for s in some] for kind, some in found.samples.items()}
    if options.json:
        names = ("by_source", "lost", "gained", "rejected_otherwise", "fields")
        different = {**{n: getattr(found, n) for n in names}, "samples": samples}
        output.print_json({**_as_dict(done.outcome), "dry_run": dry_run, "differences": different})
        return OK
    click.echo(done.outcome.table())
    for kind, rows in samples.items():
        columns = ["source", "url", "before", "after"]
        output.print_table(columns, [[r[c] for c in columns] for r in rows], kind, fold=("url",))
    if not found.by_source:
        output.say(f"nothing is archived of {first} … {last}")
    return OK


@click.command("import", short_help="Take plain-text articles or WARC files into the archive.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--source",
    default="imports",
    show_default=True,
    metavar="NAME",
    help="Source they are filed under.",
)
@range_options
@click.option(
    "--domains",
    metavar="DOMAINS",
    help="Of WARC files: only pages of these, as example.com/news; commas between.",
)
@click.option(
    "--in-place", is_flag=True, help="Of WARC files: leave the records where they lie, no copies."
)
@json_option
@pass_options
def import_(
    options: Options,
    files: tuple[str, ...],
    source: str,
    first: date | None,
    last: date | None,
    domains: str | None,
    in_place: bool,
) -> int:
    """Take plain-text articles, or the pages of WARC files, into the archive.

    A FILE is a text, a WARC file (*.warc, *.warc.gz), a folder (every file in it and below it,
    hidden ones left out), a pattern in quotes, or - for standard input. Articles are filed under
    the day that they state. Importing the same bytes again adds nothing.

    Of a WARC file the pages of declared sources are taken in, each for the source whose page it is,
    also of one that is off. They are copied, or with --in-place read where they lie, from then on
    too: such a file must stay there, and have a gzip member a record.

    Exits with 3 when a document became no article, or a file is no WARC file.

    \b
    Examples:
      newsarchive import article.txt
      newsarchive import --source agency_texts folder/ 'more/*.txt'
      newsarchive import --from 2024-01-01 --to 2024-12-31 /data/crawls/*.warc.gz
      newsarchive import --in-place --domains example.com '/data/crawls/**/*.warc.gz'
      pdftotext page.pdf - | newsarchive import -
    """  # noqa: D301 - click reads it
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,62}", source):
        raise click.BadParameter(
            f"{source!r}: small letters, digits and _ only, a letter first", param_hint="'--source'"
        )
    if first and last:
        over(first, last)
    settings = options.settings()
    began = datetime.now(UTC)
    with _as_files(files) as paths, showing("import") as tell:
        from newsarchive import steps

        warcs = [p for p in paths if p.name.lower().endswith((".warc", ".warc.gz"))]
        texts = [p for p in paths if p not in warcs]
        if texts and (first or last or domains or in_place):
            raise click.UsageError(f"{texts[0].name} is no WARC file, which the options are for")
        outcomes = []
        if warcs:
            wanted = [d.strip() for d in (domains or "").split(",") if d.strip()]
            outcomes.append(
                steps.import_warcs(
                    warcs,
                    first,
                    last,
                    wanted,
                    in_place=in_place,
                    settings=settings,
                    progress=tell,
                )
            )
        if texts:
            outcomes.append(steps.import_files(texts, source, settings, tell))
    outcome = outcomes[0].joined(outcomes[1:])
    counts = outcome.counts()
    refused = _refused(settings.archive_path, source, began) if counts.get("new") else []
    if options.json:
        output.print_json({**_as_dict(outcome), "refused": refused})
    else:
        click.echo(outcome.table())
        if refused:
            output.print_table(
                ["file", "reason", "detail"],
                [[r["url"], r["reason"], r["detail"]] for r in refused],
                title="Documents that became no article",
            )
    return INCOMPLETE if refused or counts.get("invalid files") else OK


def is_complete(rows: Iterable[dict[str, Any]], days: Iterable[date], on: Sequence[str]) -> bool:
    """Say whether nothing more can be had of `days` from the sources that are on.

    Args:
        rows: of `coverage`: run_day, source, status.
        days: run days.
        on: names of the sources that are on.
    """
    status = {(r["run_day"], r["source"]): r["status"] for r in rows}
    for day in days:
        found = [status.get((day, name)) for name in on]
        if not all(s in _DONE or s == _NOTHING_TO_HAVE for s in found):
            return False
        if not any(s in _DONE for s in found):
            return False
    return True


def _coverage(root: Folder, days: Sequence[date], on: Sequence[str]) -> list[dict[str, Any]]:
    from newsarchive.store import snapshot

    with snapshot.reading(root) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(_COVERAGE)} FROM coverage "  # noqa: S608 - names of columns, ours
            "WHERE run_day BETWEEN ? AND ? AND source IN (SELECT unnest(?)) "
            "ORDER BY run_day, source",
            [days[0], days[-1], list(on)],
        ).fetchall()
    return [dict(zip(_COVERAGE, row, strict=True)) for row in rows]


def _refused(root: Folder, source: str, since: datetime) -> list[dict[str, Any]]:
    from newsarchive.store import snapshot

    with snapshot.reading(root) as connection:
        rows = connection.execute(
            "SELECT url, reason, detail FROM rejects "
            "WHERE run_day >= ? AND source = ? AND captured_at >= ? ORDER BY url",
            [since.date(), source, since],
        ).fetchall()
    return [dict(zip(("url", "reason", "detail"), row, strict=True)) for row in rows]


@contextmanager
def _as_files(names: Iterable[str]) -> Iterator[list[Path]]:
    """Yield the files that arguments name; standard input becomes one."""
    with tempfile.TemporaryDirectory(prefix="newsarchive-") as folder:
        found: dict[Path, None] = {}
        for name in names:
            if name == "-":
                file = Path(folder) / "stdin.txt"
                file.write_bytes(sys.stdin.buffer.read())
                found[file] = None
            else:
                found |= dict.fromkeys(_files(name))
        yield list(found)


def _files(name: str) -> list[Path]:
    path = Path(name).expanduser()
    if path.is_dir():
        files = sorted(
            f
            for f in path.rglob("*")
            if f.is_file() and not any(p.startswith(".") for p in f.relative_to(path).parts)
        )
        if not files:
            raise ArchiveError(f"{name}: no files in this folder")
        return files
    if not path.exists() and glob.has_magic(name):
        matched = sorted(Path(m) for m in glob.glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns too
        if not matched:
            raise ArchiveError(f"{name}: no file matches this pattern")
        return [f for f in matched if f.is_file()]
    return [path]


def _as_dict(outcome: "Outcome") -> dict[str, Any]:
    return {
        "step": outcome.step,
        "days": outcome.days,
        "by_source": {name: dict(counts) for name, counts in sorted(outcome.by_source.items())},
        "notes": outcome.notes,
    }


def _print(options: Options, outcome: "Outcome") -> None:
    if options.json:
        output.print_json(_as_dict(outcome))
    else:
        click.echo(outcome.table())
