from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.smallest_change_kind import SmallestChangeKind

T = TypeVar("T", bound="SmallestChange")


@_attrs_define
class SmallestChange:
    """kind: `retriever` (its name and the rank by it) or `features` (groups as those of a shown item); rank: the place
    in the list that the item would have had.

        Attributes:
            kind (SmallestChangeKind):
            rank (int):
            retriever (None | str):
            retriever_rank (int | None):
            features (list[str]):
            sentence (str):
    """

    kind: SmallestChangeKind
    rank: int
    retriever: None | str
    retriever_rank: int | None
    features: list[str]
    sentence: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind.value

        rank = self.rank

        retriever: None | str
        retriever = self.retriever

        retriever_rank: int | None
        retriever_rank = self.retriever_rank

        features = self.features

        sentence = self.sentence

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "kind": kind,
                "rank": rank,
                "retriever": retriever,
                "retriever_rank": retriever_rank,
                "features": features,
                "sentence": sentence,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        kind = SmallestChangeKind(d.pop("kind"))

        rank = d.pop("rank")

        def _parse_retriever(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        retriever = _parse_retriever(d.pop("retriever"))

        def _parse_retriever_rank(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        retriever_rank = _parse_retriever_rank(d.pop("retriever_rank"))

        features = cast(list[str], d.pop("features"))

        sentence = d.pop("sentence")

        smallest_change = cls(
            kind=kind,
            rank=rank,
            retriever=retriever,
            retriever_rank=retriever_rank,
            features=features,
            sentence=sentence,
        )

        smallest_change.additional_properties = d
        return smallest_change

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
