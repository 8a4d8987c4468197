"""GET /suggest: items of the catalogue that may be offered, the most popular first."""

from __future__ import annotations

from models.retrievers.popular import Popular


def test_it_finds_titles_by_the_beginnings_of_their_words_most_popular_first(shared):
    recommender = shared.runtime.serving().recommender
    catalogue, popular = recommender.catalogue, recommender.retrievers["popular"]
    assert isinstance(popular, Popular)
    title = next(title for title in catalogue.titles if title)
    first = title.split()[0]
    answer = shared.get("/suggest", params={"q": first.upper(), "limit": 500}).json()
    positions = [catalogue.vocabulary.position(one["item_id"]) for one in answer["suggestions"]]
    assert positions
    assert all(
        catalogue.titles[place] == one["title"] for place, one in zip(positions, answer["suggestions"], strict=True)
    )
    assert all(first.casefold() in one["title"].casefold() for one in answer["suggestions"])
    scores = [float(popular.scores_[place]) for place in positions]
    assert scores == sorted(scores, reverse=True)
    few = shared.get("/suggest", params={"q": first, "limit": 1}).json()
    assert few["suggestions"] == answer["suggestions"][:1]
    assert not few["mended"]


def test_nothing_is_suggested_for_nothing_and_a_long_text_is_refused(shared):
    assert shared.get("/suggest").json()["suggestions"] == []
    assert shared.get("/suggest", params={"q": "qqqqqqq"}).json()["suggestions"] == []
    refused = shared.get("/suggest", params={"q": "a" * 201})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "q")
