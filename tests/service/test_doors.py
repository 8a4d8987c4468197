"""Every door has one set of checks: what POST /events takes is what an import keeps."""

from __future__ import annotations

import random
import time

import polars as pl
import pytest

from features.events.event_log import EventLog, NewEvent
from features.fields import BLANKS
from features.importing.importer import append_events, import_source
from features.schema import INTERACTIONS, RAW_TABLES
from features.validation.expectations import Params
from features.validation.validate import validate

ODD = ["i\t2", "i 1\nx", "x" * 600, "x" * 512, "NULL", "None", "\\N", "nil", "  a  ", "\u3000b\u3000", "c\x7f", "ü/..?"]


def imported_ids(folder, odd: str) -> set[str]:
    """The item ids that an import keeps of 195 usual rows and 5 with an odd id."""
    folder.mkdir()
    rows = {
        "user_id": [f"u{n}" for n in range(200)],
        "item_id": [odd if n < 5 else "usual" for n in range(200)],
        "timestamp": [1_700_000_000 + n for n in range(200)],
    }
    pl.DataFrame(rows).write_csv(folder / "interactions.csv")
    import_source("csv", folder, {}, folder / "raw", False, None)
    return set(pl.read_parquet(folder / "raw" / "interactions.parquet")["item_id"].to_list()) - {"usual"}


@pytest.mark.parametrize("odd", ODD)
def test_an_id_that_the_service_refuses_is_set_aside_by_an_import_and_the_other_way_round(client, tmp_path, odd):
    answer = client.post("/events", json={"events": [{"user_id": "u", "item_id": odd, "event": "click"}]})
    recorded = {event.item_id for event in client.runtime.log.read()}
    assert recorded == imported_ids(tmp_path / "in", odd)
    assert (answer.status_code == 200) == bool(recorded)
    if not recorded:
        assert answer.json()["error"]["field"] == "events[0].item_id"


def test_blanks_around_an_id_mean_nothing_in_any_request(client):
    user = client.get("/users?limit=1").json()["users"][0]
    item = client.get("/history", params={"user_id": user}).json()["items"][0]["item_id"]
    plain = client.post("/recommend", json={"user_id": user, "exclude": [item]}).json()
    padded = client.post("/recommend", json={"user_id": f" {user}\t", "exclude": [f"{item} "]}).json()
    assert padded["fallback"] is None
    assert padded["user_id"] == user
    assert [entry["item_id"] for entry in padded["items"]] == [entry["item_id"] for entry in plain["items"]]
    assert client.get("/history", params={"user_id": f"{user} "}).json()["user_id"] == user
    assert client.get("/users", params={"q": f" {user} "}).json()["users"][0] == user
    assert client.post("/similar", json={"item_id": f"{item}\u3000"}).json()["item_id"] == item


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"user_id": " \u2003"}, "user_id"),
        ({"user_id": "null"}, "user_id"),
        ({"event": "  "}, "event"),
        ({"event": "x" * 129}, "event"),
        ({"timestamp": 0}, "timestamp"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": 1_700_000}, "timestamp"),  # kiloseconds, or days: January 1970
        ({"value": 1e300}, "value"),
    ],
)
def test_what_validation_would_refuse_later_is_refused_at_once(shared, event, field):
    usual = {"user_id": "u", "item_id": "i", "event": "click"}
    answer = shared.post("/events", json={"events": [usual | event]})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["field"] == f"events[0].{field}"
    assert shared.runtime.log.last_seq() == 0


@pytest.mark.parametrize(
    "query", ["/history?user_id=%00", "/history?user_id=%20", "/history?user_id=NULL", "/users?q=a%00"]
)
def test_a_query_with_a_bad_text_is_the_senders_fault(shared, query):
    answer = shared.get(query)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == query.partition("?")[2].partition("=")[0]


@pytest.mark.parametrize("limit", ["²", "٣", "9" * 5000, "-1", "0", "501", "1.5", ""])
def test_a_limit_is_a_number_from_1_to_500(shared, limit):
    answer = shared.get("/users", params={"limit": limit})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "limit")


TEXTS = ["u1", "b001", "click", "", " ", "\u3000", "null", "None", "\\N", "nil", "a\tb", "a\x00", "x" * 128, "x" * 129]
TEXTS += ["x" * 512, "x" * 513, " padded ", "ü/..?", "😀", "a b\u2028c", "\ud800", "impression", "0", "NaN"]
TIMES = [
    None,
    0,
    -1,
    1,
    631_152_000,
    631_151_999.5,
    1_700_000_000,
    1.7e9,
    1_700_000_000_000,
    1e300,
    "1970-01-01T00:00:00Z",
]
TIMES += ["1989-12-31T23:59:59Z", "1990-01-01T00:00:00+00:00", "1995-06-01T00:00:00Z", "2025-02-03T00:00:00+02:00"]
TIMES += ["0001-01-01T00:00:00+14:00", "2999-01-01T00:00:00Z", "yesterday", True]
VALUES = [None, 0, -1, 5, 4.5, 1e38, 1e39, -1e300, "5", True]


def drawn_event(draw: random.Random) -> dict:
    """An event as clients send them, mended in most fields and odd in some."""
    event = {"user_id": f"u{draw.randrange(9)}", "item_id": f"b{draw.randrange(9):03}", "event": "click"}
    for name in draw.sample(("user_id", "item_id", "event"), draw.choice((0, 0, 1, 3))):
        event[name] = draw.choice(
            [*TEXTS, "".join(draw.choices([*"ab/", *BLANKS, "\x1c", "\x85"], k=draw.randint(0, 5)))]
        )
    if draw.random() < 0.5:
        event["timestamp"] = draw.choice([*TIMES, draw.randrange(int(time.time())), draw.uniform(6e8, 1.8e9)])
    if draw.random() < 0.5:
        event["value"] = draw.choice([*VALUES, draw.uniform(-1e40, 1e40)])
    return event


def broken_without_tolerance(interactions: pl.DataFrame, params: Params) -> list[str]:
    """Rules that no share of rows may break and these do."""
    tables = {name: table.empty() for name, table in RAW_TABLES.items()} | {"interactions": interactions}
    failed = validate(tables, params, {}, goes_on=True).failed
    return [finding.sentence() for finding in failed if finding.rule.at_most == 0]


def raw_of(made, folder):
    """The world's tables as an import leaves them."""
    parquet = folder / "in" / "interactions.parquet"
    parquet.parent.mkdir(parents=True)
    made.world.history.write_parquet(parquet)
    import_source("parquet", parquet.parent, {}, folder / "raw", False, None)
    return folder / "raw"


def test_whatever_the_service_accepts_passes_the_export_and_validation(client, made, tmp_path):
    draw, accepted = random.Random(7), 0
    for _ in range(2000):
        try:
            accepted += client.post("/events", json={"events": [drawn_event(draw)]}).status_code == 200
        except UnicodeEncodeError:  # a lone surrogate: this client cannot send it
            continue
    assert 300 < accepted < 1500
    rows, through = client.runtime.log.to_interactions()
    assert rows.height == accepted
    raw = raw_of(made, tmp_path)
    fresh = append_events(raw, rows, through)
    # what the service cannot know: whether an event lies years apart from all data
    assert all("parted from all other rows" in reason for reason in fresh.reasons())
    assert fresh.interactions.height > 0.6 * accepted
    assert broken_without_tolerance(INTERACTIONS.read(raw / "interactions.parquet"), Params()) == []


FAULTY = {
    "user_id is blank": NewEvent(" ", "b001", "click"),
    "item_id holds a control character": NewEvent("u1", "b\n1", "click"),
    "event is longer than 128 characters": NewEvent("u1", "b001", "x" * 129),
    "event is none of validate.events": NewEvent("u1", "b001", "foo"),
    "value is no finite number": NewEvent("u1", "b001", "click", value=1e300),
    "value is above validate.value_max 5": NewEvent("u1", "b001", "click", value=6.0),
    "timestamp is before 1990-01-01": NewEvent("u1", "b001", "click", timestamp=5),
    "timestamp is parted from all other rows by more than 365 days": NewEvent(
        "u1", "b001", "click", timestamp=800_000_000_000_000
    ),
}


def test_what_arrives_bad_at_the_export_is_set_aside_with_its_reason_and_blocks_nothing(made, settings, tmp_path):
    kinds = made.world.history["event"].unique().to_list()
    params = Params(events=[*kinds, "click"], value_max=5.0)
    log = EventLog(settings.events_url)
    log.append([*FAULTY.values(), NewEvent(" u1 ", "b001\u3000", "click", value=5.0)])
    rows, through = log.to_interactions()
    raw = raw_of(made, tmp_path)
    assert broken_without_tolerance(pl.concat([made.world.history, rows.drop("seq")]), params) != []
    fresh = append_events(raw, rows, through, params=params)
    assert fresh.interactions.select("user_id", "item_id").rows() == [("u1", "b001")]
    assert fresh.reasons() == dict.fromkeys(sorted(FAULTY), 1)
    kept = pl.read_parquet(raw / "quarantine.parquet").filter(pl.col("file") == "event log").sort("line")
    assert dict(kept.select("reason", "line").iter_rows()) == {reason: n + 1 for n, reason in enumerate(FAULTY)}
    assert broken_without_tolerance(INTERACTIONS.read(raw / "interactions.parquet"), params) == []
    assert append_events(raw, rows, through).interactions.is_empty()  # once


def test_rows_that_were_accepted_once_are_not_refused_because_the_log_grew():
    early, late = 1_500_000_000_000_000, 1_700_000_000_000_000
    times = [early + n for n in range(2)] + [late + n * 1_000_000 for n in range(400)]
    rows = pl.DataFrame({"timestamp": times}).select(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
    side = {"item_id": "i", "event": "click", "value": None}
    table = rows.with_columns(
        user_id=pl.format("u{}", pl.int_range(pl.len())),
        known_at="timestamp",
        **{k: pl.lit(v) for k, v in side.items()},
    )
    tables = {name: kind.empty() for name, kind in RAW_TABLES.items()}
    tables["interactions"] = table.cast({"value": pl.Float64}).select(list(INTERACTIONS.columns))
    params, rule = Params(burst_share=1.0), "interactions.timestamp_is_among_the_others"
    assert [finding.rule.title for finding in validate(tables, params, {}, goes_on=True).failed] == [rule]
    accepted = validate({**tables, "interactions": tables["interactions"].head(100)}, params, {}).profile
    assert validate(tables, params, accepted, goes_on=True).failed == ()
