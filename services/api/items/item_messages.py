"""Requests and answers of POST /items and DELETE /items/{item_id}, checked by the rules of an import."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from features.catalogue_changes.item import FIELDS, INSTANTS, TEXTS, NewItem
from features.fields import CONTROL, MAX_NAME, id_fault, name_fault, trimmed, unwritable
from features.messages.decoding import lines_fault
from features.messages.field_error import FieldError
from features.messages.instants import SECOND, microseconds

MAX_ITEMS = 1_000
MAX_TITLE = 2_000
MAX_DESCRIPTION = 100_000
MAX_TAGS = 1_000
EARLIEST = int(datetime(1, 1, 2, tzinfo=UTC).timestamp()) * SECOND
LATEST = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp()) * SECOND

Text = str | None | UnsetType
When = int | float | str | None | UnsetType


class ItemBody(msgspec.Struct, forbid_unknown_fields=True):
    """One item of POST /items: what is left out stays as it is, null clears it.

    It is offered from `available_from` (where that is null, from `created_at`) until `available_until`, and not at all
    while `available` is false. Instants are ISO-8601 with a zone, or epoch seconds.
    """

    item_id: str
    title: Text = UNSET
    description: Text = UNSET
    tags: list[str] | None | UnsetType = UNSET
    category: Text = UNSET
    price: float | None | UnsetType = UNSET
    created_at: When = UNSET
    available_from: When = UNSET
    available_until: When = UNSET
    available: bool | UnsetType = UNSET


class ItemsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """POST /items."""

    items: Annotated[list[ItemBody], msgspec.Meta(max_length=MAX_ITEMS)]


class DeleteItemRequest(msgspec.Struct, forbid_unknown_fields=True):
    """DELETE /items/{item_id}."""

    item_id: str


class PostedItem(msgspec.Struct):
    """seq: number of the item's newest change; changed: whether this request made it."""

    item_id: str
    seq: int
    changed: bool


class ItemsAnswer(msgspec.Struct):
    """What became of each item, in the order of the request; all of it is durable.

    position: number of the newest change of any item.
    """

    items: list[PostedItem]
    position: int


def new_items(request: ItemsRequest) -> list[NewItem]:
    """The changes of a request; one bad field refuses all of them.

    Raises:
        FieldError: with the field.
    """
    return [_new_item(item, f"items[{index}].") for index, item in enumerate(request.items)]


def _new_item(item: ItemBody, within: str) -> NewItem:
    fields: dict[str, Any] = {name: value for name in FIELDS if (value := getattr(item, name)) is not UNSET}
    for name in TEXTS:
        if fields.get(name) is not None:
            fields[name] = _text(fields[name], name, f"{within}{name}")
    if fields.get("tags") is not None:
        fields["tags"] = _tags(fields["tags"], f"{within}tags")
    price = fields.get("price")
    if price is not None and not (math.isfinite(price) and price >= 0):
        raise FieldError(f"{within}price: {price} is no finite number from 0 on", field=f"{within}price")
    for name in INSTANTS:
        if name in fields:
            fields[name] = microseconds(fields[name], f"{within}{name}", EARLIEST, LATEST)
    start, end = fields.get("available_from"), fields.get("available_until")
    if start is not None and end is not None and end <= start:
        field = f"{within}available_until"
        raise FieldError(f"{field}: it is not later than available_from", field=field)
    return NewItem(checked_item_id(item.item_id, f"{within}item_id"), fields)


def checked_item_id(text: str, field: str) -> str:
    """An id, trimmed.

    Raises:
        FieldError: it is none.
    """
    text = trimmed(text)
    if (fault := id_fault(text)) is not None:
        raise FieldError(f"{field}: {fault}", field=field)
    return text


def _text(text: str, name: str, field: str) -> str | None:
    """Trimmed; nothing left is null, as at import."""
    text = trimmed(text)
    longest = {"title": MAX_TITLE, "description": MAX_DESCRIPTION}.get(name, MAX_NAME)
    fault = lines_fault(text) if name == "description" else CONTROL if unwritable(text) else None
    if fault is None and len(text) > longest:
        fault = f"is longer than {longest} characters"
    if fault is not None:
        raise FieldError(f"{field}: {fault}", field=field)
    return text or None


def _tags(tags: list[str], field: str) -> list[str]:
    """Trimmed, each once, in their order; blank ones are left out, as at import."""
    if len(tags) > MAX_TAGS:
        raise FieldError(f"{field}: has more than {MAX_TAGS} entries", field=field)
    kept = dict.fromkeys(text for tag in tags if (text := trimmed(tag)))
    for index, text in enumerate(kept):
        if (fault := name_fault(text)) is not None:
            raise FieldError(f"{field}[{index}]: {fault}", field=f"{field}[{index}]")
    return list(kept)
