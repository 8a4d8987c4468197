"""Posted items: what a change of an item says, and the item's state after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TEXTS = ("title", "description", "category")
INSTANTS = ("created_at", "available_from", "available_until")
FIELDS = (*TEXTS, "tags", "price", *INSTANTS, "available")


@dataclass(frozen=True)
class NewItem:
    """A change as it arrives. fields: those of FIELDS that it names; instants in µs since 1970 UTC, tags a list of
    texts; None clears a field, and one that is not named keeps its value."""

    item_id: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ItemState:
    """An item as the log has it after its newest change.

    first_seq: number of its first change; seq: of its newest; known_at: when that was recorded [µs]; fields: all that
    were named since the item was last deleted.
    """

    item_id: str
    first_seq: int
    seq: int
    known_at: int
    fields: Mapping[str, Any]
    deleted: bool = False

    @property
    def available(self) -> bool:
        """False: it is not offered, whatever its times say."""
        return not self.deleted and self.fields.get("available") is not False

    @property
    def starts(self) -> int | None:
        """From when on it is offered [µs], as far as the log says: `available_from`, else `created_at`."""
        start = self.fields.get("available_from")
        return start if start is not None else self.fields.get("created_at")

    @property
    def ends(self) -> int | None:
        """Until when it is offered [µs], as far as the log says."""
        return self.fields.get("available_until")


def merged(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The fields after a change; `available: true` is what an item is when nothing is said, and is not kept."""
    fields = {**before, **change}
    return {name: fields[name] for name in FIELDS if name in fields and not (name == "available" and fields[name])}


def as_text(fields: Mapping[str, Any]) -> str:
    """Equal fields give equal text."""
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, allow_nan=False)
