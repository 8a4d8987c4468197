"""State rows by hand, and the same bits from one event as from a whole log."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from features.events.event_log import Event
from features.positives import DEFAULT_POSITIVES
from features.states.aggregates import (
    ITEM_STATS,
    POSITION,
    STATE,
    STATS,
    USER_CATEGORY_STATS,
    USER_STATS,
    advance,
    arrivals,
    no_state,
    state_matrix,
    state_rows,
)
from features.states.batches import Arrivals, advance_through
from features.table import type_of_time

DAY = 86_400_000_000


def log_of(*rows: tuple) -> pl.DataFrame:
    """Rows user, item, day, event, value, day known."""
    columns = ["user_id", "item_id", "timestamp", "event", "value", "known_at"]
    schema = {"user_id": pl.String, "item_id": pl.String, "event": pl.String, "value": pl.Float64}
    frame = pl.DataFrame(list(rows), schema=columns, orient="row", schema_overrides=schema)
    return frame.with_columns((pl.col("timestamp", "known_at") * DAY).cast(pl.Int64).cast(type_of_time))


def catalogue_of(**categories: tuple) -> pl.DataFrame:
    rows = [(item_id, category, price) for item_id, (category, price) in categories.items()]
    return pl.DataFrame(rows, schema={"item_id": pl.String, "category": pl.String, "price": pl.Float64}, orient="row")


CATALOGUE = catalogue_of(a=("x", 9.0), b=("x", None), c=(None, 3.0))


def states(log: pl.DataFrame, table, catalogue=CATALOGUE) -> pl.DataFrame:
    return table.check(state_rows(arrivals(log.lazy(), catalogue.lazy()).collect(), table), source="test")


def test_a_soft_count_is_the_sum_over_all_known_events_of_their_decay():
    log = log_of(("u", "a", 0, "view", 4.0, 0), ("u", "b", 7, "buy", 5.0, 7), ("u", "a", 14, "view", None, 14))
    rows = states(log, USER_STATS)
    e = math.exp
    assert rows["sum_7d"].to_list() == pytest.approx([1, 1 + e(-1), 1 + e(-1) + e(-2)])
    assert rows["sum_90d"].to_list() == pytest.approx([1, 1 + e(-7 / 90), 1 + e(-7 / 90) + e(-14 / 90)])
    assert rows["n_events"].to_list() == [1, 2, 3]
    assert rows["n_value"].to_list() == [1, 2, 2]
    assert rows["sum_value"].to_list() == [4, 9, 9]
    assert rows["n_price"].to_list() == [1, 1, 2]
    assert rows["sum_log_price"].to_list() == pytest.approx([math.log(10), math.log(10), 2 * math.log(10)])
    assert rows["last_at"].to_list() == [0, 7 * DAY, 14 * DAY]
    assert rows["first_at"].to_list() == [0, 0, 0]


def test_a_late_event_counts_from_when_it_is_known_and_decays_from_when_it_happened():
    log = log_of(("u", "a", 10, "view", None, 10), ("u", "b", 3, "view", None, 17))
    rows = states(log, USER_STATS)
    assert rows["known_at"].to_list() == [10 * DAY, 17 * DAY]
    assert rows["sum_7d"].to_list() == pytest.approx([1, math.exp(-1) + math.exp(-2)])
    assert rows["last_at"].to_list() == [10 * DAY, 10 * DAY]
    assert rows["first_at"].to_list() == [10 * DAY, 3 * DAY]


def test_a_row_of_the_future_arrives_when_it_has_happened():
    rows = states(log_of(("u", "a", 5, "view", None, 2)), USER_STATS)
    assert rows["known_at"].to_list() == [5 * DAY]


def test_of_rows_known_at_one_instant_only_the_last_state_is_kept():
    log = log_of(("u", "a", 1, "view", 1.0, 1), ("u", "b", 1, "view", 2.0, 1), ("v", "a", 1, "view", 3.0, 1))
    assert states(log, USER_STATS).select("user_id", "n_events", "sum_value").rows() == [("u", 2, 3.0), ("v", 1, 3.0)]
    assert states(log, ITEM_STATS).select("item_id", "n_events", "sum_value").rows() == [("a", 2, 4.0), ("b", 1, 2.0)]


def test_impressions_and_refusals_are_no_positives():
    log = log_of(("u", "a", 0, "impression", None, 0), ("u", "a", 1, "cancel", 2.0, 1), ("u", "a", 2, None, None, 2))
    row = states(log, ITEM_STATS).row(-1, named=True)
    assert (row["n_impressions"], row["n_events"], row["n_positive"], row["n_value"]) == (1, 2, 1, 1)
    assert row["sum_7d"] == 1.0
    assert row["first_at"] == DAY
    first = states(log, USER_STATS).row(0, named=True)
    assert (first["first_at"], first["last_at"], first["n_events"]) == (None, None, 0)
    assert states(log, USER_CATEGORY_STATS)["n_positive"].to_list() == [0, 1]


def test_items_without_category_make_no_pairs_and_unknown_items_still_count_for_the_user():
    log = log_of(("u", "a", 0, "view", None, 0), ("u", "c", 1, "view", None, 1), ("u", "new", 2, "view", None, 2))
    assert states(log, USER_CATEGORY_STATS).select("category", "n_positive").rows() == [("x", 1)]
    assert states(log, USER_STATS)["n_events"].to_list() == [1, 2, 3]


def test_the_order_of_storage_is_of_no_account():
    log = random_log(500)
    for table in STATS.values():
        assert states(log, table).equals(states(log.sample(fraction=1, shuffle=True, seed=3), table))


def test_a_log_without_rows_gives_empty_tables():
    for table in STATS.values():
        assert states(log_of().clear(), table).is_empty()


def test_event_by_event_gives_the_same_bits_as_the_whole_log():
    log = random_log(400)
    user = log["user_id"][0]
    mine = log.filter(pl.col("user_id") == user).sort("known_at", "timestamp", "user_id", "item_id", "event", "value")
    expected = states(log, USER_STATS).filter(pl.col("user_id") == user)
    prices = dict(CATALOGUE.select("item_id", "price").iter_rows())
    state = no_state(1)
    events, known_prices = [], []
    for seq, row in enumerate(mine.iter_rows(named=True), 1):
        event = Event(
            seq, str(seq), row["user_id"], row["item_id"], row["event"],
            round(row["timestamp"].timestamp() * 1e6), row["value"], round(row["known_at"].timestamp() * 1e6), None,
        )  # fmt: skip
        price = prices.get(row["item_id"])
        one = Arrivals.of([event], np.array([np.nan if price is None else price], dtype=np.float32), DEFAULT_POSITIVES)
        state = advance(state, one.amounts, one.arrival, one.event_at)
        events.append(event)
        known_prices.append(np.nan if price is None else price)
    assert np.array_equal(state[0], state_matrix(expected)[-1], equal_nan=True)
    together = Arrivals.of(events, np.array(known_prices, dtype=np.float32), DEFAULT_POSITIVES)
    nothing = np.full(len(STATE), np.nan)
    assert np.array_equal(advance_through(nothing, together), state[0], equal_nan=True)
    half = advance_through(nothing, together.take(np.arange(len(events) // 2)))
    assert np.array_equal(advance_through(half, together.after(len(events) // 2)), state[0], equal_nan=True)


def test_one_value_has_the_same_exponential_as_many():
    numbers = -np.random.default_rng(0).exponential(3, size=(5000, 2))
    assert all(np.array_equal(np.exp(numbers[i : i + 1])[0], row) for i, row in enumerate(np.exp(numbers)))


def test_every_state_column_stands_in_the_table_of_users():
    assert set(POSITION) <= set(USER_STATS.columns)


def random_log(n_rows: int, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    happened = rng.integers(0, 400, n_rows)
    rows = zip(
        rng.choice(["u", "v", "w"], n_rows).tolist(),
        rng.choice(["a", "b", "c", "d"], n_rows).tolist(),
        happened.tolist(),
        rng.choice(["view", "buy", "impression", "cancel"], n_rows).tolist(),
        rng.choice([1.0, 2.5, 5.0], n_rows).tolist(),
        (happened + rng.choice([0, 0, 1, 30], n_rows)).tolist(),
        strict=True,
    )
    return log_of(*rows)
