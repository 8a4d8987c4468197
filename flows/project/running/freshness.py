"""Freshness check before a run: the age of the newest event by the clock; no stage reads it, nothing is written."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from features.errors import RefusedError
from features.importing.raw_folder import SIDECAR, read_sidecar
from flows.project.dataset import Project
from flows.project.under_dvc import RAW

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """Section `freshness`: how old the newest event may be when a run starts. Changing it makes no stage stale."""

    model_config = ConfigDict(extra="forbid")

    max_age_days: float = Field(default=30.0, gt=0)
    """Age of the newest event beyond which `when_older` takes effect."""
    when_older: Literal["warn", "fail"] = "warn"
    """`warn`: a line in the log, and the run goes on; `fail`: nothing runs."""


def judge_freshness(project: Project, now: datetime | None = None) -> None:
    """Warns of imported data whose newest event is too old by the clock, or stops the run, as `freshness` says.

    The simulated world and data with artificial times are not checked.

    Raises:
        RefusedError: the data are too old, and `freshness.when_older` is `fail`.
    """
    raw = project.paths.raw
    if project.source().get("input") != RAW or not (raw / SIDECAR).is_file():
        return
    sidecar = read_sidecar(raw)
    if sidecar.artificial_time or (sidecar.source == "simulator" and not sidecar.events_through):
        return
    newest = pl.scan_parquet(raw / "interactions.parquet").select(pl.col("timestamp").max()).collect().item()
    if newest is None:
        return
    params = project.section("freshness", Params, optional=True)
    age_days = ((now or datetime.now(UTC)) - newest).total_seconds() / 86_400
    if age_days <= params.max_age_days:
        return
    sentence = (
        f"{raw}: the newest event is {age_days:.1f} days old ({newest:%Y-%m-%d %H:%M} UTC), more than "
        f"freshness.max_age_days {params.max_age_days:g}; import newer events (`recops data import --append`, "
        "`recops events export`), or raise it in params.yaml"
    )
    if params.when_older == "fail":
        raise RefusedError(sentence)
    logger.warning("%s", sentence)
