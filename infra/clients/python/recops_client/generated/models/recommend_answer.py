from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.recommended_item import RecommendedItem


T = TypeVar("T", bound="RecommendAnswer")


@_attrs_define
class RecommendAnswer:
    """A user's list, best first.

    fallback: the retriever that answered for a user without a known history; `deadline` where there was no time for all
    stages; else null. warnings: what of the request
    had no effect, where there is any. learned_position: of releases that learn between releases, number of the last
    event of the log that they have learned.

        Attributes:
            request_id (str):
            release (str):
            user_id (str):
            items (list[RecommendedItem]):
            fallback (None | str):
            took_ms (float):
            warnings (list[str] | Unset):
            learned_position (int | Unset):
    """

    request_id: str
    release: str
    user_id: str
    items: list[RecommendedItem]
    fallback: None | str
    took_ms: float
    warnings: list[str] | Unset = UNSET
    learned_position: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        request_id = self.request_id

        release = self.release

        user_id = self.user_id

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        fallback: None | str
        fallback = self.fallback

        took_ms = self.took_ms

        warnings: list[str] | Unset = UNSET
        if not isinstance(self.warnings, Unset):
            warnings = self.warnings

        learned_position = self.learned_position

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "request_id": request_id,
                "release": release,
                "user_id": user_id,
                "items": items,
                "fallback": fallback,
                "took_ms": took_ms,
            }
        )
        if warnings is not UNSET:
            field_dict["warnings"] = warnings
        if learned_position is not UNSET:
            field_dict["learned_position"] = learned_position

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.recommended_item import RecommendedItem

        d = dict(src_dict)
        request_id = d.pop("request_id")

        release = d.pop("release")

        user_id = d.pop("user_id")

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = RecommendedItem.from_dict(items_item_data)

            items.append(items_item)

        def _parse_fallback(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        fallback = _parse_fallback(d.pop("fallback"))

        took_ms = d.pop("took_ms")

        warnings = cast(list[str], d.pop("warnings", UNSET))

        learned_position = d.pop("learned_position", UNSET)

        recommend_answer = cls(
            request_id=request_id,
            release=release,
            user_id=user_id,
            items=items,
            fallback=fallback,
            took_ms=took_ms,
            warnings=warnings,
            learned_position=learned_position,
        )

        recommend_answer.additional_properties = d
        return recommend_answer

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
