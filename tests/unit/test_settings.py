"""Settings: option before environment before file, and errors that name the setting."""

from pathlib import Path
from typing import Any

import pytest

from newsarchive import settings
from newsarchive.errors import SettingsError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [n for n in os.environ if n.upper().startswith("NEWSARCHIVE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "newsarchive.toml") -> Path:
    file = Path(name).absolute()
    file.write_text(text, "utf-8")
    return file


def test_without_anything_all_have_their_defaults() -> None:
    loaded = settings.load()
    assert loaded.sources == ["sample_*"]
    assert loaded.archive_path == Path("archive").absolute()
    assert set(settings.origins({}).values()) == {"default"}


def test_option_before_environment_before_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("delay = 3.0\nshards = 3\nsources = ['a', 'b']")
    monkeypatch.setenv("NEWSARCHIVE_DELAY", "2.0")
    monkeypatch.setenv("NEWSARCHIVE_SHARDS", "2")
    loaded = settings.load(delay=1.5, shards=None)
    assert (loaded.delay, loaded.shards, loaded.sources) == (1.5, 2, ["a", "b"])
    origins = settings.origins({"delay": 1.5, "shards": None})
    assert [origins[n] for n in ("delay", "shards", "sources", "contact")] == [
        "option",
        "environment",
        "file",
        "default",
    ]


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    write("delay = 3.0")
    monkeypatch.setenv("NEWSARCHIVE_DELAY", "")
    monkeypatch.setenv("NEWSARCHIVE_SOURCES_DIR", "")
    assert settings.load().delay == 3.0
    assert settings.load().sources_dir is None
    assert settings.origins({})["delay"] == "file"


def test_the_file_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write("delay = 3.0")
    other = write("delay = 4.0", "other.toml")
    monkeypatch.setenv("NEWSARCHIVE_SETTINGS", str(other))
    assert settings.load().delay == 4.0
    monkeypatch.setenv("NEWSARCHIVE_SETTINGS", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match=r"^NEWSARCHIVE_SETTINGS: .*none\.toml: no such file$"):
        settings.load()


def test_sources_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_SOURCES", " sample_ar, ar/* ,,daily ")
    assert settings.load().sources == ["sample_ar", "ar/*", "daily"]
    assert settings.load(sources="sample_en").sources == ["sample_en"]


@pytest.mark.parametrize("text", ["delay = -1", 'delay = "fast"', "delay = []"])
def test_an_error_in_the_file_names_file_and_setting(text: str) -> None:
    file = write(text)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert str(caught.value).startswith(f"{file}: delay: Input should be")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DELAY", "-1"),
        ("DELAY", "fast"),
        ("SHARDS", "65"),
        ("SHARDS", "1.5"),
        ("SAMPLE_PORT", "0"),
        ("SAMPLE_PORT", "70000"),
        ("CONNECT_TIMEOUT", "0"),
        ("MAX_BODY_MB", "-3"),
        ("MAX_ATTEMPTS", "0"),
        ("HOSTS_AT_ONCE", "many"),
        ("MAX_REDIRECTS", "-1"),
    ],
)
def test_an_error_in_the_environment_names_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"NEWSARCHIVE_{name}", value)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert str(caught.value).startswith(f"NEWSARCHIVE_{name}: Input should be")
    assert "\n" not in str(caught.value)


def test_an_error_in_an_option_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_DELAY", "1")
    with pytest.raises(SettingsError, match=r"^option delay: Input should be"):
        settings.load(delay=-1)


@pytest.mark.parametrize("text", ["dealy = 1", "[delay]\nseconds = 1", "[fetch]\ndelay = 1"])
def test_unknown_keys_and_tables(text: str) -> None:
    file = write(text)
    name = text.partition("\n")[0].partition(" ")[0].strip("[]")
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert str(caught.value).startswith(f"{file}: {name}: ")
    assert ("no such setting" in str(caught.value)) is (name != "delay")


def test_an_unknown_option() -> None:
    with pytest.raises(SettingsError, match=r"^option dealy: no such setting"):
        settings.load(dealy=1)


@pytest.mark.parametrize("raw", [b"delay = ", b"delay = 1\ndelay = 2", b"\xff\xfe"])
def test_a_file_that_is_no_toml(raw: bytes) -> None:
    file = Path("newsarchive.toml").absolute()
    file.write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_in_place_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEWSARCHIVE_SETTINGS", str(tmp_path))
    with pytest.raises(SettingsError, match="no such file"):
        settings.load()


@pytest.mark.parametrize(
    "archive", ["s3://bucket/a b", "gs://bucket/a", "/tmp/a*b", "/tmp/run_day=1/x", "/t/a%b"]
)
def test_archives_that_cannot_be(archive: str) -> None:
    with pytest.raises(SettingsError, match=r"^archive = "):
        _ = settings.load(archive=archive).archive_path


def test_home_folders_are_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert settings.load().state_dir == tmp_path / ".local/state/newsarchive"
    loaded = settings.load(archive="~/a", state_dir="~/s", sources_dir="~/o")
    assert loaded.archive_path == tmp_path / "a"
    assert (loaded.state_dir, loaded.sources_dir) == (tmp_path / "s", tmp_path / "o")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "x"))
    assert settings.load().state_dir == tmp_path / "x/newsarchive"


def test_publishers_can_find_who_asks() -> None:
    assert settings.load().user_agent.startswith("newsarchive/")
    assert "me@paper.example" in settings.load(contact="me@paper.example").user_agent


def test_every_setting_is_described_and_frozen() -> None:
    for name, field in settings.Settings.model_fields.items():
        assert field.description, name
    with pytest.raises(Exception, match="frozen"):
        settings.load().delay = 1  # type: ignore[misc]


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_LEASES_URL", "postgresql://user:secret@host/database")
    found = settings.load()
    assert found.leases_url.get_secret_value().endswith("secret@host/database")
    assert "secret@" not in f"{found} {found!r} {found.leases_url}"


def test_the_sources_that_are_on(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "x"\nurl = "https://own.example/"\nlanguage = "en"\n'
        'timezone = "UTC"\n[[listing]]\nkind = "feed"\nurl = "https://own.example/f"\n'
    )
    loaded = settings.load(sources="own,sample_ar", sources_dir=str(tmp_path), sample_port=9123)
    assert set(loaded.enabled_sources()) == {"own", "sample_ar"}
    assert {"sample_en", "own"} <= set(loaded.all_sources())
    assert loaded.enabled_sources()["sample_ar"].hosts == ["http://127.0.0.1:9123"]
    assert settings.load(sources="none").enabled_sources() == {}


def test_shards_are_one_a_host_up_to_four(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def number(*names: str, **more: Any) -> int:
        loaded = settings.load(**more)
        sources = {
            n: next(iter(loaded.all_sources().values())).model_copy(
                update={"url": f"https://{n}.example/", "listing": []}
            )
            for n in names
        }
        return settings.shard_count(loaded, sources)

    assert number() == 1
    assert number("a") == 1
    assert number("a", "b", "c") == 3
    assert number(*"abcdef") == 4
    assert number("a", shards=7) == 7
    monkeypatch.setenv("NEWSARCHIVE_SHARDS", "2")
    assert settings.shards() == 2
    monkeypatch.delenv("NEWSARCHIVE_SHARDS")
    assert settings.shards() == 1, "both samples are on one host"


def test_options_are_handed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSARCHIVE_DELAY", "1")
    settings.hand_down({"delay": "2.5"})
    assert settings.load().delay == 2.5
