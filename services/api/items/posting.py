"""Handlers of the routes of items."""

from __future__ import annotations

from features.catalogue_changes.item_log import Posted
from services.api import schemas
from services.api.items.item_messages import (
    DeleteItemRequest,
    ItemsAnswer,
    ItemsRequest,
    PostedItem,
    checked_item_id,
    new_items,
)
from services.errors import ApiError
from services.metrics import metrics
from services.runtime import Runtime


async def post_items(request: ItemsRequest, runtime: Runtime) -> ItemsAnswer:
    """POST /items: every change is durable when it is answered; what is known already changes nothing."""
    with schemas.faults_as_answers():
        items = new_items(request)
    _check_writable(runtime)
    posted: list[Posted] = await runtime.beside(runtime.item_log.post, items)
    return await _answer(posted, runtime)


async def delete_item(request: DeleteItemRequest, runtime: Runtime) -> ItemsAnswer:
    """DELETE /items/{item_id}: the item is offered no more.

    Raises:
        ApiError: 404, neither the release nor the item log knows it.
    """
    with schemas.faults_as_answers():
        item_id = checked_item_id(request.item_id, "item_id")
    _check_writable(runtime)
    is_released = item_id in runtime.serving().recommender.catalogue.vocabulary
    if not is_released and await runtime.beside(runtime.item_log.state, item_id) is None:
        raise ApiError(404, f"item '{item_id}' is not known", field="item_id", code="unknown_item")
    posted: Posted = await runtime.beside(runtime.item_log.delete, item_id)
    return await _answer([posted], runtime)


def _check_writable(runtime: Runtime) -> None:
    """Raises:
    ApiError: 409, the service answers as of a fixed instant; 503, its home lies inside a Bento.
    """
    runtime.check_home()
    if runtime.live.at is not None:
        raise ApiError(409, "this service replays a fixed instant (RECOPS_AT) and records nothing", code="read_only")


async def _answer(posted: list[Posted], runtime: Runtime) -> ItemsAnswer:
    """With the changes taken in by this worker; the others take them in with their next request."""
    if (serving := runtime.live.current) is not None:
        await runtime.beside(serving.items.follow)
    metrics().item_changes.inc(sum(one.changed for one in posted))
    items = [PostedItem(one.state.item_id, one.state.seq, one.changed) for one in posted]
    return ItemsAnswer(items, await runtime.beside(runtime.item_log.last_seq))
