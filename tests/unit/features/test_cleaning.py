"""Cleaning finds the planted bots and bursts, and nothing in honest data; every change is counted."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from features.cleaning.interactions import Params, clean_log, trust
from features.schema import INTERACTIONS, LOG

start = datetime(2024, 1, 1, tzinfo=UTC)
hour = 3600.0


def table(
    users: list[str], items: list[str], seconds: list[float], values: list[float | None], event: str | None = "rating"
) -> pl.DataFrame:
    """INTERACTIONS, seconds counted from the start."""
    times = [start + timedelta(seconds=at) for at in seconds]
    columns = {
        "user_id": users,
        "item_id": items,
        "timestamp": times,
        "event": [event] * len(users),
        "value": values,
        "known_at": times,
    }
    return pl.DataFrame(columns, schema=dict(INTERACTIONS.columns))


def honest(n_users: int = 80, n_rows: int = 4000, days: int = 60, seed: int = 0) -> pl.DataFrame:
    """People who rate 100 items between 1 and 5 at any time, all items alike."""
    rng = np.random.default_rng(seed)
    return table(
        [f"u{n}" for n in rng.integers(0, n_users, n_rows)],
        [f"i{n}" for n in rng.integers(0, 100, n_rows)],
        [float(at) for at in np.sort(rng.uniform(0, days * 24 * hour, n_rows))],
        [float(value) for value in rng.integers(1, 6, n_rows)],
    )


def test_honest_people_are_trusted() -> None:
    weights, reasons = trust(honest(), Params())
    assert weights.min() == 1.0
    assert reasons.is_empty()


def test_a_user_too_busy_for_a_person_is_a_bot() -> None:
    rng = np.random.default_rng(1)
    seconds = [float(at) for at in 20 * 24 * hour + np.sort(rng.uniform(0, 20 * hour, 700))]
    bot = table(["bot"] * 700, [f"i{n % 100}" for n in range(700)], seconds, [3.0] * 700)
    rows = pl.concat([honest(), bot])
    weights, reasons = trust(rows, Params(bot_trust=0.05))
    assert reasons.select("kind", "who", "n_rows", "weight").rows() == [("bot", "bot", 700, 0.05)]
    assert reasons["reason"][0].startswith("700 events within 24 hours, more than 300")
    assert weights.to_list() == [1.0] * 4000 + [0.05] * 700


def test_many_busy_people_are_no_bots() -> None:
    # a rating site where everybody rates 400 items in an evening: the limit rises with the median
    rng = np.random.default_rng(2)
    evenings = [
        table(
            [f"u{user}"] * 400,
            [f"i{n}" for n in range(400)],
            [float(at) for at in user * 24 * hour + np.sort(rng.uniform(0, 5 * hour, 400))],
            [float(value) for value in rng.integers(1, 6, 400)],
        )
        for user in range(10)
    ]
    assert trust(pl.concat(evenings), Params())[1].is_empty()


def test_a_user_as_steady_as_a_clock_is_a_bot() -> None:
    steady = table(["clock"] * 60, [f"i{n}" for n in range(60)], [n * 600.0 for n in range(60)], [None] * 60)
    reasons = trust(pl.concat([honest(), steady]), Params())[1]
    assert reasons["who"].to_list() == ["clock"]
    assert reasons["reason"][0] == "60 events in even steps of 600.0 s: a clock, no person"


def test_impressions_do_not_make_a_bot() -> None:
    shown = table(
        ["u1"] * 5000, [f"i{n % 100}" for n in range(5000)], [n * 7.0 for n in range(5000)], [None] * 5000, "impression"
    )
    assert trust(pl.concat([honest(), shown]), Params())[1].is_empty()


def test_a_rating_burst_by_throwaway_accounts_is_found() -> None:
    # 30 new accounts give item i7 the best value within two hours
    burst = table(
        [f"new{n}" for n in range(30)], ["i7"] * 30, [30 * 24 * hour + n * 240.0 for n in range(30)], [5.0] * 30
    )
    rows = pl.concat([honest(), burst])
    weights, reasons = trust(rows, Params(burst_trust=0.2))
    assert weights[4000:].to_list() == [0.2] * 30
    row = reasons.row(0, named=True)
    assert (row["kind"], row["who"], row["weight"]) == ("burst", "i7", 0.2)
    assert row["since"] <= start + timedelta(days=30)
    assert "at one end of the scale" in row["reason"]
    # an honest row of the item that day may share the extreme value; none other may lose trust
    assert (weights[:4000] < 1).sum() == row["n_rows"] - 30 <= 2


def test_a_burst_of_clicks_without_values_is_found_by_its_accounts() -> None:
    clicks = honest().with_columns(value=pl.lit(None, dtype=pl.Float64))
    burst = table(
        [f"new{n}" for n in range(40)], ["i7"] * 40, [30 * 24 * hour + n * 60.0 for n in range(40)], [None] * 40
    )
    weights, reasons = trust(pl.concat([clicks, burst]), Params())
    assert weights[4000:].to_list() == [0.1] * 40
    assert "by accounts that do nothing else" in reasons["reason"][0]


def test_a_wave_of_ordinary_people_is_no_burst() -> None:
    # fifty known users turn to one item on one day, with all kinds of values: a fashion
    rng = np.random.default_rng(3)
    wave = table([f"u{n}" for n in range(50)], ["i7"] * 50, [30 * 24 * hour + n * 900.0 for n in range(50)],
                 [float(value) for value in rng.integers(1, 6, 50)])  # fmt: skip
    assert trust(pl.concat([honest(), wave]), Params())[1].is_empty()


def test_accounts_made_for_bursts_are_bots() -> None:
    # ten accounts praise four items, each on a day of its own, and do nothing else
    accounts = [f"paid{n}" for n in range(15)]
    praise = [
        table(accounts, [f"i{item}"] * 15, [day * 24 * hour + n * 300.0 for n in range(15)], [5.0] * 15)
        for item, day in enumerate((10, 15, 20, 25))
    ]
    weights, reasons = trust(pl.concat([honest(), *praise]), Params())
    assert reasons.filter(pl.col("kind") == "bot")["who"].to_list() == sorted(f"paid{n}" for n in range(15))
    assert weights[4000:].to_list() == [0.0] * 60


def test_trust_does_not_depend_on_the_order_of_rows_of_different_instants() -> None:
    burst = table(
        [f"new{n}" for n in range(30)], ["i7"] * 30, [30 * 24 * hour + n * 240.0 for n in range(30)], [5.0] * 30
    )
    rows = pl.concat([honest(), burst])
    weights, reasons = trust(rows, Params())
    turned_weights, turned_reasons = trust(rows.reverse(), Params())
    assert turned_weights.reverse().equals(weights)
    assert turned_reasons.equals(reasons)


def test_trust_uses_nothing_that_was_not_known_at_the_cut() -> None:
    burst = table(
        [f"new{n}" for n in range(30)], ["i7"] * 30, [30 * 24 * hour + n * 240.0 for n in range(30)], [5.0] * 30
    )
    told_later = burst.with_columns(known_at=pl.col("known_at") + timedelta(days=20))
    cut = int((start + timedelta(days=40)).timestamp() * 1e6)
    rows = pl.concat([honest(), told_later])
    log, reasons, report = clean_log(rows, Params(), at=cut)
    assert reasons.is_empty()
    assert report["n_known_after_cut"] == 30 + honest().filter(pl.col("known_at") > start + timedelta(days=40)).height
    assert not log["user_id"].str.starts_with("new").any()


def test_one_act_is_one_row() -> None:
    rows = table(["u"] * 5, ["a"] * 5, [0.0, 0.0, 0.6, 1.2, 60.0], [1.0, 2.0, 2.0, 2.0, 2.0])
    # the first two share an instant (the later known stays), the next two follow within a second each, the last is new
    log, _, report = clean_log(rows, Params(), at=None)
    assert log["timestamp"].to_list() == [start, start + timedelta(seconds=60)]
    assert log["value"].to_list() == [2.0, 2.0]
    assert report["n_repeated_at_one_instant"] == 1
    assert report["n_repeated_within_repeat_seconds"] == 2


def test_a_correction_replaces_the_value_once_it_is_known() -> None:
    rows = table(["u", "u"], ["a", "a"], [0.0, 0.0], [1.0, 5.0])
    rows = rows.with_columns(known_at=pl.Series([start + timedelta(hours=2), start], dtype=pl.Datetime("us", "UTC")))
    assert clean_log(rows, Params(), at=None)[0]["value"].to_list() == [1.0]
    early = int((start + timedelta(hours=1)).timestamp() * 1e6)
    assert clean_log(rows, Params(), at=early)[0]["value"].to_list() == [5.0]


def test_different_events_on_one_item_are_different_acts() -> None:
    rows = pl.concat([table(["u"], ["a"], [0.0], [None], "view"), table(["u"], ["a"], [0.0], [None], "cart")])
    assert clean_log(rows, Params(), at=None)[0].height == 2


def test_impossible_values_become_null_and_are_counted() -> None:
    rows = table(["u", "v", "w"], ["a", "a", "a"], [0.0, 1.0, 2.0], [math.nan, math.inf, 3.0])
    log, _, report = clean_log(rows, Params(), at=None)
    assert log["value"].to_list() == [None, None, 3.0]
    assert report["n_impossible_values"] == 2


def test_without_times_everything_is_trusted_and_no_gap_is_read() -> None:
    rows = table(["bot"] * 800, [f"i{n % 3}" for n in range(800)], [float(n) for n in range(800)], [5.0] * 800)
    log, reasons, report = clean_log(rows, Params(), at=None, artificial_time=True)
    assert log.height == 800
    assert log["trust"].min() == 1.0
    assert reasons.is_empty()
    assert report["n_repeated_within_repeat_seconds"] == 0


def test_an_empty_log_is_a_clean_log() -> None:
    log, reasons, report = clean_log(INTERACTIONS.empty(), Params(), at=None)
    assert LOG.check(log, source="test").is_empty()
    assert reasons.is_empty()
    assert report["n_rows"] == 0


@pytest.mark.parametrize("bad", [{"bot_trust": 1.5}, {"burst_rows": 1}, {"repeat_seconds": -1}, {"burst_hour": 3}])
def test_params_out_of_bounds_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Params.model_validate(bad)


def test_every_bot_of_the_simulated_world_is_found_and_no_person() -> None:
    from features.simulation.parameters import Params as WorldParams
    from features.simulation.world import World
    from features.sources.simulator import read

    params = WorldParams(seed=1)
    world = World.make(params)
    bots = sorted(world.users.ids[world.users.is_bot].tolist())
    rows = read(params).interactions
    weights, reasons = trust(rows, Params())
    assert sorted(reasons.filter(pl.col("kind") == "bot")["who"]) == bots
    people = weights.filter(~rows["user_id"].is_in(bots))
    assert (people < 1).sum() <= 0.0005 * people.len()
