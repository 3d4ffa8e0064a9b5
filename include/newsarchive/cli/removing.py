"""Commands of removal: remove, removals."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsarchive.cli import output
from newsarchive.cli.options import INCOMPLETE, OK, Options, json_option, pass_options
from newsarchive.cli.progress import showing
from newsarchive.errors import ArchiveError

if TYPE_CHECKING:
    from newsarchive.steps.removing import Erased

_WHAT = ("rows erased", "days written anew", "files erased", "records erased", "files rewritten")
_MOST_STORIES = 10


@click.command(short_help="Erase articles for good, because somebody asked for it.")
@click.argument("articles", nargs=-1, metavar="[ARTICLE]...")
@click.option("--reason", metavar="TEXT", help="Why; kept in the list of removals.")
@click.option("--asked-by", metavar="TEXT", help="Who asked for it; kept there too.")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@click.option("--again", is_flag=True, help="Go on with what was not finished or came back.")
@click.option(
    "--list",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --again: removals of another archive, from `removals --json`.",
)
@json_option
@pass_options
def remove(
    options: Options,
    articles: tuple[str, ...],
    reason: str | None,
    asked_by: str | None,
    dry_run: bool,
    yes: bool,
    again: bool,
    file: Path | None,
) -> int:
    """Erase articles from the tables, their history, the logs, archive.duckdb and the WARC files.

    ARTICLE is an article's id (or its first six characters or more) or a URL; several can be given.
    With it go all addresses and former ids that it had, every capture and version, articles
    embedded in its page, its entries in archived feeds, sitemaps and section pages, and the links
    to it on other pages of its source. Records are taken out of WARC files without moving others.

    What stays is a line in the list of removals: ids (hashes), source, day, the reason. By that it
    is recognised and left out for good: when it is listed again, fetched, imported or parsed.
    Nothing brings it back here; backups made before still hold it, as do copies of others.

    Readers who opened archive.duckdb before must open it again. Killed at any moment, or where a
    WARC file was being written, --again goes on; so does `maintain`. After a restore of an older
    backup, `remove --again --list FILE` erases what had been removed since.

    Exits with 3 when something could not be erased yet.

    \b
    Examples:
      newsarchive remove https://example.com/2026/11/22/story --dry-run
      newsarchive remove 5f1c0a8d03b2 --reason "order 12/34 of the court" --asked-by "the court"
      newsarchive removals --json > removals.json
      newsarchive --archive restored remove --again --list removals.json
    """  # noqa: D301 - click reads it
    if again == bool(articles):
        raise click.UsageError(
            "name an ARTICLE, or say --again to go on with what was not finished"
        )
    if file and not again:
        raise click.UsageError("--list goes with --again")
    if articles and not dry_run and not (reason or "").strip():
        raise click.UsageError("say --reason: it is kept in the list of removals")
    settings = options.settings()
    from newsarchive import steps

    if again:
        with showing("remove") as tell:
            return _report(options, steps.erase_again(_read(file), settings, tell), dry_run=False)
    ask = not (yes or dry_run or options.json) and sys.stdin.isatty()
    if ask or dry_run:
        with showing("remove") as tell:
            would = steps.remove(articles, reason or "", asked_by, settings, tell, dry_run=True)
        code = _report(options, would, dry_run=True)
        if dry_run:
            return code
        click.confirm("Erase this for good?", abort=True)
    with showing("remove") as tell:
        done = steps.remove(articles, reason or "", asked_by, settings, tell)
    return _report(options, done, dry_run=False)


@click.command(short_help="The list of removals.")
@json_option
@pass_options
def removals(options: Options) -> int:
    """Print which articles were removed on request, when, why, and who asked; earliest first.

    With --json the list can be given to `remove --again --list` in another archive.

    \b
    Examples:
      newsarchive removals
      newsarchive removals --json > removals.json
    """  # noqa: D301 - click reads it
    from newsarchive import steps

    rows = steps.list_removals(options.settings())
    if options.json:
        output.print_json(rows)
        return OK
    columns = ["removed_at", "source", "article_id", "reason", "asked_by"]
    if rows:
        fold = ("reason", "asked_by")
        output.print_table(columns, [[r[c] for c in columns] for r in rows], fold=fold)
    else:
        output.say("no article was removed")
    return OK


def _read(file: Path | None) -> list[dict[str, Any]]:
    if file is None:
        return []
    try:
        rows = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{file}: no list of removals: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise ArchiveError(f"{file}: no list of removals: `removals --json` prints one")
    return rows


def _report(options: Options, done: "Erased", *, dry_run: bool) -> int:
    code = INCOMPLETE if done.elsewhere or (done.left and not dry_run) else OK
    if options.json:
        output.print_json(
            {
                "dry_run": dry_run,
                "by_table": done.outcome.by_source,
                "removals": [asdict(r) for r in done.removals],
                "near_duplicates": done.stories,
                "left": done.left,
                "elsewhere": done.elsewhere,
            }
        )
        return code
    counts = done.outcome.counts()
    what = [w for w in _WHAT if counts.get(w)]
    rows = [
        [name, *(c[w] for w in what)] for name, c in done.outcome.by_source.items() if c.total()
    ]
    if rows:
        output.print_table(["table", *what], rows)
    elif not done.removals:
        output.say("nothing to do")
    for removal in done.removals:
        output.say(f"{removal.article_id} of {removal.source}")
    if done.stories:
        some = ", ".join(done.stories[:_MOST_STORIES])
        more = " …" if len(done.stories) > _MOST_STORIES else ""
        output.say(f"near-duplicates of it, which are articles of their own and stay: {some}{more}")
    for line in done.left:
        output.say(f"not erased yet: {line}; `newsarchive remove --again` goes on")
    for path in done.elsewhere:
        output.say(f"{path} leads to a file outside of the archive that holds it; erase it there")
    if dry_run:
        output.say("nothing was changed")
    elif done.removals:
        output.say("backups made before still hold it: see docs/removal.md")
    return code
