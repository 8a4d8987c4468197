"""Settings: what differs by machine, read from RECOPS_* once in an entry point and handed down."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

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
    llm_base_url: SecretStr = SecretStr("")
    """An OpenAI-compatible server, `http://host:8000/v1`, that `recops ask` asks; empty: nobody is asked."""
    llm_api_key: SecretStr = SecretStr("")
    """Its key; empty: it wants none."""
    llm_model: str = ""
    """The name by which it knows the model, where that is another than `language.model` of params.yaml."""
    llm_price_in: float = Field(default=0.0, ge=0)
    """Price of a million tokens that it reads, in any currency."""
    llm_price_out: float = Field(default=0.0, ge=0)
    """Price of a million tokens that it writes."""
    llm_concurrency: int = Field(default=4, ge=1, le=256)
    """Requests that it gets at a time."""
    llm_deadline_s: float = Field(default=60.0, gt=0)
    """A request without a whole answer after this time is given up, and sent again a few times."""
    llm_max_tokens: int | None = Field(default=None, ge=0)
    """Most tokens of one `recops ask`, and of the asking of one `recops run`; empty: no limit."""
    llm_max_cost: float | None = Field(default=None, ge=0)
    """Most money for it; empty: no limit."""
    llm_max_seconds: float | None = Field(default=600.0, ge=0)
    """Longest time of it; what is left is asked by the next."""
    conversation_days: float = Field(default=30, gt=0)
    """Days after which a conversation that nobody went on with is forgotten."""
    item_encoder: Literal["auto", "warm", "off"] = "auto"
    """The process that encodes texts of posted items: `auto`, started when the first is posted, which waits for it some
    seconds; `warm`, started with the service; `off`, posted items have no text vector before the next training."""
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
    kernel_cache: Path | None = None
    """Folder of the service's compiled kernels, which nobody else may write; empty: `recops/kernels` in the user's
    folder of caches. Without it each first start on another processor compiles for up to half a minute."""
    workers: int = Field(default=1, ge=1)
    """Processes of the service; they share the memory of the bundle's arrays."""
    spare_worker: bool = True
    """One more process of the service, with all code and no release, takes the place of a worker that dies."""
    session_users: int = Field(default=20_000, ge=1)
    """Users that one worker of the service holds in memory at most, of each release that it has loaded."""
    session_mb: int = Field(default=64, ge=1)
    """Memory for them, MiB; who was asked for longest ago goes first."""
    approximate_items: int | None = Field(default=None, ge=1)
    """Retrievers that compare vectors of at least so many items search them approximately, with FAISS; empty: never."""
    max_concurrency: int = Field(default=128, ge=1)
    """Concurrent requests of one worker of the service; further ones are answered 429."""
    quotas: str = ""
    """`name:rate/burst` triples, comma separated: requests a second and at once that each key may send; a name is a
    role, 8 or more hex digits of a key's hash, or `*`. Empty: no limit."""
    deadline_ms: int = Field(default=250, ge=1, le=60_000)
    """Time in which the service is to answer, from the arrival of a request; past it the answer is a cheaper one."""
    log_format: Literal["text", "json"] = "text"
    """Log lines of the service: text, or one JSON object each, then with a line for every answer."""
    otel_endpoint: str = Field(default="", pattern=r"^(https?://.+)?$")
    """Where an OpenTelemetry collector takes OTLP over HTTP, `http://host:4318`; empty: no spans are made."""
    keep_alive_s: int = Field(default=75, ge=1)
    """An idle connection to the service is closed after this time; longer than a load balancer in front keeps it."""
    read_timeout_s: float = Field(default=30, gt=0)
    """The head of a request must arrive within this time of its first byte, its body within this time of its head."""
    record_share: float = Field(default=1.0, ge=0, le=1)
    """Share of the answers that the flight recorder keeps; 0: none."""
    record_max_mb: int = Field(default=2048, ge=1)
    """Greatest size of all records together; the oldest are removed first."""
    record_days: float = Field(default=30, gt=0)
    """Days that a record is kept."""
    record_features: int = Field(default=50, ge=0)
    """Best candidates of an answer whose features are recorded, beside those shown."""
    skew_limit: float = Field(default=0.05, ge=0, le=1)
    """Share of a feature's recorded values that may differ from the offline tables; beyond it no release is made."""
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
