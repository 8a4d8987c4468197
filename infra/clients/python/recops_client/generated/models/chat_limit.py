from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.chat_limit_op import ChatLimitOp

T = TypeVar("T", bound="ChatLimit")


@_attrs_define
class ChatLimit:
    """A limit on a numeric column of the catalogue, in the column's unit.

    Attributes:
        column (str):
        op (ChatLimitOp):
        value (float):
    """

    column: str
    op: ChatLimitOp
    value: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        column = self.column

        op = self.op.value

        value = self.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "column": column,
                "op": op,
                "value": value,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        column = d.pop("column")

        op = ChatLimitOp(d.pop("op"))

        value = d.pop("value")

        chat_limit = cls(
            column=column,
            op=op,
            value=value,
        )

        chat_limit.additional_properties = d
        return chat_limit

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
