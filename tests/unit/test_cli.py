"""The program as a whole: help, options, settings, errors in one line, exit codes."""

import errno
import json
import signal
from pathlib import Path
from typing import Any

import click
import pytest
from archives import DAY, archive_of, covered, version
from command_line import Program
from command_line import program as _program

from newsarchive import __version__
from newsarchive.cli import local, output, progress, reference
from newsarchive.cli.program import newsarchive
from newsarchive.errors import ArchiveError
from newsarchive.settings import Settings, load

run = pytest.fixture(_program)
CLI_DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


ALL = list(reference.contexts(newsarchive))


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the command `settings` end in an error."""

    def fail(**_: Any) -> Settings:
        raise error

    monkeypatch.setattr("newsarchive.settings.load", fail)


# ---------------------------------------------------------------------------------- help and docs


def test_help_names_every_command_and_exit_code(run: Program) -> None:
    ran = run("--help")
    assert ran.code == 0
    for ctx in ALL[1:]:
        if ctx.parent is not None and ctx.parent.parent is None:
            assert f"\n  {ctx.info_name} " in ran.out
    for code in ("0 ", "1 ", "2 ", "3 ", "130 ", "141 "):
        assert f"\n    {code}" in ran.out
    assert "..." not in ran.out.partition("Commands:")[2], "a short help is cut"


def test_the_commands_that_are_promised_are_there() -> None:
    assert {c.command_path for c in ALL} == {
        "newsarchive",
        *(
            f"newsarchive {name}"
            for name in (
                "backfill",
                "backup",
                "coverage",
                "import",
                "maintain",
                "poll",
                "query",
                "removals",
                "remove",
                "reparse",
                "run",
                "sample",
                "sample serve",
                "sample truth",
                "settings",
                "shell",
                "show",
                "sources",
                "sources list",
                "sources add",
                "sources check",
                "sources disable",
                "sources enable",
                "sources test",
                "extract",
                "up",
                "verify",
            )
        ),
    }


@pytest.mark.parametrize("ctx", ALL, ids=lambda c: c.command_path)
def test_the_help_of_each_command_has_an_example(ctx: click.Context) -> None:
    text = ctx.get_help()
    assert "\\b" not in text, "a mark for click is shown"
    if not isinstance(ctx.command, click.Group):
        assert "Example" in text
    for parameter in ctx.command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


def test_the_reference_is_what_the_program_says() -> None:
    assert CLI_DOCS.read_text("utf-8") == reference.markdown(newsarchive), (
        "docs/cli.md is behind: newsarchive docs > docs/cli.md"
    )


def test_every_command_is_in_the_reference() -> None:
    told = CLI_DOCS.read_text("utf-8")
    for ctx in ALL:
        assert f"# `{ctx.command_path}`\n" in told


def test_docs_prints_the_reference(run: Program) -> None:
    assert run("docs").out == reference.markdown(newsarchive)


def test_help_imports_nothing_heavy(run: Program) -> None:
    script = (
        "import sys\n"
        "from newsarchive.cli import main\n"
        "try: main(['--help'])\n"
        "finally:\n"
        "    heavy = 'duckdb deltalake pyarrow pydantic requests rich numpy lxml'.split()\n"
        "    print([m for m in heavy if m in sys.modules], file=sys.stderr)\n"
    )
    with run.python("-c", script) as process:
        _, err = process.communicate(timeout=60)
    assert err.strip() == "[]"


def test_version(run: Program) -> None:
    assert run("--version").out == f"newsarchive {__version__}\n"


# --------------------------------------------------------------------------------------- settings


def settings(run: Program, *before: object) -> dict[str, Any]:
    ran = run(*before, "settings", "--json")
    assert ran.code == 0, ran.err
    return {s["name"]: s for s in ran.json["settings"]}


def test_settings_shows_every_setting_with_what_it_is_for(run: Program) -> None:
    shown = settings(run)
    assert shown.keys() == Settings.model_fields.keys()
    assert all(s["description"] for s in shown.values())
    table = run("settings").out
    assert all(name in table for name in shown)
    assert f"settings file: {run.folder / 'newsarchive.toml'} (not there)" in table


def test_a_setting_is_option_then_environment_then_file(
    run: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings(run)["delay"]["from"] == "default"
    Path("newsarchive.toml").write_text('delay = 3\ncontact = "me@example.org"\n')
    shown = settings(run)
    assert (shown["delay"]["value"], shown["delay"]["from"]) == (3, "file")
    monkeypatch.setenv("NEWSARCHIVE_DELAY", "4")
    shown = settings(run)
    assert (shown["delay"]["value"], shown["delay"]["from"]) == (4, "environment")
    assert shown["contact"]["from"] == "file"
    shown = settings(run, "--set", "delay=5")
    assert (shown["delay"]["value"], shown["delay"]["from"]) == (5, "option")


def test_the_four_settings_with_options_of_their_own(run: Program) -> None:
    (run.folder / "mine").mkdir()
    shown = settings(
        run, "--archive", "a", "--sources", "x,ar/*", "--sources-dir", "mine", "--state-dir", "s"
    )
    assert [shown[n]["value"] for n in ("archive", "sources", "sources_dir", "state_dir")] == [
        "a",
        ["x", "ar/*"],
        "mine",
        "s",
    ]


def test_an_empty_variable_counts_as_not_set(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_ARCHIVE", "")
    assert settings(run)["archive"] == settings(run)["archive"] | {
        "value": "archive",
        "from": "default",
    }


def test_another_settings_file(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_SETTINGS", "other.toml")
    ran = run("settings")
    assert (ran.code, ran.err) == (
        1,
        "newsarchive: NEWSARCHIVE_SETTINGS: other.toml: no such file\n",
    )
    Path("other.toml").write_text("delay = 7\n")
    assert settings(run)["delay"]["value"] == 7


def test_a_home_folder_is_meant_by_a_tilde(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert load(state_dir="~/s").state_dir == Path("/home/me/s")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--set", "nosuch=1"],
            "option nosuch: no such setting; `newsarchive settings` lists them",
        ),
        (["--set", "delay=soon"], "option delay: Input should be a valid number"),
        (["--set", "delay=-1"], "option delay: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_setting_is_one_line(run: Program, words: list[str], told: str) -> None:
    ran = run(*words, "settings")
    assert ran.code == 1
    assert ran.err.startswith(f"newsarchive: {told}") and ran.err.count("\n") == 1


def test_a_wrong_setting_is_blamed_on_where_it_stands(
    run: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("newsarchive.toml").write_text('delay = "soon"\n')
    assert f"{run.folder}/newsarchive.toml: delay: " in run("settings").err
    monkeypatch.setenv("NEWSARCHIVE_DELAY", "later")
    assert "newsarchive: NEWSARCHIVE_DELAY: " in run("settings").err
    Path("newsarchive.toml").write_text("delay = \n")
    assert "newsarchive.toml: Invalid value" in run("settings").err


@pytest.mark.parametrize("name", ["a[1]", "a*", "what?", "100%25", "run_day=2020-01-01", "a\\b"])
def test_an_archive_where_a_path_is_misread_is_refused(run: Program, name: str) -> None:
    ran = run("--archive", name, "query", "SELECT 1")
    assert ran.code == 1 and "misread by the readers of tables" in ran.err


# ----------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ArchiveError("mend it\nlike this"), "mend it like this"),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), "a/b: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (KeyError("x"), "unexpected KeyError: 'x' (`newsarchive --debug …` shows where)"),
    ],
)
def test_an_error_is_one_line_and_with_debug_a_traceback(
    run: Program, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    fail_with(monkeypatch, error)
    ran = run("settings")
    assert (ran.code, ran.out, ran.err) == (1, "", f"newsarchive: {told}\n")
    ran = run("--debug", "settings")
    assert ran.code == 1
    assert ran.err.startswith("Traceback") and ran.err.endswith(f"newsarchive: {told}\n")


def test_an_interrupt_is_no_traceback(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    ran = run("settings")
    assert (ran.code, ran.err) == (130, "newsarchive: interrupted\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nosuch"], "No such command 'nosuch'."),
        (["settings", "--archive", "x"], "--archive stands before the command"),
        (["--set", "delay", "settings"], "'delay': write it as name=value"),
        (["query"], "Missing argument 'SQL'"),
        (["run", "--day", "22.11.2026"], "'22.11.2026' is no day"),
        (["run", "--day", "2026-02-30"], "day is out of range for month"),
        (["run", "--day", "2099-01-01"], "2099-01-01 is not over yet in UTC"),
        (["backfill", "--to", "2026-03-01"], "--from is needed"),
        (["backfill", "--from", "2026-03-02", "--to", "2026-03-01"], "is before 2026-03-02"),
        (["backfill", "--from", "2099-01-01"], "is before 2099-01-01"),
        (["reparse"], "give --day, or --from"),
        (["coverage", "--from", "2026-03-02", "--to", "2026-03-01"], "is before"),
        (["coverage", "--source", "nosuch*"], "no source is named nosuch*"),
        (["sources", "check", "nosuch"], "no source is named 'nosuch'"),
        (["import"], "Missing argument 'FILE...'"),
        (["import", "--source", "Not Good", "x"], "small letters, digits and _ only"),
        (["sample", "truth", "--now", "soon"], "write it as 2026-11-22T12:00:00Z"),
    ],
)
def test_a_wrong_command_is_one_line_and_2(run: Program, words: list[str], told: str) -> None:
    ran = run(*words)
    assert ran.code == 2, ran.err
    assert told in ran.err
    assert ran.err.startswith("newsarchive: ") and ran.err.count("\n") == 1
    assert "--help` explains" in ran.err


def test_without_a_command_it_helps(run: Program) -> None:
    ran = run()
    assert ran.code == 2 and "Commands:" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["query", "SELECT 1"],
        ["shell"],
        ["show", "abcdef"],
    ],
)
def test_readers_say_that_there_is_no_archive(run: Program, words: list[str]) -> None:
    ran = run(*words)
    assert ran.code == 1
    assert "no archive here yet" in ran.err and ran.err.count("\n") == 1


def test_no_source_on_is_one_line(run: Program) -> None:
    ran = run("--sources", "nosuch", "run")
    assert ran.code == 1
    assert "no source is on" in ran.err and ran.err.count("\n") == 1


# ---------------------------------------------------------------------------- as a process


def test_a_process_exits_with_the_code_and_one_line(run: Program) -> None:
    ran = run.run_process("query", "SELECT 1")
    assert ran.code == 1
    assert ran.err.startswith("newsarchive: ") and ran.err.count("\n") == 1
    assert run.run_process("nosuch").code == 2


def test_a_reader_that_stops_reading_is_no_traceback(run: Program) -> None:
    archive_of(run.archive, [version()])
    for form in ("csv", "json", "markdown"):
        with run.process("query", "SELECT * FROM range(300000)", "--format", form) as process:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.wait(60) == 141
            assert process.stderr.read() == ""


def test_ctrl_c_ends_a_long_query(run: Program) -> None:
    archive_of(run.archive, [version()])
    slow = "SELECT count(*) FROM range(100000000000) a, range(100000) WHERE hash(a.range) = 3"
    with run.process("query", slow) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("query ")  # how far it is: it runs
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()  # a query that does not end would outlive the test
        assert (process.returncode, out) == (130, "")
        assert err.splitlines()[-1] == "newsarchive: interrupted"
        assert "Traceback" not in err


# --------------------------------------------------------------------------------------- progress


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal(
    run: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.showing("2026-03-01") as tell:
        tell("pages", 1, 20)
        assert run.capsys.readouterr().err == ""
        monkeypatch.setattr(progress, "EVERY", 0.0)
        tell("pages", 2, 20)
        tell("seconds", 3, 0)
    assert run.capsys.readouterr().err == "2026-03-01 pages: 2 of 20\n2026-03-01 seconds: 3\n"


def test_progress_is_bars_on_a_terminal(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress.showing("2026-03-01") as tell:
        tell("pages", 2, 20)
        tell("seconds", 3, 0)
    shown = run.capsys.readouterr().err
    assert "2026-03-01 pages" in shown and "2/20" in shown


# ----------------------------------------------------------------------------------------- output


def test_tables_keep_right_to_left_text_in_its_cell(run: Program) -> None:
    output.print_table(["عنوان", "n"], [["صحيفة العينة", 12], ["plain", 3]])
    lines = run.capsys.readouterr().out.splitlines()
    arabic = next(line for line in lines if "صحيفة" in line)
    # Without marks a terminal would order the two cells right to left.
    assert arabic.count("\u200e│\u200e") == 3
    assert "\u200e" not in next(line for line in lines if "plain" in line)
    assert arabic.replace("\u200e", "").endswith("12 │")


def test_tables_let_no_value_drive_the_terminal(run: Program) -> None:
    hostile = "red \x1b[31m\x07 bell \u202eturned\nnew line [bold]tag[/bold]"
    output.print_table(["a\x1b[0m"], [[hostile]])
    out = run.capsys.readouterr().out
    assert "red [31m bell turned new line [bold]tag[/bold]" in out
    assert "\x1b" not in out and "\u202e" not in out


def test_tables_cut_what_is_long(run: Program) -> None:
    output.print_table(["a"], [["x" * 1000]])
    out = run.capsys.readouterr().out
    assert "x…" in out and "x" * (output.MOST_CELL - 1) in out and "x" * output.MOST_CELL not in out


def test_json_values() -> None:
    values = {"nan": float("nan"), "b": b"\x01", "list": [DAY], "path": Path("a"), "n": None}
    assert json.loads(json.dumps(output.json_value(values))) == {
        "nan": None,
        "b": "01",
        "list": ["2026-03-01"],
        "path": "a",
        "n": None,
    }


# ------------------------------------------------------------------------- commands of the machine


def test_up_hands_its_options_to_the_processes_it_starts(
    run: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    import newsarchive.local.up

    told: list[Any] = []

    def start(once: bool) -> int:
        told.append((once, load().airflow_port, load().archive))
        return 3

    monkeypatch.setattr(newsarchive.local.up, "up", start)
    monkeypatch.setenv("NEWSARCHIVE_AIRFLOW_PORT", "8099")
    monkeypatch.setenv("NEWSARCHIVE_ARCHIVE", "elsewhere")
    ran = run("--set", "airflow_port=8123", "--archive", "here", "up", "--once")
    assert (ran.code, told) == (3, [(True, 8123, "here")])
    monkeypatch.setenv("NEWSARCHIVE_AIRFLOW_PORT", "8099")


def test_sample_serve_uses_port_and_clock(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    import newsarchive.sample.serve

    told: list[Any] = []
    monkeypatch.setattr(
        newsarchive.sample.serve, "serve", lambda port, now, host: told.append((port, now, host))
    )
    run("sample", "serve")
    run("--set", "sample_port=8123", "sample", "serve", "--now", "2026-03-01T12:00:00+02:00")
    run("sample", "serve", "--port", "0")
    run("--set", "sample_host=sample", "sample", "serve")
    assert told == [
        (8090, None, "127.0.0.1"),
        (8123, local._time("2026-03-01T10:00:00Z"), "127.0.0.1"),
        (0, None, "127.0.0.1"),
        (8090, None, "sample"),
    ]


def test_sample_truth_is_rows(run: Program) -> None:
    words = ["--from", "2026-03-01", "--to", "2026-03-02", "--now", "2026-03-03T00:00:00Z"]
    ran = run("sample", "truth", *words, "--json", "--base-url", "http://127.0.0.1:9")
    assert ran.code == 0
    articles = ran.json["articles"]
    assert {a["first_run_day"] for a in articles} == {"2026-03-01", "2026-03-02"}
    assert all(a["url"].startswith("http://127.0.0.1:9/") for a in articles)
    assert "articles\n" in run("sample", "truth", *words).out


def test_json_before_the_command_is_json_after_it(run: Program) -> None:
    archive_of(run.archive, [version()], covered())
    before, after = run("--json", "query", "SELECT 1 AS a"), run("query", "SELECT 1 AS a", "--json")
    assert before.json == after.json == [{"a": 1}]
