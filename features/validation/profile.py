"""Measures of the tables: what the expectations look at (one frame a suite) and the profile of the data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from features.arrays import MICROSECONDS_A_DAY
from features.fields import value_fits
from features.schema import RAW_TABLES
from features.table import type_of_time

Tables = dict[str, pl.DataFrame]
Profile = dict[str, Any]

_day = float(MICROSECONDS_A_DAY)


def schema_frame(tables: Tables) -> pl.DataFrame:
    """One row a column of the Tables: which type it should have, and which it has ('absent' where it is missing)."""
    rows = [
        (name, column, str(expected), str(tables[name].schema.get(column, "absent")))
        for name, table in RAW_TABLES.items()
        for column, expected in table.columns.items()
    ]
    return pl.DataFrame(rows, schema=["table", "column", "expected", "found"], orient="row").with_row_index("row")


def sound(tables: Tables) -> set[str]:
    """Names of the tables whose columns are all there with their types."""
    frame = schema_frame(tables).filter(pl.col("expected") != pl.col("found"))
    return set(RAW_TABLES) - set(frame["table"].to_list())


def interactions_frame(
    tables: Tables,
    *,
    burst_rows_per_minute: int,
    silence_days: float,
    goes_on: bool = False,
    since: datetime | None = None,
) -> pl.DataFrame:
    """The interactions with what the rules ask of each row; null where a question has no meaning.

    goes_on: the event log has added rows to data that may have ended long before; its late rows are no wrong times.
    since: the first event of the data accepted last.
    """
    rows = tables["interactions"]
    items, users = tables["items"], tables["users"]
    same = ["user_id", "item_id", "event", "timestamp"]
    minute = pl.col("timestamp").dt.truncate("1m")
    crowded = pl.max_horizontal(pl.len().over("user_id", minute), pl.len().over("item_id", minute))
    created = items.filter(pl.col("item_id").is_not_null()).unique("item_id", keep="first", maintain_order=True)
    return (
        rows.with_row_index("row")
        .join(created.select("item_id", "created_at"), on="item_id", how="left", maintain_order="left")
        .select(
            "row",
            "user_id",
            "item_id",
            "timestamp",
            "event",
            "value",
            value_fits=value_fits(pl.col("value")),
            known_at="known_at",
            known_after_s=(pl.col("known_at") - pl.col("timestamp")).dt.total_microseconds() / 1e6,
            item_age_days=(pl.col("timestamp") - pl.col("created_at")).dt.total_microseconds() / _day,
            item_has_row=_known("item_id", items["item_id"]),
            user_has_row=_known("user_id", users["user_id"]),
            is_single=~(pl.struct(same).is_duplicated() & ~pl.struct(same).is_first_distinct()),
            in_no_crowd=crowded <= burst_rows_per_minute,
            in_the_time=in_the_time(rows, silence_days, goes_on=goes_on, since=since),
        )
    )


def items_frame(items: pl.DataFrame) -> pl.DataFrame:
    """ITEMS with what the rules ask of each row."""
    return items.with_row_index("row").select(
        "row",
        "item_id",
        "price",
        "title",
        price_is_possible=pl.col("price").is_finite() & (pl.col("price") >= 0),
    )


def users_frame(users: pl.DataFrame) -> pl.DataFrame:
    """USERS with what the rules ask of each row."""
    return users.with_row_index("row").select("row", "user_id")


def relations_frame(tables: Tables) -> pl.DataFrame:
    """RELATIONS with whether both ends are users that the data knows."""
    known = pl.concat([tables["interactions"]["user_id"], tables["users"]["user_id"]]).drop_nulls().unique()
    return (
        tables["relations"]
        .with_row_index("row")
        .with_columns(
            user_is_known=_known("user_id", known),
            friend_is_known=_known("friend_id", known),
        )
    )


def vectors_frame(tables: Tables) -> pl.DataFrame:
    """ITEM_VECTORS with whether the item is known and the vector has the usual length and finite numbers."""
    known = pl.concat([tables["interactions"]["item_id"], tables["items"]["item_id"]]).drop_nulls().unique()
    vector = pl.col("vector")
    return (
        tables["item_vectors"]
        .with_row_index("row")
        .select(
            "row",
            "item_id",
            "modality",
            item_is_known=_known("item_id", known),
            n_numbers=vector.list.len(),
            length_is_usual=vector.list.len() == vector.list.len().mode().min().over("modality"),
            is_finite=vector.list.eval(pl.element().is_finite()).list.all(),
        )
    )


def profile(tables: Tables, rows: pl.DataFrame, *, artificial_time: bool) -> Profile:
    """What this data is like, in few numbers; later data is compared with the profile that was accepted last.

    `rows` is the frame of `interactions_frame`.
    """
    interactions, items = tables["interactions"], tables["items"]
    events = interactions.group_by("event").agg(n=pl.len()).sort("event")
    return {
        "artificial_time": artificial_time,
        "n_rows": interactions.height,
        "n_users": interactions["user_id"].n_unique(),
        "n_items": interactions["item_id"].n_unique(),
        "n_side_rows": {name: tables[name].height for name in sorted(RAW_TABLES) if name != "interactions"},
        "first_event": instant(interactions["timestamp"].min()),
        "last_event": instant(interactions["timestamp"].max()),
        "events": {str(name or ""): n for name, n in events.iter_rows()},
        "null_share": {
            "value": _share(interactions["value"].is_null()),
            **{name: _share(items[name].is_null()) for name in ("category", "description", "price", "tags", "title")},
        },
        "unknown_item_share": _share(~rows["item_has_row"]),
        "unknown_user_share": _share(~rows["user_has_row"]),
        "duplicate_share": _share(~rows["is_single"]),
        "burst_share": None if artificial_time else _share(~rows["in_no_crowd"]),
    }


def whole_frame(found: Profile, accepted: Profile, now: datetime) -> tuple[pl.DataFrame, dict[str, str]]:
    """One row of measures of all data, and what stands behind each in words."""
    days = _days_between(found["last_event"], now)
    measures: dict[str, float | None] = {"n_rows": found["n_rows"], "days_since_last_event": days}
    words = {
        "n_rows": f"{found['n_rows']} interactions",
        "days_since_last_event": f"last event {found['last_event']}, now {instant(now)}",
    }
    if accepted:
        for who in ("rows", "users", "items"):
            new, old = found[f"n_{who}"], accepted[f"n_{who}"]
            measures[f"{who}_against_accepted"] = new / old if old else None
            words[f"{who}_against_accepted"] = f"{new} {who}, accepted last were {old}"
        gone = sorted(set(accepted["events"]) - set(found["events"]))
        measures["n_events_gone"], words["n_events_gone"] = len(gone), f"gone: {gone}"
        measures["days_gone_back"] = 0.0 if days is None else days - (_days_between(accepted["last_event"], now) or 0.0)
        words["days_gone_back"] = f"last event {found['last_event']}, accepted last was {accepted['last_event']}"
        for name, new, old in (
            ("null_value_rise", found["null_share"]["value"], accepted["null_share"]["value"]),
            ("null_title_rise", found["null_share"]["title"], accepted["null_share"]["title"]),
            ("unknown_item_rise", found["unknown_item_share"], accepted["unknown_item_share"]),
        ):
            measures[name], words[name] = round(new - old, 6), f"a share of {new}, accepted last was {old}"
    frame = pl.DataFrame({"row": [0]}).with_columns(
        pl.lit(value, dtype=pl.Float64).alias(name) for name, value in measures.items()
    )
    return frame, words


def instant(value: Any) -> str | None:
    """ISO text of an instant, null where there is none."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else None


def _days_between(earlier: str | None, later: datetime) -> float | None:
    return None if earlier is None else (later - datetime.fromisoformat(earlier)).total_seconds() / 86_400


def _known(column: str, ids: pl.Series) -> pl.Expr:
    """Whether a column's id is among `ids`; null for all where there are no ids to be among."""
    known = ids.drop_nulls()
    return pl.lit(None, dtype=pl.Boolean) if known.is_empty() else pl.col(column).is_in(known.implode())


def in_the_time(rows: pl.DataFrame, silence_days: float, *, goes_on: bool, since: Any = None) -> pl.Expr:
    """False for the few rows (under 1 %) that a long silence parts from all others: times that cannot be right.

    rows: with `timestamp`; goes_on: see `interactions_frame`; since: an instant from which on rows were accepted once,
    and stay so however many others join them.
    """
    times = rows["timestamp"].drop_nulls().unique().sort()
    first, last = times.min(), times.max()
    silences = times.to_frame("at").filter(pl.col("at").diff() > timedelta(days=silence_days))["at"].to_list()
    for at in silences:
        if (rows["timestamp"] < at).sum() < 0.01 * rows.height and (since is None or at <= since):
            first = at
    for at in [] if goes_on else reversed(silences):
        if (rows["timestamp"] >= at).sum() < 0.01 * rows.height:
            last = times.filter(times < at).max()
    return pl.col("timestamp").is_between(pl.lit(first, dtype=type_of_time), pl.lit(last, dtype=type_of_time))


def _share(found: pl.Series) -> float:
    """Share of true rows, rounded so that a profile compares by its bytes; 0 of none."""
    return round(float(found.cast(pl.Float64).mean() or 0.0), 6)  # type: ignore[arg-type]
