from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RetrieverCheck")


@_attrs_define
class RetrieverCheck:
    """What a retriever gives today for the query as of the recorded log position, against the record: items that only
    the one or the other offers, and the greatest relative difference of scores.

        Attributes:
            name (str):
            n_hits (int):
            n_gone (int):
            n_new (int):
            greatest_difference (float):
            agrees (bool):
    """

    name: str
    n_hits: int
    n_gone: int
    n_new: int
    greatest_difference: float
    agrees: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        n_hits = self.n_hits

        n_gone = self.n_gone

        n_new = self.n_new

        greatest_difference = self.greatest_difference

        agrees = self.agrees

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "n_hits": n_hits,
                "n_gone": n_gone,
                "n_new": n_new,
                "greatest_difference": greatest_difference,
                "agrees": agrees,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        n_hits = d.pop("n_hits")

        n_gone = d.pop("n_gone")

        n_new = d.pop("n_new")

        greatest_difference = d.pop("greatest_difference")

        agrees = d.pop("agrees")

        retriever_check = cls(
            name=name,
            n_hits=n_hits,
            n_gone=n_gone,
            n_new=n_new,
            greatest_difference=greatest_difference,
            agrees=agrees,
        )

        retriever_check.additional_properties = d
        return retriever_check

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
