"""What may stand in a request: read with msgspec, every fault answered as 400 with the field named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, TypeVar

import msgspec

from features.events import incoming
from features.events.event_log import NewEvent
from features.events.incoming import EventBody, EventsRequest
from features.messages import decoding
from features.messages.decoding import Id, Name
from features.messages.field_error import FieldError
from features.privacy.hashed_ids import IdHasher
from services.errors import ApiError

__all__ = ["EventBody", "EventsRequest"]

Length = Annotated[int, msgspec.Meta(ge=1, le=500)]
Ids = Annotated[list[Id], msgspec.Meta(max_length=10_000)]
S = TypeVar("S", bound=msgspec.Struct)


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    """What is offered at all: items of these categories, at most of this price (an unknown price does not pass)."""

    category: list[Name] | None = None
    price_max: Annotated[float, msgspec.Meta(ge=0)] | None = None


class RecommendRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /recommend. `history` replaces what the user is known to have chosen; what they refused stays out.

    `details` adds category, price and picture of each item. `scenario` names the place where the list is shown; it is
    logged with the impressions of releases that draw places (`reranker.explore`), and changes no list.
    """

    user_id: Id
    k: Length = 10
    history: Ids | None = None
    exclude: Ids = []
    filter: Filter | None = None
    explain: bool = False
    details: bool = False
    include_seen: bool = False
    scenario: Name | None = None


class SimilarRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /similar."""

    item_id: Id
    k: Length = 10
    details: bool = False


class UsersQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /users: ids that begin with `q`."""

    q: str = ""
    limit: Length = 20


class HistoryQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /history."""

    user_id: Id
    limit: Length = 50


class ProfileQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /users/{user_id}/profile."""

    user_id: Id


class FiltersQuery(msgspec.Struct, forbid_unknown_fields=True):
    """GET /filters: the largest categories, `limit` of them."""

    limit: Length = 100


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """A request that says nothing but its route."""


class RollbackRequest(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """POST /admin/rollback; one of `from` and `to` is obligatory, so that a request that is sent again changes nothing.

    from: the release to go back from; when it is live no longer, nothing changes. to: the release to bring back;
    without it, the last one that was live before `from`.
    """

    from_: Id | None = None
    to: Id | None = None
    why: Annotated[str, msgspec.Meta(max_length=1000)] = "rolled back over HTTP"


def decode(body: bytes, kind: type[S]) -> S:
    """The request in a body, checked.

    Raises:
        ApiError: 400; `malformed` when it is not JSON, else `invalid` with the field.
    """
    with faults_as_answers():
        return decoding.decode(body, kind)


def from_query(query: Mapping[str, str], kind: type[S]) -> S:
    """The request in a query string, checked; names that it does not have are passed over.

    Raises:
        ApiError: 400 with the field.
    """
    with faults_as_answers():
        return decoding.from_texts(query, kind)


def new_events(request: EventsRequest, latest: int, hasher: IdHasher | None = None) -> list[NewEvent]:
    """The batch for the event log; one bad timestamp (later than `latest` [µs]) or value refuses all of it.

    hasher: of the ids of users, where the data hold hashed ones.

    Raises:
        ApiError: 400 with the field.
    """
    with faults_as_answers():
        return incoming.new_events(request, latest, hasher)


@contextmanager
def faults_as_answers() -> Iterator[None]:
    """Turns a fault of a field into a 400."""
    try:
        yield
    except FieldError as error:
        raise ApiError(400, error.message, field=error.field, code=error.code) from None
