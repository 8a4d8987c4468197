from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.category_count import CategoryCount


T = TypeVar("T", bound="FiltersAnswer")


@_attrs_define
class FiltersAnswer:
    """What `filter` of POST /recommend can select by; the prices are null where no item has one.

    Attributes:
        release (str):
        categories (list[CategoryCount]): largest first
        n_categories (int):
        n_items_with_price (int):
        price_min (float | None):
        price_max (float | None):
    """

    release: str
    categories: list[CategoryCount]
    n_categories: int
    n_items_with_price: int
    price_min: float | None
    price_max: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        release = self.release

        categories = []
        for categories_item_data in self.categories:
            categories_item = categories_item_data.to_dict()
            categories.append(categories_item)

        n_categories = self.n_categories

        n_items_with_price = self.n_items_with_price

        price_min: float | None
        price_min = self.price_min

        price_max: float | None
        price_max = self.price_max

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "release": release,
                "categories": categories,
                "n_categories": n_categories,
                "n_items_with_price": n_items_with_price,
                "price_min": price_min,
                "price_max": price_max,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.category_count import CategoryCount

        d = dict(src_dict)
        release = d.pop("release")

        categories = []
        _categories = d.pop("categories")
        for categories_item_data in _categories:
            categories_item = CategoryCount.from_dict(categories_item_data)

            categories.append(categories_item)

        n_categories = d.pop("n_categories")

        n_items_with_price = d.pop("n_items_with_price")

        def _parse_price_min(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        price_min = _parse_price_min(d.pop("price_min"))

        def _parse_price_max(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        price_max = _parse_price_max(d.pop("price_max"))

        filters_answer = cls(
            release=release,
            categories=categories,
            n_categories=n_categories,
            n_items_with_price=n_items_with_price,
            price_min=price_min,
            price_max=price_max,
        )

        filters_answer.additional_properties = d
        return filters_answer

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
