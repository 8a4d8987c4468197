"""Every door has one set of checks: what POST /events takes is what an import keeps."""

from __future__ import annotations

import polars as pl
import pytest

from features.importing.importer import import_source

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
