"""What each route answers: the one source of what is sent, of its description in /docs.json and of BentoML's schema."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

Instant = Annotated[str, msgspec.Meta(description="ISO-8601, UTC", extra_json_schema={"format": "date-time"})]


class Item(msgspec.Struct):
    """An item of a list; category, price and picture are there when the request says `details`."""

    item_id: str
    title: str | None
    rank: Annotated[int, msgspec.Meta(description="1 is the best")]
    score: Annotated[float, msgspec.Meta(description="comparable within this answer only")]
    category: str | None | UnsetType = UNSET
    price: float | None | UnsetType = UNSET
    picture: Annotated[str, msgspec.Meta(description="an https address")] | None | UnsetType = UNSET


class RecommendedItem(Item, kw_only=True):
    """An item of a user's list. sources: the retrievers that proposed it, strongest first; reason: with `explain`."""

    sources: list[str]
    reason: str | UnsetType = UNSET


class RecommendAnswer(msgspec.Struct):
    """A user's list, best first.

    fallback: the retriever that answered for a user without a known history; `deadline` where there was no time for all
    stages; else null. warnings: what of the request
    had no effect, where there is any. learned_position: of releases that learn between releases, number of the last
    event of the log that they have learned.
    """

    request_id: str
    release: str
    user_id: str
    items: list[RecommendedItem]
    fallback: str | None
    took_ms: float
    warnings: list[str] | UnsetType = UNSET
    learned_position: int | UnsetType = UNSET


class SimilarAnswer(msgspec.Struct):
    """Items most like one, best first."""

    item_id: str
    items: list[Item]
    release: str


class EventsAnswer(msgspec.Struct):
    """How many events of the batch were recorded, and how many had been before; all of them are durable."""

    accepted: int
    duplicates: int


class UsersAnswer(msgspec.Struct):
    """Ids of users: first those of the release's data, then those of the event log."""

    users: list[str]


class HistoryItem(msgspec.Struct):
    """What a user did with an item; timestamp is null where the data have an order and no times."""

    item_id: str
    title: str | None
    timestamp: Instant | None
    positive: Annotated[bool, msgspec.Meta(description="whether it counts as a choice")]


class HistoryAnswer(msgspec.Struct):
    """What is known of a user, newest first; n_events: of all, also those that are not listed."""

    user_id: str
    n_events: int
    items: list[HistoryItem]


class UserProfileAnswer(msgspec.Struct):
    """What a user likes, by what is known of them now; profile is null where nothing is.

    new: what the newest choices brought; written_by: `local`, or `model`, whose words count until a fifth of the user's
    newest choices are newer.
    """

    user_id: str
    profile: str | None
    likes: list[str]
    dislikes: list[str]
    new: list[str]
    written_by: str
    release: str


class CategoryCount(msgspec.Struct):
    """A category of the release."""

    name: str
    n_items: int


class FiltersAnswer(msgspec.Struct):
    """What `filter` of POST /recommend can select by; the prices are null where no item has one."""

    release: str
    categories: Annotated[list[CategoryCount], msgspec.Meta(description="largest first")]
    n_categories: int
    n_items_with_price: int
    price_min: float | None
    price_max: float | None


class ReleaseSpan(msgspec.Struct):
    """A stretch of time in which a release was live; live_to is null for the one that is live now."""

    release: str
    bundle_hash: str | None
    created_at: Instant | None
    live_from: Instant | None
    live_to: Instant | None
    metrics: dict[str, float]
    who: str | None
    why: str | None


class ReleasesAnswer(msgspec.Struct):
    """Every stretch, oldest first; faults: name → what of it cannot be read."""

    live: str | None
    releases: list[ReleaseSpan]
    faults: dict[str, str]


class Counts(msgspec.Struct):
    """Sizes of the release, and the events recorded since its data."""

    items: int
    users: int
    events_since_release: int


class Code(msgspec.Struct, rename={"from_": "from"}):
    """The code that answers: its version, and the Bento's tag where it runs from one."""

    version: str
    from_: str
    tag: str | None


class ItemsStatus(msgspec.Struct):
    """What was posted since the release was made. position: number of the newest change taken in; added: items that
    the release does not hold; with_text: those of them that are recommended by their text; waiting: for the encoder;
    faults: why some have no text vector (item id, or `encoder` → sentence)."""

    position: int
    added: int
    with_text: int
    waiting: int
    faults: dict[str, str]


class LearningStatus(msgspec.Struct):
    """What a release has learned since it was made. position: number of the last event that counts in it; n_rows: new
    choices in it; left_out: retriever → those of them that it does not learn from, of users with too many pairs
    (`learn.max_pairs`); fault: why newer events are not learned, null: they are."""

    position: int
    n_rows: int
    left_out: dict[str, int]
    fault: str | None


class StatusAnswer(msgspec.Struct):
    """The live release, the age of its data and of itself, and what is wrong with each store (null: nothing).

    newest_event: of the release's data and of the events recorded since; ages are in days, null where not known;
    learning: of a release that learns between releases, else it is left out.
    """

    release: str
    bundle_hash: str
    created_at: Instant | None
    live_from: Instant | None
    loaded_at: Instant
    data_until: Instant | None
    data_age_days: float | None
    newest_event: Instant | None
    newest_event_age_days: float | None
    release_age_days: float | None
    counts: Counts
    items: ItemsStatus
    retrievers: list[str]
    metrics: dict[str, float]
    stores: dict[str, str | None]
    faults: dict[str, str]
    versions: dict[str, str]
    code: Code
    learning: LearningStatus | UnsetType = UNSET


class RollbackAnswer(msgspec.Struct):
    """The release that is live now, and whether this request changed it."""

    release: str | None
    changed: bool


class ErrorDetail(msgspec.Struct):
    """code: for programs; message: for people; field: the field of the request, or the header, that is at fault."""

    code: str
    message: str
    field: str | None


class ErrorAnswer(msgspec.Struct):
    """Every answer with a status of 400 or above."""

    error: ErrorDetail
