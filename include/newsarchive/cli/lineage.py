"""Command `show`: one article, its versions, and the bytes that they were made from."""

import hashlib
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from newsarchive.cli import output
from newsarchive.cli.options import INCOMPLETE, OK, Options, json_option, pass_options
from newsarchive.errors import ArchiveError
from newsarchive.objects import Folder, ObjectPath, staging

if TYPE_CHECKING:
    import duckdb

_SHORTEST_ID = 6
_MOST_ALIASES = 20
_HIDDEN = ("text", "evidence", "confidence")
_OF_VERSION = [
    "version_id",
    "run_day",
    "captured_at",
    "title",
    "parser_version",
    "source_version",
    "capture_id",
    "payload_sha256",
    "warc_path",
    "warc_offset",
    "warc_length",
    "record_sha256",
]


@click.command(short_help="One article, its versions, and its bytes.")
@click.argument("article")
@click.option("--bytes", "body", is_flag=True, help="Write the captured page to standard output.")
@click.option("--text", is_flag=True, help="Print title and text.")
@json_option
@pass_options
def show(options: Options, article: str, body: bool, text: bool) -> int:
    """Show an article, its versions, and where the bytes lie that they were made from.

    ARTICLE is an article's id (or its first six characters or more), a former id, a version's id,
    or a URL. The hash of each record is compared with the bytes on the disk; exits with 3 when one
    is not what it was.

    \b
    Examples:
      newsarchive show 5f1c0a
      newsarchive show https://example.com/2026/11/22/story --text
      newsarchive show 5f1c0a --bytes > page.html
    """  # noqa: D301 - click reads it
    from newsarchive.store import snapshot

    settings = options.settings()
    root = settings.archive_path
    with snapshot.reading(root) as connection:
        identity, version = find(connection, article, settings.all_sources())
        row, versions = _read(connection, identity)
    shown = version or row["version_id"]
    wanted = next((v for v in reversed(versions) if v["version_id"] == shown), versions[-1])
    if body:
        from newsarchive.fetch.warc import read_record

        record = read_record(
            root, wanted["warc_path"], wanted["warc_offset"], wanted["warc_length"]
        )
        sys.stdout.flush()
        sys.stdout.buffer.write(record.body)
        sys.stdout.buffer.flush()
        return OK
    if text:
        click.echo(f"{wanted['title']}\n\n{wanted['text']}")
        return OK
    states = {(v["run_day"], v["capture_id"]): check(root, v) for v in versions}
    if options.json:
        output.print_json(
            {
                "asked": article,
                "article": row,
                "versions": [
                    {**v, "shown": v is wanted, "bytes": states[v["run_day"], v["capture_id"]]}
                    for v in versions
                ],
            }
        )
    else:
        _print(root, row, versions, wanted, states)
    return OK if all(s == "verified" for s in states.values()) else INCOMPLETE


def find(
    connection: "duckdb.DuckDBPyConnection", what: str, sources: Iterable[str]
) -> tuple[str, str | None]:
    """Return the id of the article that `what` names, and of the version if it names one.

    Args:
        connection: the snapshot.
        what: an article's id or the beginning of one, a former id, a version's id, or a URL.
        sources: names of the declared sources.

    Raises:
        ArchiveError: there is none, or there are several.
    """
    if "://" in what:
        return _by_url(connection, what, sources), None
    wanted = what.strip().lower()
    if len(wanted) < _SHORTEST_ID or not set(wanted) <= set("0123456789abcdef"):
        raise ArchiveError(
            f"{what!r} is no id and no URL; an id is 24 characters of 0-9 and a-f, its first "
            f"{_SHORTEST_ID} are enough"
        )
    like = [f"{wanted}%"]
    found = _column(
        connection,
        "SELECT DISTINCT coalesce(shown_as, article_id) FROM _article_index "
        "WHERE article_id LIKE ?",
        like,
    )
    found = found or {
        _now(connection, former)
        for former in _column(
            connection, "SELECT DISTINCT alias_id FROM aliases WHERE alias_id LIKE ?", like
        )
    }
    if found:
        return _only(what, found), None
    versions = connection.execute(
        "SELECT DISTINCT article_id, version_id FROM versions WHERE version_id LIKE ?", like
    ).fetchall()
    if not versions:
        _say_if_removed(connection, what, like)
        raise ArchiveError(f"{what}: no article, former article or version has this id")
    _only(what, {version for _, version in versions})
    return _now(connection, versions[0][0]), versions[0][1]


def check(root: Folder, version: dict[str, Any]) -> str:
    """Return `verified` where a version's record is on the disk as written, else what is wrong.

    Args:
        root: the archive.
        version: its `warc_path`, `warc_offset`, `warc_length` (bytes) and `record_sha256`.
    """
    from newsarchive.fetch.warc import read_member

    try:
        record = read_member(
            root, version["warc_path"], version["warc_offset"], version["warc_length"]
        )
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if len(record) < version["warc_length"]:
        return f"cut short: {len(record)} of {version['warc_length']} bytes are there"
    same = hashlib.sha256(record).hexdigest() == version["record_sha256"]
    return "verified" if same else "changed: the bytes are not what their hash says"


def _warc_file(root: Folder, warc_path: str) -> Folder:
    path = root / warc_path
    # A file that is still being written, or whose writer was killed, lies under another name.
    open_yet = staging(root) / f"{warc_path}.open"
    return path if path.exists() or not open_yet.exists() else open_yet


def _by_url(connection: "duckdb.DuckDBPyConnection", url: str, sources: Iterable[str]) -> str:
    from newsarchive.text.identity import article_id, clean_url

    cleaned = clean_url(url)
    if cleaned is None:
        raise ArchiveError(f"{url!r} is no web address")
    # Ids are functions of source and URL: the index answers without a look at every day.
    guesses = [article_id(source, cleaned) for source in sources]
    found = _column(
        connection,
        "SELECT DISTINCT coalesce(shown_as, article_id) FROM _article_index "
        "WHERE article_id IN (SELECT unnest(?))",
        [guesses],
    )
    found = found or _column(
        connection,
        "SELECT DISTINCT article_id FROM versions "
        "WHERE part = 0 AND (url = $1 OR canonical_url = $1)",
        [cleaned],
    )
    if found:
        return _only(url, {_now(connection, f) for f in found})
    rejected = connection.execute(
        "SELECT run_day, source, reason, detail FROM rejects WHERE url = ? "
        "ORDER BY run_day DESC LIMIT 1",
        [cleaned],
    ).fetchone()
    if rejected:
        day, source, reason, detail = rejected
        raise ArchiveError(
            f"{url}: no article: {source} listed it on {day}, and it was rejected as {reason}"
            f"{f' ({detail})' if detail else ''}"
        )
    listed = connection.execute(
        "SELECT max(run_day), any_value(source) FROM links WHERE url = ?", [cleaned]
    ).fetchone()
    if listed and listed[0]:
        raise ArchiveError(
            f"{url}: no article yet: {listed[1]} listed it; "
            f"`newsarchive run --day {listed[0]}` asks for it"
        )
    _say_if_removed(connection, url, guesses)
    raise ArchiveError(f"{url}: no source listed it on any day of the archive")


def _say_if_removed(connection: "duckdb.DuckDBPyConnection", what: str, ids: list[str]) -> None:
    """Raise an error that says so, if an article was removed on request.

    Args:
        connection: the snapshot.
        what: as it was asked for.
        ids: ids that it may have had, or patterns of them.
    """
    views = "SELECT 1 FROM duckdb_views() WHERE view_name = 'removals'"
    if not connection.execute(views).fetchone():
        return  # of an older version
    found = connection.execute(
        "SELECT removed_at::DATE, reason FROM (SELECT *, unnest(article_ids) AS id FROM removals) "
        "JOIN (SELECT unnest(?) AS asked) ON id LIKE asked LIMIT 1",
        [ids],
    ).fetchone()
    if found:
        raise ArchiveError(f"{what}: removed on {found[0]}: {found[1]}")


def _now(connection: "duckdb.DuckDBPyConnection", identity: str) -> str:
    """Return the present id of an article that had other ones before."""
    for _ in range(_MOST_ALIASES):
        row = connection.execute(
            "SELECT article_id FROM aliases WHERE alias_id = $1 "
            "AND NOT EXISTS (SELECT 1 FROM _article_index WHERE article_id = $1) "
            "ORDER BY run_day DESC, article_id LIMIT 1",
            [identity],
        ).fetchone()
        if row is None:
            break
        identity = row[0]
    return identity


def _only(what: str, found: set[str]) -> str:
    if len(found) > 1:
        some = ", ".join(sorted(found)[:5])
        raise ArchiveError(
            f"{what}: {len(found)} are meant by that: {some}{' …' if len(found) > 5 else ''}"
        )
    return next(iter(found))


def _column(connection: "duckdb.DuckDBPyConnection", sql: str, values: list[Any]) -> set[str]:
    return {row[0] for row in connection.execute(sql, values).fetchall()}


def _read(
    connection: "duckdb.DuckDBPyConnection", identity: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return an article's row and its versions, earliest first; opens the files of its days."""
    filed = connection.execute(
        "SELECT DISTINCT run_day, article_day FROM _article_index "
        "WHERE coalesce(shown_as, article_id) = ?",
        [identity],
    ).fetchall()
    articles = _rows(connection, "articles", "article_day", {d for _, d in filed}, identity)
    versions = _rows(connection, "versions", "run_day", {d for d, _ in filed}, identity)
    if not articles or not versions:
        raise ArchiveError(f"{identity}: its rows are not in the archive any more")
    versions.sort(key=lambda v: (v["captured_at"], v["run_day"], v["version_id"]))
    return articles[0], versions


def _rows(
    connection: "duckdb.DuckDBPyConnection",
    view: str,
    partition: str,
    days: set[date],
    identity: str,
) -> list[dict[str, Any]]:
    if not days:
        return []
    listed = ", ".join(f"DATE '{day}'" for day in sorted(days))
    cursor = connection.execute(
        f"SELECT * FROM {view} WHERE {partition} IN ({listed}) AND article_id = ?",  # noqa: S608 - dates
        [identity],
    )
    names = [c[0] for c in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _print(
    root: Folder,
    row: dict[str, Any],
    versions: Sequence[dict[str, Any]],
    wanted: dict[str, Any],
    states: dict[tuple[date, str], str],
) -> None:
    shown = {k: v for k, v in row.items() if v not in (None, [], {}) and k not in _HIDDEN}
    sure = dict(row["confidence"] or ())
    evidence = {
        name: f"{kind} {sure[name]:.0%}" if name in sure else kind
        for name, kind in dict(row["evidence"]).items()
    }
    output.print_fields(shown | {"text": row["text"], "evidence": evidence})
    click.echo()
    columns = [
        "",
        "version_id",
        "run_day",
        "captured_at",
        "parser_version",
        "source_version",
        "bytes",
    ]
    output.print_table(
        columns,
        [
            [
                "→" if v is wanted else "",
                *(v[c] for c in columns[1:-1]),
                states[v["run_day"], v["capture_id"]],
            ]
            for v in versions
        ],
        title="Versions",
    )
    file = _warc_file(root, wanted["warc_path"])
    output.print_fields(
        {
            "capture_id": wanted["capture_id"],
            "file": file,
            "offset, length": f"{wanted['warc_offset']}, {wanted['warc_length']} bytes (gzip)",
            "record SHA-256": wanted["record_sha256"],
            "page SHA-256": wanted["payload_sha256"],
            "on the disk": states[wanted["run_day"], wanted["capture_id"]],
        },
        title="Where its bytes lie",
    )
    quoted, length = shlex.quote(str(file)), wanted["warc_length"]
    tail = f"tail -c +{wanted['warc_offset'] + 1}"
    tail = f"aws s3 cp {quoted} - | {tail}" if isinstance(file, ObjectPath) else f"{tail} {quoted}"
    columns = ["warc_path", "warc_offset", "warc_length", "record_sha256"]
    sql = (
        f"SELECT {', '.join(columns)} FROM versions "  # noqa: S608 - to read, not to run
        f"WHERE run_day = '{wanted['run_day']}' AND version_id = '{wanted['version_id']}'"
    )
    click.echo(
        f"\nthe page    newsarchive show {wanted['version_id']} --bytes\n"
        f"the record  {tail} | head -c {length} | zcat\n"
        f'in SQL      newsarchive query "{sql}"'
    )
