"""Examples of requests and answers in the description of the routes: values of the structs, so that they fit them."""

from __future__ import annotations

import msgspec

from services.api import answers, schemas

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
RELEASE = "20260131-120000-1a2b3c4d"
BUNDLE = "1a2b3c4d" * 8
METRICS = {"ndcg@10": 0.142, "recall@10": 0.187}
SPAN = answers.ReleaseSpan(RELEASE, BUNDLE, INSTANT, INSTANT, None, METRICS, "ada", "promoted by the gate")
HISTORY_ITEM = answers.HistoryItem("p-7", "Wool hat", INSTANT, True)

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
    "filters": (
        schemas.FiltersQuery(),
        answers.FiltersAnswer(RELEASE, [answers.CategoryCount("Accessories", 210)], 1, 1900, 2.5, 480.0),
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
            retrievers=["ease", "item_knn", "popular"],
            metrics=METRICS,
            stores={"event_log": None, "online_store": None},
            faults={},
            versions={"recops": "0.1.0"},
            code=answers.Code("0f3a55e1c2d4", "bento", "recops:1a2b3c4d1a2b-5e6f7a8b"),
        ),
    ),
    "releases": (None, answers.ReleasesAnswer(RELEASE, [SPAN], {})),
    "rollback": (
        schemas.RollbackRequest(from_=RELEASE, why="fewer clicks"),
        answers.RollbackAnswer("20260124-120000-9f8e7d6c", True),
    ),
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
