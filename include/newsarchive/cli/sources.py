"""Commands on sources: list, switch on and off, check, try on a page, and propose new ones."""

import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from newsarchive.cli import output
from newsarchive.cli.options import DAY, FAILED, INCOMPLETE, OK, Options, json_option, pass_options
from newsarchive.cli.progress import Progress, showing
from newsarchive.days import today, yesterday
from newsarchive.errors import SourceError

if TYPE_CHECKING:
    from newsarchive.discover import Page
    from newsarchive.fetch.session import Fetched
    from newsarchive.model import Found
    from newsarchive.settings import Settings
    from newsarchive.sources import Source
    from newsarchive.sources.load import Rule


@dataclass(frozen=True, slots=True)
class Checked:
    """What one listing answered."""

    source: str
    listing: str
    kind: str
    """feed, sitemap, dated, section."""
    answer: str
    """ok, or how it failed."""
    links: int
    newest: datetime | date | None
    """Time, or day where it gives no times, of its latest entry."""
    problem: str | None

    @property
    def alive(self) -> bool:
        """Whether it answered with a listing."""
        return self.answer == "ok" and (self.links > 0 or self.problem is None)


@click.group()
def sources() -> None:
    """List sources, switch them on and off, check them, add a site.

    A source is a TOML file: bundled ones are in the package, your own in the folder that the
    setting sources_dir names. Which ones are on is the setting sources.
    """


@sources.command("list")
@json_option
@pass_options
def list_(options: Options) -> None:
    """List every declared source.

    \b
    Examples:
      newsarchive sources list
      newsarchive --sources-dir ./sources --sources 'sample_*,ar/*' sources list --json
    """  # noqa: D301 - click reads it
    settings = options.settings()
    rows: list[dict[str, Any]] = [
        {
            "name": s.name,
            "title": s.title,
            "language": s.language,
            "country": s.country,
            "on": s.matches(settings.sources),
            "listings": [{"kind": li.kind, "url": li.url} for li in s.listing],
            "file": s.file,
        }
        for s in settings.all_sources().values()
    ]
    if options.json:
        output.print_json(rows)
        return
    output.print_table(
        ["name", "title", "language", "country", "on", "listings", "file"],
        [
            [
                r["name"],
                r["title"],
                r["language"],
                r["country"],
                "on" if r["on"] else "off",
                ", ".join(li["kind"] for li in r["listings"]),
                r["file"],
            ]
            for r in rows
        ],
        fold=("file",),
    )


@sources.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--day", type=DAY, help="UTC day that dated listings are asked for; default: yesterday."
)
@json_option
@pass_options
def check(options: Options, names: tuple[str, ...], day: date | None) -> int:
    """Check every source file, then ask the listings of some sources whether they answer.

    Asks those of the sources that are on, or of those that match a NAME (a name, pattern, tag, or
    the path of a TOML file), politely, as a run would, and keeps nothing. Dated listings are asked
    for yesterday.

    Exits with 1 when a file is wrong, and with 3 when a listing does not answer or is none.

    \b
    Examples:
      newsarchive sources check
      newsarchive sources check my_paper
      newsarchive sources check ./my_paper.toml
    """  # noqa: D301 - click reads it
    settings = options.settings()
    files = [n for n in names if n.endswith(".toml")]
    declared, errors = read_all(settings, [Path(f) for f in files])
    patterns = [n for n in names if n not in files]
    asked = [
        s
        for s in declared.values()
        if s.file in {Path(f) for f in files} or s.matches(patterns if names else settings.sources)
    ]
    for pattern in patterns:
        if not errors and not any(s.matches([pattern]) for s in declared.values()):
            raise click.BadParameter(f"no source is named {pattern!r}", param_hint="NAME")
    checked: list[Checked] = []
    if asked:
        with showing("check") as tell:
            checked = ask(asked, settings, day or yesterday(), tell)
    dead = [c for c in checked if not c.alive]
    if options.json:
        output.print_json(
            {"errors": errors, "listings": [{**asdict(c), "alive": c.alive} for c in checked]}
        )
    else:
        columns = ["source", "kind", "listing", "answer", "links", "newest", "problem"]
        output.print_table(
            columns, [[getattr(c, n) for n in columns] for c in checked], fold=("listing",)
        )
        click.echo(
            f"{len(declared)} source files are right, {len(errors)} wrong; "
            f"of {len(checked)} listings {len(checked) - len(dead)} answer"
        )
    for error in errors:
        output.say(f"newsarchive: {error}")
    return FAILED if errors else INCOMPLETE if dead else OK


@sources.command()
@click.argument("url")
@click.option("--name", metavar="NAME", help="Name of the source; default: made of its host.")
@click.option("--write", is_flag=True, help="Write the file into the folder sources_dir.")
@click.option(
    "--allow-private", is_flag=True, help="Ask private and loopback addresses: for tests."
)
@json_option
@pass_options
def add(options: Options, url: str, name: str | None, write: bool, allow_private: bool) -> int:
    """Look at a site and propose a source file for it.

    Asks robots.txt, the home page, what these name, and addresses that are common; politely, and
    keeps nothing. Prints the file, and one of the site's articles as it would be parsed, as
    comments below it. Read it, and mend what it guesses. Nothing is written without --write, and no
    file is ever written over.

    \b
    Examples:
      newsarchive sources add https://example.com
      newsarchive --sources-dir ./sources sources add example.com --name example --write
    """  # noqa: D301 - click reads it
    from newsarchive.discover.propose import page_as_comments, to_toml
    from newsarchive.model import Found
    from newsarchive.site import look
    from newsarchive.text.identity import clean_url, host_of

    settings = options.settings()
    declared, _ = read_all(settings)
    if name is not None:
        _check_name(name, declared)
    if write and settings.sources_dir is None:
        raise click.UsageError("--write needs the setting sources_dir: newsarchive --sources-dir …")
    if "://" not in url:
        url = f"https://{url}"
    with showing("look") as tell:
        looked = look(
            url, settings, allow_private=allow_private, taken=set(declared), progress=tell
        )
    proposal = replace(looked.proposal, name=name) if name else looked.proposal
    text = to_toml(proposal, settings.delay)
    file = _write_source(settings, proposal.name, text) if write else None
    if options.json:
        output.print_json(
            {
                "toml": text,
                "file": file,
                "listings": [asdict(p) for p in proposal.listings],
                "left_out": [asdict(p) for p in proposal.others],
                "asked": [asdict(a) for a in looked.asked],
                "page": asdict(looked.page) if looked.page else None,
            }
        )
    else:
        shown = page_as_comments(looked.page.url, looked.page.found) if looked.page else ""
        click.echo(text + shown, nl=False)
    hosts = {host_of(u) for u in (proposal.url, clean_url(url)) if u}
    for other in declared.values():
        if hosts & set(other.hosts):
            output.say(f"newsarchive: {other.file} declares this site already, as {other.name}")
    if file is not None:
        output.say(
            f"newsarchive: written to {file}; next: newsarchive sources check {proposal.name}, "
            f"then newsarchive sources enable {proposal.name}"
        )
    if looked.page is None or not isinstance(looked.page.found, Found):
        output.say("newsarchive: none of its pages that were tried is an article")
        return INCOMPLETE
    return OK


@sources.command("test")
@click.argument("name", metavar="NAME")
@click.argument("page", metavar="URL|FILE")
@click.option(
    "--url", metavar="URL", help="Of a FILE: the page's address; default: its name on the site."
)
@click.option(
    "--day", type=DAY, help="Of a FILE: when it was captured; default: when it was written."
)
@json_option
@pass_options
def test_(options: Options, name: str, page: str, url: str | None, day: date | None) -> int:
    """Show what each field of a page finds, and from where, as a run would read it.

    NAME is a source, or the path of its TOML file, so that rules can be tried before they are used:
    those of the page's day hold. A URL is asked politely, and nothing is kept; a FILE needs no
    network. Beside each field stand its evidence, of a guess how often such guesses are right, and
    the selector of the source's rules.

    Exits with 3 when the page is no article, and says why.

    \b
    Examples:
      newsarchive sources test my_paper https://example.com/2026/11/22/story
      newsarchive sources test ./my_paper.toml old_page.html --day 2019-03-01
    """  # noqa: D301 - click reads it
    from newsarchive.site import Tried, try_page

    settings = options.settings()
    source = _one_source(settings, name)
    if "://" in page:
        if url or day:
            raise click.UsageError("--url and --day are for a FILE")
        with showing("test") as tell:
            tried = try_page(page, source, settings, tell)
    else:
        from newsarchive.parse.page import read_page
        from newsarchive.text.identity import clean_url

        file = Path(page).expanduser()
        try:
            body = file.read_bytes()
            written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except OSError as error:
            raise SourceError(f"{page}: {error.strerror}") from None
        at = datetime.combine(day, time(23, 59, 59), UTC) if day else written
        address = clean_url(url or quote(file.name), source.url) or source.url
        tried = Tried(
            address,
            at,
            read_page(
                body, url=address, content_type=None, source=source, link=None, captured_at=at
            ),
        )
    reading = tried.reading
    articles = [_fields_of(found, reading.rule) for found in reading.founds]
    if options.json:
        output.print_json(
            {
                "source": source.name,
                "url": tried.url,
                "captured_at": tried.captured_at,
                "rules": reading.rule.model_dump() if reading.rule else None,
                "refused": asdict(reading.refused) if reading.refused else None,
                "articles": articles,
            }
        )
        return INCOMPLETE if reading.refused else OK
    click.echo(f"{tried.url}, captured {tried.captured_at:%Y-%m-%d %H:%M}Z, as of {source.name}")
    if reading.rule:
        since = reading.rule.since
        click.echo(f"rules: those since {since}" if since > date.min else "rules: the first ones")
    else:
        click.echo("rules: the source has none" if not source.rules else "rules: none was reached")
    if reading.refused:
        why = reading.refused
        click.echo(f"no article: {why.reason}" + (f" ({why.detail})" if why.detail else ""))
    for part, rows in enumerate(articles):
        columns = ["value", "evidence", "confidence", "rule"]
        title = f"Article {part} embedded in the page" if part else None
        output.print_table(
            ["field", *columns],
            [[field, *(row[c] for c in columns)] for field, row in rows.items()],
            title=title,
        )
    return INCOMPLETE if reading.refused else OK


_OF_RULES = {"text": "body", "published_at": "date", "published_day": "date"}


def _fields_of(found: "Found", rule: "Rule | None") -> dict[str, dict[str, Any]]:
    """Return each field of an article with where it is from, and the rule that there is for it."""
    from newsarchive.parse.wires import cited_agencies

    shown = {
        f.name: {
            "value": getattr(found, f.name),
            "evidence": found.evidence.get(f.name),
            "confidence": found.confidence.get(f.name),
            "rule": getattr(rule, _OF_RULES.get(f.name, f.name), None),
        }
        for f in fields(found)
        if f.name not in ("evidence", "confidence", "part")
    }
    named = {"value": cited_agencies(found.text), "evidence": "text"}
    return {**shown, "cited_agencies": {**named, "confidence": None, "rule": None}}


def _one_source(settings: "Settings", name: str) -> "Source":
    from newsarchive.sources.load import load_file

    if name.endswith(".toml"):
        return load_file(Path(name))
    declared, errors = read_all(settings)
    if name not in declared:
        wrong = next((e for e in errors if f"{name}.toml" in e), None)
        raise SourceError(
            wrong or f"no source is named {name!r} (`newsarchive sources list` names them)"
        )
    return declared[name]


def _check_name(name: str, declared: Mapping[str, "Source"]) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,62}", name):
        raise click.BadParameter(
            f"{name!r}: small letters a-z, digits and _, a letter first", param_hint="'--name'"
        )
    if name in declared:
        raise click.BadParameter(
            f"{name!r} is taken by {declared[name].file}", param_hint="'--name'"
        )


def _write_source(settings: "Settings", name: str, text: str) -> Path:
    file = (settings.sources_dir or Path()) / f"{name}.toml"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as new:  # never over one that is there
            new.write(text)
    except OSError as error:
        raise SourceError(f"{file}: {error.strerror}; nothing was written") from None
    return file


@sources.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@json_option
@pass_options
def enable(options: Options, patterns: tuple[str, ...]) -> None:
    """Switch sources on, and say which are on.

    A PATTERN is a name, a pattern of names, a language and a pattern, or a tag. It is written to
    the settings file; the other lines of the file stay as they are.

    \b
    Examples:
      newsarchive sources enable aawsat hespress
      newsarchive sources enable 'ar/*' agency
    """  # noqa: D301 - click reads it
    _switch(options, patterns, on=True)


@sources.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN...")
@json_option
@pass_options
def disable(options: Options, patterns: tuple[str, ...]) -> None:
    """Switch sources off, and say which are still on.

    A PATTERN is as for enable. What they brought stays in the archive.

    \b
    Examples:
      newsarchive sources disable 'sample_*'
      newsarchive sources disable youm7
    """  # noqa: D301 - click reads it
    _switch(options, patterns, on=False)


def _switch(options: Options, patterns: Sequence[str], *, on: bool) -> None:
    from newsarchive.settings import origins, settings_file, sources_in_file
    from newsarchive.settings_file import write_list
    from newsarchive.sources.switch import disabled, enabled

    settings, file, before = options.settings(), settings_file(), sources_in_file()
    declared = settings.all_sources()
    wanted = [p.strip() for pattern in patterns for p in pattern.split(",") if p.strip()]
    for pattern in wanted:
        known = any(s.matches([pattern]) for s in declared.values())
        if pattern.startswith("!") or not (known or (not on and pattern in before)):
            raise click.BadParameter(
                f"no source is named {pattern!r} (`newsarchive sources list` names them)",
                param_hint="PATTERN",
            )
    after = (enabled if on else disabled)(before, wanted, declared)
    if after != before:
        write_list(file, "sources", after)
        settings = options.settings()
    active = settings.enabled_sources()
    origin = origins(options.settings_given)["sources"]
    wins = origin if origin in ("option", "environment") else None
    if options.json:
        output.print_json(
            {"file": file, "sources": after, "on": list(active), "overridden_by": wins}
        )
    else:
        output.print_table(
            ["name", "title", "language", "country"],
            [[s.name, s.title, s.language, s.country] for s in active.values()],
        )
        number = "1 source is" if len(active) == 1 else f"{len(active)} sources are"
        click.echo(f"{number} on; {file} says: sources = {json.dumps(after, ensure_ascii=False)}")
    if wins:
        where = "--sources" if wins == "option" else "NEWSARCHIVE_SOURCES in the environment"
        output.say(f"newsarchive: {where} wins over {file.name}: what it says holds without it")


def read_all(
    settings: "Settings", more: Iterable[Path] = ()
) -> tuple[dict[str, "Source"], list[str]]:
    """Return every source whose file is right, by name, and one line for each file that is wrong.

    Args:
        settings: names the user's folder.
        more: files to read beside them; one that is in the folder already is read once.
    """
    from newsarchive.sources.load import bundled_files, load_file, own_files, taken

    errors: list[str] = []
    try:
        own = own_files(settings.sources_dir)
    except SourceError as error:
        own = []
        errors.append(str(error))
    more = list(more)
    named = {f.resolve() for f in more}
    sources: dict[str, Source] = {}
    groups = ((bundled_files(), settings.samples_at), ([*more, *own], None))
    for files, at in groups:
        read: dict[str, Source] = {}
        for file in files:
            if file not in more and file.resolve() in named:
                continue
            try:
                source = load_file(file, at)
            except SourceError as error:
                errors.append(str(error))
                continue
            if source.name in read:
                errors.append(str(taken(source, read[source.name])))
            else:
                read[source.name] = source
        sources |= read
    return sources, errors


def ask(
    asked: Sequence["Source"], settings: "Settings", day: date, progress: Progress
) -> list[Checked]:
    """Ask every listing of some sources, hosts side by side, and return what each answered.

    Args:
        asked: the sources.
        settings: time-outs, politeness.
        day: the UTC day that dated listings are asked for.
        progress: told of each answer.
    """
    from newsarchive import discover
    from newsarchive.fetch.session import Fetcher, Request

    def ask_of(r: Request) -> discover.Ask:
        return discover.Ask(r.url, r.listing or r.url, r.route or r.kind, r.kind)

    wave = [
        Request(source=s, kind=a.kind, url=a.url, listing=a.listing, route=a.route)
        for s in asked
        for a in {a.url: a for a in [*discover.polls(s), *discover.asks(s, day)]}.values()
    ]
    walk = discover.Walk(day)
    for first in wave:
        walk.begin(first.source, ask_of(first))
    answers: dict[tuple[str, str], list[tuple[Fetched, Page | None]]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory(prefix="newsarchive-") as folder,
        Fetcher(settings, today(), Path(folder), "check") as fetcher,
    ):
        while wave:
            following: list[Request] = []
            for done, fetched in enumerate(fetcher.fetch(wave), 1):
                request = fetched.request
                if request.kind == "robots":
                    continue
                progress("listings", min(done, len(wave)), len(wave))
                page = None
                if fetched.body is not None:
                    last = fetched.last
                    layout = discover.layout_of(
                        request.source,
                        request.kind,
                        request.listing,
                        request.route,
                        last.captured_at,
                    )
                    page = discover.read(fetched.body, last.url, last.content_type, layout)
                    following += [
                        replace(request, kind=a.kind, url=a.url)
                        for a in walk.after(request.source, ask_of(request), page, last.url)
                    ]
                answers[request.source.name, request.listing or request.url].append((fetched, page))
            wave = following
    return [
        _checked(s.name, li.url, li.kind, answers[s.name, li.url])
        for s in asked
        for li in s.listing
    ]


def _checked(
    source: str, listing: str, kind: str, answers: Sequence[tuple["Fetched", "Page | None"]]
) -> Checked:
    pages = [page for _, page in answers if page is not None]
    entries = [e for page in pages for e in page.entries]
    problems = {p.problem for p in pages if p.problem}
    failed = [fetched for fetched, page in answers if page is None]
    if pages and kind != "dated":
        problems |= {f"{f.request.url}: {_why(f)}" for f in failed}
    times = [e.listed_at or e.updated_at for e in entries]
    moments = [t.astimezone(UTC) for t in times if t is not None]
    days = [e.listed_day for e in entries if e.listed_day is not None]
    return Checked(
        source=source,
        listing=listing,
        kind=kind,
        answer="ok" if pages else "; ".join(sorted({_why(f) for f in failed})) or "not asked",
        links=len({e.url for e in entries}),
        newest=max(moments) if moments else max(days, default=None),
        problem="; ".join(sorted(problems)) or None,
    )


def _why(fetched: "Fetched") -> str:
    if not fetched.captures:
        return f"not asked: {fetched.detail}"
    last: Any = fetched.last
    detail = last.error or (f"HTTP {last.status}" if last.status else "")
    return f"{last.outcome}: {detail}" if detail else str(last.outcome)
