"""POST /search: items by the words of a text, in the order of the user who asks, and only what may be offered."""

from __future__ import annotations

import polars as pl
import pytest

from models.language.writing.released_texts import ITEM_TEXTS, ITEMS_FILE
from models.release.store import ReleaseStore
from tests.support.small_release import release


def found(client, **request) -> list[str]:
    reply = client.post("/search", json=request)
    assert reply.status_code == 200, reply.text
    return [item["item_id"] for item in reply.json()["items"]]


def test_the_words_of_a_query_find_the_items_that_say_them_the_closest_first(shared, made):
    row = made.catalogue.row(7, named=True)
    answer = shared.post("/search", json={"query": row["title"], "k": 5, "details": True}).json()
    first = answer["items"][0]
    assert (first["item_id"], first["title"], first["rank"]) == (row["item_id"], row["title"], 1)
    assert first["category"] == row["category"]
    assert first["sources"] == ["words"]
    assert answer["personal"] is False
    scores = [item["score"] for item in answer["items"]]
    assert scores == sorted(scores, reverse=True)


def test_what_no_item_says_finds_nothing_and_no_query_is_refused(shared):
    assert found(shared, query="zzzqqq") == []
    for query in ("", "a" * 501):
        refused = shared.post("/search", json={"query": query})
        assert (refused.status_code, refused.json()["error"]["field"]) == (400, "query")


def test_a_filter_holds_and_every_item_found_says_a_word_of_the_query(shared, made):
    with_tag = made.catalogue.explode("tags").filter(pl.col("tags") == "winter")
    category = with_tag["category"].drop_nulls()[0]
    items = shared.post(
        "/search", json={"query": "winter", "k": 100, "filter": {"category": [category]}, "details": True}
    ).json()["items"]
    assert items
    assert {item["category"] for item in items} == {category}
    texts = dict(made.catalogue.select("item_id", "text").iter_rows())
    assert all("winter" in texts[item["item_id"]].lower() for item in items)


def test_the_taste_of_a_known_user_moves_the_order_of_the_same_items(shared):
    users = shared.runtime.serving().users["user_id"].to_list()
    plain = found(shared, query="night winter train", k=50)
    lists = [found(shared, query="night winter train", k=50, user_id=user) for user in users[:8]]
    assert all(sorted(one) == sorted(plain) for one in lists)
    assert any(one != plain for one in lists)
    assert found(shared, query="night winter train", k=50, user_id="nobody ever seen") == plain


def test_what_a_user_refused_and_what_was_taken_out_is_not_found(client, made):
    row = made.catalogue.row(3, named=True)
    assert found(client, query=row["title"], user_id="picky")[0] == row["item_id"]
    refusal = {"user_id": "picky", "item_id": row["item_id"], "event": "not_recommend"}
    client.post("/events", json={"events": [refusal]})
    assert row["item_id"] not in found(client, query=row["title"], user_id="picky")
    assert found(client, query=row["title"], user_id="other")[0] == row["item_id"]
    client.post("/items", json={"items": [{"item_id": row["item_id"], "available": False}]})
    assert row["item_id"] not in found(client, query=row["title"], user_id="other")


def test_an_item_that_joins_is_found_by_its_description(client):
    item = {"item_id": "fresh", "title": "Quibbling Quokkas", "description": "All about xylotomy."}
    client.post("/items", json={"items": [item]})
    for _ in range(100):
        if "fresh" in found(client, query="xylotomy"):
            break
    assert found(client, query="xylotomy") == ["fresh"]
    assert found(client, query="quibbling quokka")[0] == "fresh"


@pytest.fixture
def with_keywords(made, settings, start):
    release(made, settings, "r1")
    item_ids = made.catalogue["item_id"].to_list()
    keywords = [["blorbish humour"] if place == 4 else [] for place in range(len(item_ids))]
    table = pl.DataFrame({"item_id": item_ids, "keywords": keywords}, schema=dict(ITEM_TEXTS.columns))
    ITEM_TEXTS.write(table, ReleaseStore(settings.home).folder("r1") / ITEMS_FILE)
    return start(), item_ids[4]


def test_keywords_are_searched_and_suggested(with_keywords):
    client, item_id = with_keywords
    assert found(client, query="blorbish") == [item_id]
    suggested = client.get("/suggest", params={"q": "blorb"}).json()
    assert [one["item_id"] for one in suggested["suggestions"]] == [item_id]
