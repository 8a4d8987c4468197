"""Progressive judging of an update: the events that the live release has not learned, against its own parts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from features.arrays import MICROSECONDS_A_DAY
from features.positives import Positives
from flows.project.dataset import Project
from flows.updating.known_rows import KnownRows
from flows.updating.lookup import lookup_through
from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.tables import make_log, read_friends
from models.data.types import Catalogue, Log
from models.interfaces import Retriever
from models.recommender import Recommender
from models.release.plan import load_catalogue, read_plan
from models.release.store import Release
from models.updating.parts import unchanged, updated_parts
from models.updating.progressive import Asked, ask
from models.updating.update_params import Params
from models.updating.verdict import Verdict, judge

logger = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def judge_update(
    project: Project, known: KnownRows, base: Path, live: Path, learned_until: int, params: Params
) -> Verdict:
    """The parts updated from the bundle `base` against those of the bundle `live`.

    learned_until: µs; the live parts may have learned what happened until then, so only later events are asked.
    """
    positives = Positives.of(read_plan(live).targets)
    catalogue = load_catalogue(live)
    start = EPOCH + timedelta(microseconds=_start(known, learned_until, params))
    before = known.every.filter(pl.col("timestamp") <= start)
    part = known.every.filter(pl.col("timestamp") > start)
    events = rolling_events(before, part, n_events=params.judge_events, seed=params.seed, positives=positives)
    logger.info("update: %d events to ask since %s", events.height, start.isoformat(timespec="seconds"))
    if events.height < params.least_events:
        nothing = np.zeros(events.height)
        return judge(Asked(events.get_column("user_id").to_numpy().astype(np.str_), nothing, nothing), params)

    queries, targets = rolling_queries(events, before, part, catalogue.vocabulary, positives=positives)
    times = events.get_column("timestamp").dt.epoch("us").to_numpy().astype(np.int64)
    with lookup_through(project, catalogue, known, events.get_column("user_id")) as lookup:
        recommender = Recommender.load(live, lookup)
        same = {name: part for name, part in recommender.retrievers.items() if unchanged(base, live, name)}

        def learned(until: int) -> Mapping[str, Retriever]:
            log = log_of(project, known.cleaned(until), catalogue, positives, until=until)
            return updated_parts(base, log, catalogue, params, same)

        return judge(ask(recommender, learned, queries, targets, times, params.blocks), params)


def learned_until(project: Project, known: KnownRows, base: Release, live: Release) -> int:
    """The instant [µs] until which a release may have learned what happened; live: `base`, or an update of it."""
    data_until = base.data_until or project.data_until()
    if live.kind == "update":
        arrived = [at for seq, at in known.known_at.items() if seq <= int(live.update["position"])]
        return max([data_until, *arrived])
    cut = project.test_cutoff() if known.are_of_project else None
    return data_until if base.refit or cut is None else cut


def log_of(
    project: Project, cleaned: pl.DataFrame, catalogue: Catalogue, positives: Positives, *, until: int | None = None
) -> Log:
    """The rows that parts are fitted on; cleaned: `KnownRows.cleaned` until the same instant [µs]."""
    return make_log(
        cleaned,
        catalogue.vocabulary,
        at=until,
        positives=positives,
        friends=read_friends(project.paths.relations),
    )


def _start(known: KnownRows, learned_until: int, params: Params) -> int:
    """Events after this instant [µs] are asked."""
    times = known.every.get_column("timestamp").dt.epoch("us").to_numpy()
    hours = int(params.judge_hours / 24 * MICROSECONDS_A_DAY)
    return max(learned_until, int(times[-1]) - hours)
