from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="WhyNotRequest")


@_attrs_define
class WhyNotRequest:
    """POST /why_not: the `request_id` of a list, and an item that is not in it.

    Attributes:
        request_id (str):
        item_id (str):
    """

    request_id: str
    item_id: str

    def to_dict(self) -> dict[str, Any]:
        request_id = self.request_id

        item_id = self.item_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "request_id": request_id,
                "item_id": item_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        request_id = d.pop("request_id")

        item_id = d.pop("item_id")

        why_not_request = cls(
            request_id=request_id,
            item_id=item_id,
        )

        return why_not_request
