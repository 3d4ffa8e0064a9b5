"""Settings, and the only reader of the environment.

Each is an option of the command line, or `NEWSARCHIVE_…` in the environment, or a line of the
settings file (TOML), in that order. The file is `newsarchive.toml` in the current folder, or the
one that `NEWSARCHIVE_SETTINGS` names.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from newsarchive.errors import SettingsError
from newsarchive.objects import Folder, bucket_path
from newsarchive.sources.load import INDEXES, Source, load_sources
from newsarchive.text.identity import clean_url

MOST_SHARDS = 4
# Patterns and escapes to DuckDB or Delta, and what would be taken for a partition's folder.
_MISREAD = re.compile(r"[\[\]?*^|%\\{}\x00-\x1f]|\b(?:run_day|article_day|run_month)=")


def settings_file() -> Path:
    """Return where the settings file is or would be."""
    return Path(os.environ.get("NEWSARCHIVE_SETTINGS") or "newsarchive.toml").absolute()


def _state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path("~/.local/state").expanduser()) / "newsarchive"


class Settings(BaseSettings):
    """Everything that can be set; the description of each is what `newsarchive settings` shows."""

    model_config = SettingsConfigDict(
        env_prefix="NEWSARCHIVE_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    archive: str = Field("archive", description="Folder of the archive, or s3://bucket/prefix")
    store_timeout: float = Field(
        60.0, gt=0, description="Seconds that a request to an object store may take, in all tries"
    )
    sources: Annotated[list[str], NoDecode] = Field(
        ["sample_*"],
        description="Sources that are on: names, patterns, language/pattern, tags; commas between; "
        "! before one takes its sources out",
    )
    sources_dir: Path | None = Field(None, description="Folder with source files of your own")
    state_dir: Path = Field(
        default_factory=_state_dir,
        description="Folder for what belongs to this machine: leases, Airflow's database, logs",
    )
    leases_url: SecretStr = Field(
        SecretStr(""),
        description="PostgreSQL database where workers on several machines share the leases of "
        "hosts (postgresql://…); empty: files in state_dir, for one machine",
    )
    lease_seconds: float = Field(
        60.0,
        ge=2,
        description="Seconds that a worker which stops answering keeps a host, with leases_url",
    )
    contact: str = Field(
        "", description="Mail address or page that publishers find in our user agent"
    )
    delay: float = Field(
        1.0, ge=0, description="Seconds between two requests to a host, unless its source says"
    )
    shards: int = Field(0, ge=0, le=64, description="Fetch tasks a day; 0: one per host, 4 at most")
    hosts_at_once: int = Field(
        16, ge=1, le=256, description="Hosts asked side by side in one fetch task"
    )
    connect_timeout: float = Field(10.0, gt=0, description="Seconds to wait for a connection")
    read_timeout: float = Field(
        20.0, gt=0, description="Seconds to wait between two pieces of a response"
    )
    request_timeout: float = Field(60.0, gt=0, description="Seconds a whole request may take")
    max_body_mb: float = Field(
        20.0, gt=0, description="Largest body to keep, in MB, content coding undone"
    )
    max_redirects: int = Field(5, ge=0, le=20, description="Redirects to follow")
    max_attempts: int = Field(
        3, ge=1, le=10, description="Tries of one request on 429, 5xx and broken connections"
    )
    backoff: float = Field(
        1.0, ge=0, description="Seconds before the second try; doubles with each"
    )
    max_retry_after: float = Field(
        120.0, ge=0, description="Longest Retry-After to wait for within a run, seconds"
    )
    catch_up_days: int = Field(
        30, ge=0, description="Days back that a start makes good what was not run; 0: none"
    )
    max_delay: float = Field(
        60.0, ge=0, description="Longest delay that a host in trouble is given, seconds"
    )
    max_requests: int = Field(
        20_000, ge=1, description="Requests to a source a run day, unless it says"
    )
    max_megabytes: float = Field(
        2_000.0, gt=0, description="MB from a source a run day, unless it says"
    )
    indexes: Annotated[list[str], NoDecode] = Field(
        [], description="Indexes for past days of sources that name none: gdelt, wayback, ccnews"
    )
    bodies: Annotated[list[str], NoDecode] = Field(
        ["live"],
        description="Who is asked for pages, in order, of sources that say nothing: live, wayback, "
        "ccnews",
    )
    index_after: int = Field(
        3, ge=1, description="Days that a day must be over before indexes are asked for it"
    )
    gdelt_url: str = Field(
        "https://data.gdeltproject.org", description="Where GDELT's article lists lie"
    )
    wayback_url: str = Field("https://web.archive.org", description="The Wayback Machine")
    commoncrawl_url: str = Field(
        "https://data.commoncrawl.org", description="Where Common Crawl's files lie"
    )
    gdelt_per_minute: float = Field(
        240, gt=0, description="Most requests a minute for GDELT's article lists"
    )
    wayback_per_minute: float = Field(
        24, gt=0, description="Most requests a minute to the Wayback Machine"
    )
    ccnews_days: int = Field(
        3, ge=0, le=30, description="Days after a day whose CC-NEWS files are searched for it too"
    )
    stream_timeout: float = Field(
        7200.0, gt=0, description="Seconds that one large file of an index may take"
    )
    most_failed: float = Field(
        0.1, ge=0, le=1, description="Share of sources that may fail before a run counts as failed"
    )
    verify_rate: float = Field(
        100.0, ge=0, description="MB a second that verify reads; 0: as fast as it can"
    )
    retention_hours: int = Field(
        168,
        ge=24,
        le=168,  # longer than that a table's log does not remember what left it
        description="Hours that files which left their table or the snapshot stay for readers",
    )
    alert_mail: Annotated[list[str], NoDecode] = Field(
        [],
        description="Mail addresses that alerts go to, by Airflow's connection smtp_default; "
        "commas between",
    )
    late_after_hours: float = Field(
        12.0, gt=0, description="Hours after which a daily run that is not over is late"
    )
    log_days: int = Field(30, ge=1, description="Days that logs of Airflow's tasks are kept")
    sample_host: str = Field(
        "127.0.0.1", description="Where the sample newspapers are served: loopback, or a name"
    )
    sample_port: int = Field(8090, ge=1, le=65535, description="Port of the sample newspapers")
    airflow_port: int = Field(8080, ge=1, le=65535, description="Port of Airflow's page")

    @field_validator("sources", "indexes", "bodies", "alert_mail", mode="before")
    @classmethod
    def _commas(cls, value: Any) -> Any:
        return (
            [v.strip() for v in value.split(",") if v.strip()] if isinstance(value, str) else value
        )

    @field_validator("indexes", "bodies")
    @classmethod
    def _known(cls, names: list[str], info: ValidationInfo) -> list[str]:
        known = INDEXES if info.field_name == "indexes" else ("live", *INDEXES[1:])
        strange = [n for n in names if n not in known]
        if strange or len(set(names)) < len(names) or (info.field_name == "bodies" and not names):
            raise ValueError(f"name some of {', '.join(known)}, each once")
        return names

    @field_validator("gdelt_url", "wayback_url", "commoncrawl_url")
    @classmethod
    def _base(cls, url: str) -> str:
        if clean_url(url) is None:
            raise ValueError("not a web address")
        return url.rstrip("/")

    @field_validator("sources_dir", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return value or None

    @field_validator("sources_dir", "state_dir")
    @classmethod
    def _home(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value is not None else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order: option, environment, settings file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, settings_file())

    @property
    def archive_path(self) -> Folder:
        """The archive's folder, absolute, or its place in an object store."""
        if "://" in self.archive:
            try:
                return bucket_path(
                    self.archive,
                    self.state_dir.absolute(),
                    self.store_timeout,
                    os.environ.get("AWS_ENDPOINT_URL", ""),
                )
            except ValueError as error:
                raise SettingsError(f"archive = {self.archive!r}: {error}") from None
        path = Path(self.archive).expanduser().absolute()
        if odd := _MISREAD.search(str(path)):
            raise SettingsError(
                f"archive = {str(path)!r}: {odd.group()!r} in a path is misread by the readers of "
                "tables; choose another folder"
            )
        return path

    @property
    def user_agent(self) -> str:
        """What we call ourselves to publishers."""
        from newsarchive import __version__

        contact = f"; {self.contact}" if self.contact else ""
        return f"newsarchive/{__version__} (news archive for research{contact})"

    @property
    def samples_at(self) -> str:
        """Host and port of the sample newspapers."""
        return f"{self.sample_host}:{self.sample_port}"

    def all_sources(self) -> dict[str, Source]:
        """Return every declared source by name, the user's own included.

        What a source does not say of indexes and bodies is as the settings say.
        """
        told = {"indexes": self.indexes, "bodies": self.bodies}
        return {
            name: s.model_copy(
                update={k: v for k, v in told.items() if k not in s.model_fields_set}
            )
            for name, s in load_sources(self.sources_dir, self.samples_at).items()
        }

    def enabled_sources(self) -> dict[str, Source]:
        """Return the sources that are on, by name."""
        return {n: s for n, s in self.all_sources().items() if s.matches(self.sources)}


def load(**options: Any) -> Settings:
    """Return the settings; `options` that are None count as not given.

    Raises:
        SettingsError: one line that names the setting, where it stands and what is wrong with it.
    """
    named = os.environ.get("NEWSARCHIVE_SETTINGS")
    if named and not settings_file().is_file():
        raise SettingsError(f"NEWSARCHIVE_SETTINGS: {named}: no such file")
    given = {k: v for k, v in options.items() if v is not None}
    try:
        return Settings(**given)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{settings_file()}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        known = name in Settings.model_fields
        where = {
            "option": f"option {name}",
            "environment": f"NEWSARCHIVE_{name.upper()}",
            "file": f"{settings_file()}: {name}",
        }.get(_origin(name, given, _in_file()), f"setting {name}")
        what = first["msg"] if known else "no such setting; `newsarchive settings` lists them"
        raise SettingsError(f"{where}: {what}") from None


def origins(options: Mapping[str, Any]) -> dict[str, str]:
    """Return where each setting's value comes from: option, environment, file or default.

    Args:
        options: as given to `load`.
    """
    in_file = _in_file()
    return {name: _origin(name, options, in_file) for name in Settings.model_fields}


def sources_in_file() -> list[str]:
    """Return what the settings file says that `sources` is, whatever wins over it, or the default.

    Raises:
        SettingsError: the file says something that is no list of patterns.
    """
    said = _in_file().get("sources", Settings.model_fields["sources"].default)
    patterns = Settings._commas(said)
    if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
        raise SettingsError(f"{settings_file()}: sources: not a list of patterns")
    return list(patterns)


def hand_down(options: Mapping[str, str]) -> None:
    """Put options into the environment, for the processes that this one starts."""
    os.environ.update({f"NEWSARCHIVE_{name.upper()}": value for name, value in options.items()})


def _origin(name: str, options: Mapping[str, Any], in_file: Mapping[str, Any]) -> str:
    if options.get(name) is not None:
        return "option"
    if any(k.upper() == f"NEWSARCHIVE_{name.upper()}" and v for k, v in os.environ.items()):
        return "environment"
    return "file" if name in in_file else "default"


def _in_file() -> dict[str, Any]:
    file = settings_file()
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}


def shards() -> int:
    """Return how many fetch tasks a day has: the setting, or one per host that is on, 4 at most."""
    settings = load()
    return shard_count(settings, settings.enabled_sources())


def shard_count(settings: Settings, sources: Mapping[str, Source]) -> int:
    """Return the same, for sources that are loaded already."""
    if settings.shards:
        return settings.shards
    hosts = {host for source in sources.values() for host in source.hosts}
    return max(1, min(MOST_SHARDS, len(hosts)))
