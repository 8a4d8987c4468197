from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SimilarRequest")


@_attrs_define
class SimilarRequest:
    """POST /similar.

    Attributes:
        item_id (str):
        k (int | Unset):  Default: 10.
        details (bool | Unset):  Default: False.
    """

    item_id: str
    k: int | Unset = 10
    details: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        item_id = self.item_id

        k = self.k

        details = self.details

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "item_id": item_id,
            }
        )
        if k is not UNSET:
            field_dict["k"] = k
        if details is not UNSET:
            field_dict["details"] = details

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        item_id = d.pop("item_id")

        k = d.pop("k", UNSET)

        details = d.pop("details", UNSET)

        similar_request = cls(
            item_id=item_id,
            k=k,
            details=details,
        )

        return similar_request
