from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.recommended_item import RecommendedItem


T = TypeVar("T", bound="SearchAnswer")


@_attrs_define
class SearchAnswer:
    """Items that fit a text, best first. `sources` of an item: `words` where it shares one with the query, `vectors`
    where its text is alike, then the retrievers that propose it to the user. personal: whether the user counted.

        Attributes:
            release (str):
            query (str):
            personal (bool):
            items (list[RecommendedItem]):
            took_ms (float):
    """

    release: str
    query: str
    personal: bool
    items: list[RecommendedItem]
    took_ms: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        release = self.release

        query = self.query

        personal = self.personal

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        took_ms = self.took_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "release": release,
                "query": query,
                "personal": personal,
                "items": items,
                "took_ms": took_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.recommended_item import RecommendedItem

        d = dict(src_dict)
        release = d.pop("release")

        query = d.pop("query")

        personal = d.pop("personal")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = RecommendedItem.from_dict(items_item_data)

            items.append(items_item)

        took_ms = d.pop("took_ms")

        search_answer = cls(
            release=release,
            query=query,
            personal=personal,
            items=items,
            took_ms=took_ms,
        )

        search_answer.additional_properties = d
        return search_answer

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
