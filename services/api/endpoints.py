"""The routes that are programs' own: one table, of which the app, BentoML's methods and the description are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from services.api import answers, handlers, schemas
from services.api.chat import chat_messages, chatting
from services.api.flight import explaining, flight_messages
from services.api.items import item_messages, posting
from services.api.releases import changing, messages
from services.api.search import search_messages, searching, suggest_messages, suggesting
from services.runtime import Runtime

BENTO = "/bento"  # the same routes below it are those of BentoML's methods


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A route: how it is called, what it reads and what it answers.

    name: of BentoML's method, and the operationId. A GET takes its request from the query string, a POST from the body,
    a route with an id in its path from there; errors: statuses beside those that any route may answer.
    """

    name: str
    method: str
    path: str
    request: type[msgspec.Struct]
    answer: type[msgspec.Struct]
    work: Callable[[Any, Runtime], Awaitable[Any]]
    summary: str
    tag: str
    errors: tuple[int, ...] = ()

    @property
    def bento_path(self) -> str:
        """Where BentoML's method of it stands; that of a route with an id has it in its body."""
        return f"{BENTO}/{self.name}" if "{" in self.path else f"{BENTO}{self.path}"

    @property
    def body_is_optional(self) -> bool:
        """Whether an empty body is a request: nothing in it is obligatory."""
        return not any(field.required for field in msgspec.structs.fields(self.request))


ENDPOINTS = (
    Endpoint(
        name="recommend",
        method="POST",
        path="/recommend",
        request=schemas.RecommendRequest,
        answer=answers.RecommendAnswer,
        work=handlers.recommend,
        summary="The user's list, best first; a user who is not known gets the cold-start list.",
        tag="lists",
    ),
    Endpoint(
        name="similar",
        method="POST",
        path="/similar",
        request=schemas.SimilarRequest,
        answer=answers.SimilarAnswer,
        work=handlers.similar,
        summary="Items most like one.",
        tag="lists",
        errors=(404,),
    ),
    Endpoint(
        name="events",
        method="POST",
        path="/events",
        request=schemas.EventsRequest,
        answer=answers.EventsAnswer,
        work=handlers.events,
        summary="Records what users did; durable when answered, each event_id once; one bad event refuses the whole "
        "batch.",
        tag="events",
        errors=(409,),
    ),
    Endpoint(
        name="history",
        method="GET",
        path="/history",
        request=schemas.HistoryQuery,
        answer=answers.HistoryAnswer,
        work=handlers.history,
        summary="What is known of a user, newest first.",
        tag="events",
    ),
    Endpoint(
        name="users",
        method="GET",
        path="/users",
        request=schemas.UsersQuery,
        answer=answers.UsersAnswer,
        work=handlers.users,
        summary="Ids of users that begin with a text.",
        tag="events",
    ),
    Endpoint(
        name="user_profile",
        method="GET",
        path="/users/{user_id}/profile",
        request=schemas.ProfileQuery,
        answer=answers.UserProfileAnswer,
        work=handlers.user_profile,
        summary="What a user likes, in words; of one who is not known, nothing.",
        tag="events",
    ),
    Endpoint(
        name="filters",
        method="GET",
        path="/filters",
        request=schemas.FiltersQuery,
        answer=answers.FiltersAnswer,
        work=handlers.filters,
        summary="What a list can be filtered by: the categories of the release, and its range of prices.",
        tag="lists",
    ),
    Endpoint(
        name="suggest",
        method="GET",
        path="/suggest",
        request=suggest_messages.SuggestQuery,
        answer=suggest_messages.SuggestAnswer,
        work=suggesting.suggest,
        summary="Items by the words of a title that were typed so far, the most popular first.",
        tag="lists",
    ),
    Endpoint(
        name="search",
        method="POST",
        path="/search",
        request=search_messages.SearchRequest,
        answer=search_messages.SearchAnswer,
        work=searching.search,
        summary="Items that fit a text, by its words and its vector; a known user's taste counts too.",
        tag="lists",
    ),
    Endpoint(
        name="chat",
        method="POST",
        path="/chat",
        request=chat_messages.ChatRequest,
        answer=chat_messages.ChatAnswer,
        work=chatting.chat,
        summary="A message of a user: what it asks for, and the items that pass; with `stream` as server-sent events.",
        tag="lists",
        errors=(404,),
    ),
    Endpoint(
        name="status",
        method="GET",
        path="/status",
        request=schemas.NoQuery,
        answer=answers.StatusAnswer,
        work=handlers.status,
        summary="The live release, the age of its data, counts, versions, and what is wrong.",
        tag="service",
    ),
    Endpoint(
        name="releases",
        method="GET",
        path="/releases",
        request=schemas.NoQuery,
        answer=answers.ReleasesAnswer,
        work=handlers.releases,
        summary="What was live when.",
        tag="service",
    ),
    Endpoint(
        name="items",
        method="POST",
        path="/items",
        request=item_messages.ItemsRequest,
        answer=item_messages.ItemsAnswer,
        work=posting.post_items,
        summary="Adds items or changes known ones; durable when answered. Sent again it changes nothing; one bad item "
        "refuses all.",
        tag="items",
        errors=(409,),
    ),
    Endpoint(
        name="delete_item",
        method="DELETE",
        path="/items/{item_id}",
        request=item_messages.DeleteItemRequest,
        answer=item_messages.ItemsAnswer,
        work=posting.delete_item,
        summary="Takes an item out of all answers; what was posted of it is forgotten.",
        tag="items",
        errors=(404, 409),
    ),
    Endpoint(
        name="explain",
        method="POST",
        path="/explain",
        request=flight_messages.ExplainRequest,
        answer=flight_messages.ExplainAnswer,
        work=explaining.explain,
        summary="What led to a recorded list: retrievers, exact contributions to each score, what was moved.",
        tag="records",
        errors=(404, 409),
    ),
    Endpoint(
        name="why_not",
        method="POST",
        path="/why_not",
        request=flight_messages.WhyNotRequest,
        answer=flight_messages.WhyNotAnswer,
        work=explaining.why_not_shown,
        summary="Why an item is not in a recorded list, and the smallest change that would have shown it.",
        tag="records",
        errors=(404, 409),
    ),
    Endpoint(
        name="rollback",
        method="POST",
        path="/admin/rollback",
        request=schemas.RollbackRequest,
        answer=answers.RollbackAnswer,
        work=handlers.rollback,
        summary="Brings back an earlier release; sent again it changes nothing. Without keys it needs the header "
        "X-Recops-Admin: 1.",
        tag="admin",
        errors=(404, 409),
    ),
    Endpoint(
        name="release",
        method="POST",
        path="/admin/release",
        request=messages.ReleaseRequest,
        answer=messages.ReleaseAnswer,
        work=changing.release,
        summary="Puts a recorded release live, or tries it beside the live one: as a canary for a share of the users, "
        "or as a shadow that nobody sees.",
        tag="admin",
        errors=(404, 409),
    ),
    Endpoint(
        name="promote",
        method="POST",
        path="/admin/promote",
        request=messages.PromoteRequest,
        answer=messages.ReleaseAnswer,
        work=changing.promote,
        summary="Puts the release on trial live.",
        tag="admin",
        errors=(409,),
    ),
    Endpoint(
        name="abort",
        method="POST",
        path="/admin/abort",
        request=messages.AbortRequest,
        answer=messages.ReleaseAnswer,
        work=changing.abort,
        summary="Ends the trial of a release.",
        tag="admin",
        errors=(409,),
    ),
)
