"""Queries from interaction tables or from one user's state: who asks, when, and what was known then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Bool, Int32, Int64
from features.positives import DEFAULT_POSITIVES, Positives, refusals_where
from models.data.availability import Availability
from models.data.ragged import Ragged
from models.data.types import History, Queries, Targets
from models.data.vocabulary import Vocabulary


def queries_at(
    interactions: pl.DataFrame,
    vocabulary: Vocabulary,
    user_ids: Sequence[str],
    at: int | Int64,
    *,
    availability: Availability | None = None,
    positives: Positives = DEFAULT_POSITIVES,
    include_seen: bool = False,
    as_known: bool = True,
) -> Queries:
    """One query a user in the order of `user_ids`, at one instant or at one each [µs].

    History (of one instant: in the order of the rows) and exclusions come from rows of INTERACTIONS with timestamp and
    known_at at or before the instant (every row where `as_known` is false: what precedes was chosen by its part). Items
    that are not available at the instant are not offered.
    """
    instants = np.broadcast_to(np.asarray(at, dtype=np.int64), (len(user_ids),)).copy()
    askers = pl.DataFrame(
        {"user_id": list(user_ids), "query": np.arange(len(user_ids), dtype=np.int32), "at": instants},
        schema_overrides={"user_id": pl.String},
    )
    rows = interactions.select("user_id", "item_id", "timestamp", "known_at", "event").with_row_index("row")
    rows = rows.join(askers, on="user_id")
    time, learned = pl.col("timestamp").dt.epoch("us"), pl.col("known_at").dt.epoch("us")
    if as_known:
        rows = rows.filter((time <= pl.col("at")) & (learned <= pl.col("at")))
    rows = _with_positions(rows, vocabulary).with_columns(time=time)
    history = rows.filter(positives.where()).sort("query", "time", "row")
    seen = rows.filter(pl.col("event").ne_missing("impression")).select("query", "item").unique()
    seen = (_refused(rows, positives) if include_seen else seen).sort("query", "item")
    return _assemble(
        np.asarray(user_ids, dtype=np.str_),
        instants,
        history.get_column("query").to_numpy(),
        history.get_column("item").to_numpy(),
        history.get_column("time").to_numpy(),
        seen.get_column("query").to_numpy(),
        seen.get_column("item").to_numpy(),
        availability,
    )


def part_queries(
    history: pl.DataFrame,
    part: pl.DataFrame,
    vocabulary: Vocabulary,
    cut: int | None,
    *,
    availability: Availability | None = None,
    positives: Positives = DEFAULT_POSITIVES,
) -> tuple[Queries, Targets]:
    """The queries of valid or test, one a user with a positive row in it, ascending by user id; and their targets.

    history: rows of INTERACTIONS of the preceding parts; part: rows of this one; cut: the instant of all queries [µs],
    or None under leave-last-out, where a query's instant is 1 µs before its target and its history is every preceding
    row. Targets are the part's positive items that are not in the user's history.
    """
    chosen = part.filter(positives.where())
    firsts = chosen.group_by("user_id").agg(pl.col("timestamp").min().dt.epoch("us").alias("first")).sort("user_id")
    user_ids = firsts.get_column("user_id").to_list()
    at = firsts.get_column("first").to_numpy() - 1 if cut is None else cut
    queries = queries_at(
        history,
        vocabulary,
        user_ids,
        at,
        availability=availability,
        positives=positives,
        as_known=cut is not None,
    )
    query_of_user = firsts.select("user_id").with_row_index("query").with_columns(pl.col("query").cast(pl.Int32))
    past = history.filter(positives.where())
    wanted = (
        chosen.select("user_id", "item_id")
        .unique()
        .join(past.select("user_id", "item_id"), on=["user_id", "item_id"], how="anti")
        .join(query_of_user, on="user_id")
    )
    counts = np.bincount(wanted.get_column("query").to_numpy(), minlength=len(user_ids)).astype(np.int64)
    wanted = _with_positions(wanted, vocabulary).sort("query", "item")
    items = wanted.get_column("item").to_numpy().astype(np.int32)
    return queries, Targets(Ragged.grouped(wanted.get_column("query").to_numpy(), len(user_ids), items), counts)


def one_query(
    user_id: str,
    at: int,
    item_ids: Sequence[str],
    timestamps: Sequence[int] | Int64,
    vocabulary: Vocabulary,
    *,
    positive: Sequence[bool] | None = None,
    excluded_ids: Sequence[str] = (),
    unavailable: Bool | None = None,
    include_seen: bool = False,
) -> Queries:
    """The query of one request, from all that is known of the user at its instant (impressions left out).

    Events of one instant keep the order in which they happened.

    timestamps: µs; positive: which of `item_ids` count as history (default all); all of them are excluded unless
    `include_seen`; `excluded_ids` are never offered; unavailable: see `Availability.unavailable_at`.
    """
    items = vocabulary.positions(item_ids)
    times = np.asarray(timestamps, dtype=np.int64)
    chosen = items >= 0
    if positive is not None:
        chosen &= np.asarray(positive, dtype=np.bool_)
    order = np.argsort(times[chosen], kind="stable")
    out = vocabulary.positions(excluded_ids)
    out = np.unique(out if include_seen else np.concatenate([items, out]))
    out = out[out >= 0].astype(np.int32)
    return Queries(
        user_ids=np.array([user_id], dtype=np.str_),
        at=np.array([at], dtype=np.int64),
        history=History(
            items=Ragged.one_row(items[chosen][order]),
            times=times[chosen][order],
            weights=np.ones(len(order), dtype=np.float32),
        ),
        excluded=Ragged.one_row(out),
        unavailable=unavailable,
    )


def _refused(rows: pl.DataFrame, positives: Positives) -> pl.DataFrame:
    """(query, item) pairs that the user refused and has not chosen since."""
    answers = rows.filter(positives.where() | refusals_where()).sort("time", "row")
    last = answers.group_by("query", "item").agg(refused=refusals_where().last())
    return last.filter("refused").select("query", "item")


def _with_positions(rows: pl.DataFrame, vocabulary: Vocabulary) -> pl.DataFrame:
    """Rows with their item's position; rows of unknown items are left out."""
    position_of_item = pl.DataFrame(
        {"item_id": vocabulary.item_ids, "item": np.arange(len(vocabulary), dtype=np.int32)},
        schema_overrides={"item_id": pl.String},
    )
    return rows.join(position_of_item, on="item_id", maintain_order="left")


def _assemble(
    user_ids: npt.NDArray[np.str_],
    at: Int64,
    owners: Int32,
    items: Int32,
    times: Int64,
    seen_owners: Int32,
    seen_items: Int32,
    availability: Availability | None,
) -> Queries:
    """Queries from rows that are sorted by query; items not available are so for all, or excluded for some."""
    unavailable = None
    if availability is not None and len(at):
        unavailable = availability.unavailable_through(int(at.min()), int(at.max()))
        seen_owners, seen_items = _with_unavailable(seen_owners, seen_items, at, availability)
    return Queries(
        user_ids=user_ids,
        at=at,
        history=History(
            items=Ragged.grouped(owners, len(at), np.ascontiguousarray(items, dtype=np.int32)),
            times=np.ascontiguousarray(times, dtype=np.int64),
            weights=np.ones(len(items), dtype=np.float32),
        ),
        excluded=Ragged.grouped(seen_owners, len(at), np.ascontiguousarray(seen_items, dtype=np.int32)),
        unavailable=unavailable,
    )


def _with_unavailable(owners: Int32, items: Int32, at: Int64, availability: Availability) -> tuple[Int32, Int32]:
    """Exclusions with the items that are available to some queries of the batch and not at a query's own instant."""
    changing = availability.changes_within(int(at.min()), int(at.max()))
    if not len(changing):
        return owners, items
    starts, ends, n_items = availability.starts[changing], availability.ends[changing], len(availability.starts)
    query, column = np.nonzero((starts[None, :] > at[:, None]) | (ends[None, :] <= at[:, None]))
    pairs = np.unique(
        np.concatenate([owners, query]).astype(np.int64) * n_items
        + np.concatenate([items, changing[column]]).astype(np.int64)
    )
    return (pairs // n_items).astype(np.int32), (pairs % n_items).astype(np.int32)
