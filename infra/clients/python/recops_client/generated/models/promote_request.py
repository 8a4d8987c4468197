from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="PromoteRequest")


@_attrs_define
class PromoteRequest:
    """POST /admin/promote: the release on trial goes live.

    Attributes:
        why (str | Unset):  Default: 'promoted over HTTP'.
    """

    why: str | Unset = "promoted over HTTP"

    def to_dict(self) -> dict[str, Any]:
        why = self.why

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if why is not UNSET:
            field_dict["why"] = why

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        why = d.pop("why", UNSET)

        promote_request = cls(
            why=why,
        )

        return promote_request
