"""Settings: what differs by machine, read from RECOPS_* once in an entry point and handed down."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.errors import UserError


class Settings(BaseSettings):
    """Settings of one process, from its environment. They never change results: params.yaml does."""

    model_config = SettingsConfigDict(env_prefix="RECOPS_", frozen=True, extra="ignore")

    home: Path = Path(".recops")
    """State that is not versioned: event log, releases, online stores."""
    database_url: str = ""
    """Event log and history; empty: SQLite under home; `postgresql://…` otherwise."""
    event_retention_days: int | None = Field(default=None, ge=1)
    """Days after which an exported and compacted event leaves the database; empty: never. A sender's `event_id` is
    recognized as a repeat no longer than that."""
    online_store: str = "sqlite"
    """`sqlite` or `redis://host:port/db`: Feast's online store."""
    feast_registry: str = ""
    """Feast's registry; empty: a file under home, `postgresql://…`: a database that several machines share."""
    encoder: str = ""
    """Name or path of a sentence-transformers model; empty: the one that is installed as a package."""
    api_keys: SecretStr = SecretStr("")
    """`role:sha256-of-key` pairs, comma separated; obligatory on any host but loopback."""
    id_key: SecretStr = SecretStr("")
    """Key by which `recops data import --hash-ids` hashes user ids, and the service those of requests; at least 16
    characters. Empty: ids are plain."""
    data_cache: Path | None = None
    """A folder that is searched before any download."""
    bench: Path | None = None
    """A folder with an independent evaluate.py, for tests."""
    task_timeout_s: float = Field(default=6 * 3600, gt=0)
    """A stage (or another task of a flow) that takes longer is ended, with its processes, and fails the run."""
    flow_timeout_s: float = Field(default=24 * 3600, gt=0)
    """A flow that takes longer is ended, waiting for another run included."""
    reports_url: str = ""
    """Where `python -m flows.orchestration.pages.reports_server` is reached: the base of links on the runs' pages."""
    webhook_url: SecretStr = SecretStr("")
    """Webhook that gets a POST for a failed or crashed run; empty: only a log line."""
    release: str = ""
    """The service answers from exactly this release (an id, or a release folder); empty: it follows the live one."""
    at: str = ""
    """An instant, ISO-8601 with zone: the service answers as if it were then and records nothing (replay)."""
    workers: int = Field(default=1, ge=1)
    """Processes of the service; each holds a copy of the recommender."""
    max_concurrency: int = Field(default=128, ge=1)
    """Concurrent requests of one worker of the service; further ones are answered 429."""
    keep_alive_s: int = Field(default=75, ge=1)
    """An idle connection to the service is closed after this time; longer than a load balancer in front keeps it."""
    read_timeout_s: float = Field(default=30, gt=0)
    """The head of a request must arrive within this time of its first byte, its body within this time of its head."""
    telemetry: bool = Field(default=False)
    """True leaves Prefect's, BentoML's, DVC's and Great Expectations' own telemetry settings alone."""

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.absolute()

    @property
    def event_shards(self) -> Path:
        """The folder of the event log's shards."""
        return self.home / "events"

    @property
    def events_url(self) -> str:
        """The URL of the event log's database."""
        return self.database_url or f"sqlite:///{self.home / 'events.db'}"


def read_settings() -> Settings:
    """The settings of this process, for an entry point.

    Raises:
        UserError: a variable has no fitting value; the value itself is not shown, it may be a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(f"RECOPS_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise UserError(f"environment: {faults}; unset it or give it a fitting value") from None
