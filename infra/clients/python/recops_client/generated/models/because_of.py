from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="BecauseOf")


@_attrs_define
class BecauseOf:
    """An item of the history; share: of the retriever's score that is lost without it, null where it has no meaning.

    Attributes:
        item_id (str):
        title (None | str):
        retriever (str):
        share (float | None):
        sentence (str):
    """

    item_id: str
    title: None | str
    retriever: str
    share: float | None
    sentence: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        item_id = self.item_id

        title: None | str
        title = self.title

        retriever = self.retriever

        share: float | None
        share = self.share

        sentence = self.sentence

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "item_id": item_id,
                "title": title,
                "retriever": retriever,
                "share": share,
                "sentence": sentence,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        item_id = d.pop("item_id")

        def _parse_title(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        title = _parse_title(d.pop("title"))

        retriever = d.pop("retriever")

        def _parse_share(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        share = _parse_share(d.pop("share"))

        sentence = d.pop("sentence")

        because_of = cls(
            item_id=item_id,
            title=title,
            retriever=retriever,
            share=share,
            sentence=sentence,
        )

        because_of.additional_properties = d
        return because_of

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
