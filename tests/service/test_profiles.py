"""GET /users/{user_id}/profile: what a user likes, in words, as of the request; a model's words while they hold."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from flows.forgetting.forget import forget
from models.language.writing.enriched import ENRICHED_ITEMS, ENRICHED_USERS
from models.language.writing.released_texts import ITEMS_FILE, PROFILES_FILE, write_released_texts
from models.release.store import ReleaseStore
from tests.support.small_release import release


@pytest.fixture
def enriched(tmp_path, made):
    """What enrich would have written: each item's keyword is its id, and one user has a profile by a model."""
    item_ids = made.catalogue["item_id"].to_list()
    items = pl.DataFrame(
        {
            "item_id": item_ids,
            "keywords": [[f"about {item_id}"] for item_id in item_ids],
            "asked": [[]] * len(item_ids),
        },
        schema_overrides={"asked": pl.List(pl.String)},
    ).with_columns(description=pl.lit(None, pl.String), prior_popularity=pl.lit(1.0), reason=pl.lit(None, pl.String))
    ENRICHED_ITEMS.write(items, tmp_path / "enriched" / "items.parquet")
    return tmp_path / "enriched"


def write_profiles(enriched, rows: list[dict]) -> None:
    empty = {"likes": ["tea"], "dislikes": [], "new": [], "asked": True}
    table = pl.DataFrame([empty | row for row in rows], schema=dict(ENRICHED_USERS.columns))
    ENRICHED_USERS.write(table, enriched / "users.parquet")


def test_a_profile_is_made_of_the_history_and_follows_it(made, settings, start, enriched):
    release(made, settings, "r1")
    write_profiles(enriched, [])
    write_released_texts(enriched, ReleaseStore(settings.home).folder("r1"), users=True)
    client = start()
    nobody = client.get("/users/stranger/profile").json()
    assert nobody == {
        "user_id": "stranger", "profile": None, "likes": [], "dislikes": [], "new": [], "written_by": "local",
        "release": "r1",
    }  # fmt: skip
    items = made.catalogue["item_id"].to_list()[:2]
    for item_id in items:
        client.post("/events", json={"events": [{"user_id": "stranger", "item_id": item_id, "event": "like"}]})
    said = client.get("/users/stranger/profile").json()
    assert said["likes"] == [f"about {item_id}" for item_id in reversed(items)]
    assert said["profile"] == f"Likes about {items[1]} and about {items[0]}."


def test_a_release_without_texts_says_nothing(made, settings, start):
    release(made, settings, "r1")
    client = start()
    user = client.runtime.serving().users["user_id"][3]
    assert client.get(f"/users/{user}/profile").json()["profile"] is None


def test_a_models_words_hold_until_a_fifth_is_new_and_are_forgotten_at_once(made, settings, start, enriched):
    release(made, settings, "r1")
    folder = ReleaseStore(settings.home).folder("r1")
    users = pl.read_parquet(folder / "users.parquet").sort("n_events", "user_id", descending=True)["user_id"]
    now, long_ago = datetime.now(UTC), datetime(2000, 1, 1, tzinfo=UTC)
    rows = [{"user_id": users[0], "as_of": now}, {"user_id": users[1], "as_of": long_ago}]
    write_profiles(enriched, [row | {"profile": "Likes tea."} for row in rows])
    write_released_texts(enriched, folder, users=True)
    client = start()
    first = client.get(f"/users/{users[0]}/profile").json()
    assert (first["profile"], first["written_by"]) == ("Likes tea.", "model")
    assert client.get(f"/users/{users[1]}/profile").json()["written_by"] == "local"
    assert any(line.startswith("profiles (") and ": 1 erased" in line for line in forget(settings, [users[0]]))
    assert client.get(f"/users/{users[0]}/profile").json()["written_by"] == "local"
    assert users[0] not in pl.read_parquet(folder / PROFILES_FILE)["user_id"].to_list()


def test_only_words_of_a_model_are_kept_of_users_in_a_release(tmp_path, enriched):
    write_profiles(enriched, [{"user_id": "u1", "as_of": datetime.now(UTC), "profile": "Likes tea.", "asked": False}])
    (tmp_path / "release").mkdir()
    write_released_texts(enriched, tmp_path / "release", users=True)
    assert [path.name for path in (tmp_path / "release").iterdir()] == [ITEMS_FILE]
