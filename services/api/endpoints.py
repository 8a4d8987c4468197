"""The routes that are programs' own: one table, of which the app, BentoML's methods and the description are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from services.api import answers, handlers, schemas
from services.runtime import Runtime

BENTO = "/bento"  # the same routes below it are those of BentoML's methods


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A route: how it is called, what it reads and what it answers.

    name: of BentoML's method, and the operationId. A GET takes its request from the query string, a POST from the body;
    errors: statuses beside those that any route may answer.
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
        """Where BentoML's method of it stands."""
        return f"{BENTO}{self.path}"

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
)
