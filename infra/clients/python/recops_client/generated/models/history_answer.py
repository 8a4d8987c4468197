from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.history_item import HistoryItem


T = TypeVar("T", bound="HistoryAnswer")


@_attrs_define
class HistoryAnswer:
    """What is known of a user, newest first; n_events: of all, also those that are not listed.

    Attributes:
        user_id (str):
        n_events (int):
        items (list[HistoryItem]):
    """

    user_id: str
    n_events: int
    items: list[HistoryItem]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        n_events = self.n_events

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "n_events": n_events,
                "items": items,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.history_item import HistoryItem

        d = dict(src_dict)
        user_id = d.pop("user_id")

        n_events = d.pop("n_events")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = HistoryItem.from_dict(items_item_data)

            items.append(items_item)

        history_answer = cls(
            user_id=user_id,
            n_events=n_events,
            items=items,
        )

        history_answer.additional_properties = d
        return history_answer

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
