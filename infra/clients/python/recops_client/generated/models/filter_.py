from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Filter")


@_attrs_define
class Filter:
    """What is offered at all: items of these categories, at most of this price (an unknown price does not pass).

    Attributes:
        category (list[str] | None | Unset):
        price_max (float | None | Unset):
    """

    category: list[str] | None | Unset = UNSET
    price_max: float | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        category: list[str] | None | Unset
        if isinstance(self.category, Unset):
            category = UNSET
        elif isinstance(self.category, list):
            category = self.category

        else:
            category = self.category

        price_max: float | None | Unset
        if isinstance(self.price_max, Unset):
            price_max = UNSET
        else:
            price_max = self.price_max

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if category is not UNSET:
            field_dict["category"] = category
        if price_max is not UNSET:
            field_dict["price_max"] = price_max

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_category(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                category_type_0 = cast(list[str], data)

                return category_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        category = _parse_category(d.pop("category", UNSET))

        def _parse_price_max(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        price_max = _parse_price_max(d.pop("price_max", UNSET))

        filter_ = cls(
            category=category,
            price_max=price_max,
        )

        return filter_
