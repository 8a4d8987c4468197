from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RetrieverPart")


@_attrs_define
class RetrieverPart:
    """What a retriever said of an item; share: of the sum of reciprocal ranks of all retrievers.

    Attributes:
        name (str):
        rank (int): 1 is the best
        score (float):
        share (float):
    """

    name: str
    rank: int
    score: float
    share: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        rank = self.rank

        score = self.score

        share = self.share

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "rank": rank,
                "score": score,
                "share": share,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        rank = d.pop("rank")

        score = d.pop("score")

        share = d.pop("share")

        retriever_part = cls(
            name=name,
            rank=rank,
            score=score,
            share=share,
        )

        retriever_part.additional_properties = d
        return retriever_part

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
