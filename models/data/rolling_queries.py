"""Rolling queries: each later event is a query whose history is all that preceded it."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import polars as pl

from features.positives import DEFAULT_POSITIVES, Positives
from models.data.ragged import Ragged
from models.data.types import History, Queries, Targets
from models.data.vocabulary import Vocabulary, distinct_ids


def rolling_events(
    history: pl.DataFrame,
    part: pl.DataFrame,
    *,
    n_events: int | None = None,
    seed: int = 0,
    positives: Positives = DEFAULT_POSITIVES,
) -> pl.DataFrame:
    """The events of a part that become queries, in time order: query_id, user_id, item_id, timestamp, place.

    history, part: rows of INTERACTIONS, those of the preceding parts and of this one. place: of the event among the
    rows of both in time order. query_id: 16 hexadecimal digits that depend on user and item alone. With more than
    `n_events` those with the least seeded hash are kept, so that a larger sample contains every smaller one.
    """
    rows = _in_time(history, part).filter(_seen())
    before = history.filter(positives.where()).select("item_id").unique()
    begun = rows.filter(positives.where()).group_by("user_id").agg(pl.col("place").min().alias("begun"))
    first = (
        rows.unique(["user_id", "item_id"], keep="first", maintain_order=True)
        .filter(pl.col("late") & positives.where())
        .join(begun, on="user_id", maintain_order="left")
        .filter(pl.col("place") > pl.col("begun"))
        .join(before, on="item_id", how="semi", maintain_order="left")
        .select("user_id", "item_id", "timestamp", "place")
    )
    keys = _keys(first)
    first = first.insert_column(0, pl.Series("query_id", [f"{key:016x}" for key in keys.tolist()], dtype=pl.String))
    if n_events is None or first.height <= n_events:
        return first
    order = np.argsort(_mixed(keys ^ _mixed(np.array([seed], dtype=np.uint64))), kind="stable")
    return first[np.sort(order[:n_events])]


def rolling_queries(
    events: pl.DataFrame,
    history: pl.DataFrame,
    part: pl.DataFrame,
    vocabulary: Vocabulary,
    *,
    positives: Positives = DEFAULT_POSITIVES,
) -> tuple[Queries, Targets]:
    """A query for each of `rolling_events`, in their order, with one target each (none where the item is no word of
    the vocabulary: it counts as missed).

    The instant is 1 µs before the event, so that no feature knows of it; history and exclusions are the user's rows
    that precede the event and were known by then; unavailable is what nobody chose in `history`. Memory is about 50 B a
    row of each history.
    """
    rows = _in_time(history, part).filter(_seen()).join(events.select("user_id").unique(), on="user_id", how="semi")
    rows = rows.with_columns(
        item=pl.Series(vocabulary.positions(rows.get_column("item_id").to_list())),
        positive=positives.where(),
        time=pl.col("timestamp").dt.epoch("us"),
        known=pl.col("known_at").dt.epoch("us"),
    ).filter(pl.col("item") >= 0)
    past = _Past(events, rows.filter("positive").sort("user_id", "place"))
    seen = _Past(events, rows.sort("user_id", "item", "place"))
    new = np.ones(len(seen.query), dtype=np.bool_)
    new[1:] = (seen.query[1:] != seen.query[:-1]) | (seen.items[1:] != seen.items[:-1])
    at = events.get_column("timestamp").dt.epoch("us").to_numpy().astype(np.int64) - 1  # features must not know it
    queries = Queries(
        user_ids=events.get_column("user_id").to_numpy().astype(np.str_),
        at=at,
        history=History(
            items=Ragged.grouped(past.query, len(at), past.items),
            times=past.times,
            weights=np.ones(len(past.items), dtype=np.float32),
        ),
        excluded=Ragged.grouped(seen.query[new], len(at), seen.items[new]),
        unavailable=_unknown(history.filter(positives.where()), vocabulary),
    )
    wanted = vocabulary.positions(events.get_column("item_id").to_list())
    reachable = np.flatnonzero(wanted >= 0)
    return queries, Targets(Ragged.grouped(reachable, len(at), wanted[reachable]), np.ones(len(at), dtype=np.int64))


def _in_time(history: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """The rows of both in time order (one instant: as stored, history first) with their place; late: of the part."""
    columns = ["user_id", "item_id", "timestamp", "known_at", "event"]
    both = [history.select(columns).with_columns(late=False), part.select(columns).with_columns(late=True)]
    return pl.concat(both, how="vertical").sort("timestamp", maintain_order=True).with_row_index("place")


def _seen() -> pl.Expr:
    return pl.col("event").ne_missing("impression")


def _unknown(positives: pl.DataFrame, vocabulary: Vocabulary) -> npt.NDArray[np.bool_]:
    """(n_items,) which items nobody chose."""
    unknown = np.ones(len(vocabulary), dtype=np.bool_)
    positions = vocabulary.positions(positives.get_column("item_id").unique().to_list())
    unknown[positions[positions >= 0]] = False
    return unknown


class _Past:
    """Of rows that are sorted by user those that precede each event and were known by then, in the order of the rows.

    query: (n,) which event; items: (n,) positions; times: (n,) µs.
    """

    def __init__(self, events: pl.DataFrame, rows: pl.DataFrame) -> None:
        spans = rows.with_row_index("row").group_by("user_id").agg(pl.col("row").min().alias("start"), pl.len())
        span_of_event = events.select("user_id").join(spans, on="user_id", how="left", maintain_order="left")
        start = span_of_event.get_column("start").fill_null(0).to_numpy().astype(np.int64)
        lengths = span_of_event.get_column("len").fill_null(0).to_numpy().astype(np.int64)
        query = np.repeat(np.arange(len(start), dtype=np.int32), lengths)
        row = np.arange(len(query), dtype=np.int64) + (start - (np.cumsum(lengths) - lengths))[query]
        before = rows.get_column("place").to_numpy()[row] < events.get_column("place").to_numpy()[query]
        at = events.get_column("timestamp").dt.epoch("us").to_numpy()
        before &= rows.get_column("known").to_numpy()[row] <= at[query]
        self.query, row = query[before], row[before]
        self.items = rows.get_column("item").to_numpy().astype(np.int32)[row]
        self.times = rows.get_column("time").to_numpy().astype(np.int64)[row]


def _keys(events: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """(n_events,) a hash of each (user, item) that is the same on every machine."""
    halves = []
    for column in ("user_id", "item_id"):
        names, places = distinct_ids(events.get_column(column))
        digests = [hashlib.blake2b(f"{column}:{name}".encode(), digest_size=8).digest() for name in names]
        halves.append(np.frombuffer(b"".join(digests), dtype="<u8")[places].astype(np.uint64))
    mixed: npt.NDArray[np.uint64] = _mixed(halves[0]) ^ halves[1]
    return _mixed(mixed)


def _mixed(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Each number scattered over 64 bits, one to one (the finalizer of splitmix64, Steele et al. 2014,
    doi:10.1145/2660193.2660195)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
