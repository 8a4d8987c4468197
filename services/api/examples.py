"""Examples of requests and answers in the description of the routes: values of the structs, so that they fit them."""

from __future__ import annotations

import msgspec

from services.api import answers, schemas
from services.api.chat import chat_messages
from services.api.flight import flight_messages
from services.api.items import item_messages
from services.api.releases import messages
from services.api.search import search_messages, suggest_messages

INSTANT = "2026-01-31T12:00:00+00:00"
ITEM = answers.RecommendedItem(
    "p-1042",
    "Wool scarf",
    1,
    0.83,
    "Accessories",
    24.9,
    "https://shop.example/p-1042.jpg",
    sources=["item_knn", "ease"],
    reason="Because of “Wool hat”.",
)
FOUND_ITEM = answers.RecommendedItem("p-1042", "Wool scarf", 1, 0.071, sources=["words", "vectors", "item_knn"])
RELEASE = "20260131-120000-1a2b3c4d"
BUNDLE = "1a2b3c4d" * 8
METRICS = {"ndcg@10": 0.142, "recall@10": 0.187}
SPAN = answers.ReleaseSpan(RELEASE, BUNDLE, INSTANT, INSTANT, None, METRICS, "ada", "promoted by the gate")
CHALLENGER = "20260207-120000-2b3c4d5e"
ON_TRIAL = messages.ReleaseAnswer(
    RELEASE,
    True,
    messages.TrialAnswer(
        CHALLENGER,
        RELEASE,
        "canary",
        5.0,
        INSTANT,
        "ada",
        "new features",
        messages.SideAnswer(950, 0, 2.1, 6.3),
        messages.SideAnswer(50, 0, 2.0, 6.0),
        None,
        0,
    ),
)
HISTORY_ITEM = answers.HistoryItem("p-7", "Wool hat", INSTANT, True)

REQUEST = "019ab0c4d5e67f8091a2b3c4d5e6f708"
EXPLAINED = flight_messages.ExplainedItem(
    item_id="p-1042",
    title="Wool scarf",
    rank=1,
    rank_by_score=2,
    moved=1,
    score=0.83,
    drawn=None,
    retrievers=[flight_messages.RetrieverPart("item_knn", 1, 0.41, 1.0)],
    base=0.2,
    contributions=[flight_messages.Contribution("where item_knn places the item", 0.63)],
    exact=True,
    because=[
        flight_messages.BecauseOf(
            "p-7", "Wool hat", "item_knn", 0.43, "Because you chose “Wool hat”: 43% of item_knn's score stands on it"
        )
    ],
)
CHANGE = flight_messages.SmallestChange(
    "retriever", 9, "item_knn", 12, [], "Had item_knn ranked it number 12, it would have been at place 9."
)

# name of an endpoint → request (None: it says nothing) and answer
EXAMPLES: dict[str, tuple[msgspec.Struct | None, msgspec.Struct]] = {
    "recommend": (
        schemas.RecommendRequest("u-17", k=5, explain=True, details=True, filter=schemas.Filter(["Accessories"], 50.0)),
        answers.RecommendAnswer("0f6c", RELEASE, "u-17", [ITEM], None, 4.2),
    ),
    "similar": (
        schemas.SimilarRequest("p-7", k=5),
        answers.SimilarAnswer("p-7", [answers.Item("p-1042", "Wool scarf", 1, 0.71)], RELEASE),
    ),
    "events": (
        schemas.EventsRequest([schemas.EventBody("u-17", "p-1042", "click", event_id="c-981", timestamp=INSTANT)]),
        answers.EventsAnswer(1, 0),
    ),
    "history": (schemas.HistoryQuery("u-17"), answers.HistoryAnswer("u-17", 1, [HISTORY_ITEM])),
    "users": (schemas.UsersQuery("u-1"), answers.UsersAnswer(["u-1", "u-17"])),
    "user_profile": (
        schemas.ProfileQuery("u-17"),
        answers.UserProfileAnswer("u-17", "Likes wool and winter.", ["wool", "winter"], [], [], "local", RELEASE),
    ),
    "filters": (
        schemas.FiltersQuery(),
        answers.FiltersAnswer(RELEASE, [answers.CategoryCount("Accessories", 210)], 1, 1900, 2.5, 480.0),
    ),
    "suggest": (
        suggest_messages.SuggestQuery("wool sca"),
        suggest_messages.SuggestAnswer(RELEASE, [suggest_messages.Suggestion("p-1042", "Wool scarf")], False),
    ),
    "search": (
        search_messages.SearchRequest("warm scarf for winter", user_id="u-17", k=5),
        search_messages.SearchAnswer(RELEASE, "warm scarf for winter", True, [FOUND_ITEM], 3.1),
    ),
    "chat": (
        chat_messages.ChatRequest("u-17", "something warm for winter, not wool, under 40 euros", k=5),
        chat_messages.ChatAnswer(
            "5f0c",
            "Here are 5: winter, without wool, price < 40. First comes “Fleece scarf”.",
            chat_messages.ChatIntent(
                include=["winter"], exclude=["wool"], numbers=[chat_messages.ChatLimit("price", "<", 40.0)], text="warm"
            ),
            [answers.RecommendedItem("p-88", "Fleece scarf", 1, 0.09, sources=["words", "item_knn"])],
            RELEASE,
            REQUEST,
        ),
    ),
    "status": (
        None,
        answers.StatusAnswer(
            release=RELEASE,
            bundle_hash=BUNDLE,
            created_at=INSTANT,
            live_from=INSTANT,
            loaded_at=INSTANT,
            data_until=INSTANT,
            data_age_days=1.5,
            newest_event=INSTANT,
            newest_event_age_days=0.2,
            release_age_days=1.1,
            counts=answers.Counts(2000, 8100, 412),
            items=answers.ItemsStatus(41, 1, 1, 0, {}),
            retrievers=["ease", "item_knn", "popular"],
            metrics=METRICS,
            stores={"event_log": None, "online_store": None},
            faults={},
            versions={"recops": "0.1.0"},
            code=answers.Code("0f3a55e1c2d4", "bento", "recops:1a2b3c4d1a2b-5e6f7a8b"),
        ),
    ),
    "releases": (None, answers.ReleasesAnswer(RELEASE, [SPAN], {})),
    "items": (
        item_messages.ItemsRequest(
            [item_messages.ItemBody("p-2001", title="Wool gloves", tags=["wool", "winter"], price=19.9)]
        ),
        item_messages.ItemsAnswer([item_messages.PostedItem("p-2001", 41, True)], 41),
    ),
    "delete_item": (
        item_messages.DeleteItemRequest("p-2001"),
        item_messages.ItemsAnswer([item_messages.PostedItem("p-2001", 42, True)], 42),
    ),
    "explain": (
        flight_messages.ExplainRequest(REQUEST),
        flight_messages.ExplainAnswer(
            request_id=REQUEST,
            release=RELEASE,
            user_id="u-17",
            answered_at=INSTANT,
            log_position=412,
            n_events=12,
            fallback=None,
            left_out=[],
            stage_ms={"retrieve": 0.9, "features": 0.2, "rank": 0.4, "rerank": 0.2},
            same_list=True,
            retrievers=[flight_messages.RetrieverCheck("item_knn", 100, 0, 0, 0.0, True)],
            items=[EXPLAINED],
            notes=[],
        ),
    ),
    "why_not": (
        flight_messages.WhyNotRequest(REQUEST, "p-88"),
        flight_messages.WhyNotAnswer(
            request_id=REQUEST,
            item_id="p-88",
            title="Gloves",
            kind="scored",
            sentence="It was a candidate, and scored number 14; 10 were shown. What held it down most: how often the "
            "item was chosen lately.",
            rank=None,
            filters=[],
            retrievers={"item_knn": 31, "ease": None},
            rank_by_score=14,
            score=0.31,
            least_score=0.4,
            held_down=[flight_messages.Contribution("how often the item was chosen lately", -0.21)],
            change=CHANGE,
            change_sentence=CHANGE.sentence,
            rank_without_filters=None,
            recorded=True,
            notes=[],
        ),
    ),
    "rollback": (
        schemas.RollbackRequest(from_=RELEASE, why="fewer clicks"),
        answers.RollbackAnswer("20260124-120000-9f8e7d6c", True),
    ),
    "release": (messages.ReleaseRequest(CHALLENGER, canary=5.0, why="new features"), ON_TRIAL),
    "promote": (messages.PromoteRequest("as good, and fresher"), messages.ReleaseAnswer(CHALLENGER, True, None)),
    "abort": (messages.AbortRequest("fewer clicks"), messages.ReleaseAnswer(RELEASE, True, None)),
}


def example_of(value: msgspec.Struct) -> object:
    """A struct as JSON has it; of a request without what has its default."""
    return _brief(value) if value.__struct_config__.forbid_unknown_fields else msgspec.to_builtins(value)


def _brief(value: object) -> object:
    if isinstance(value, list):
        return [_brief(entry) for entry in value]
    if not isinstance(value, msgspec.Struct):
        return value
    brief = {}
    for field in msgspec.structs.fields(value):
        content = getattr(value, field.name)
        if field.required or content not in (field.default, None, []):
            brief[field.encode_name] = _brief(content)
    return brief
