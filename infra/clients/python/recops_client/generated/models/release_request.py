from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ReleaseRequest")


@_attrs_define
class ReleaseRequest:
    """POST /admin/release: puts a recorded release live, or on trial beside the live one.

    canary: the share of the users, in per cent, who get its lists; shadow: it answers too and nobody sees it. A canary
    ends by itself when more than max_error_rate of its lists fail, or when its 99th percentile of milliseconds is more
    than max_p99_ratio times that of the live release.

        Attributes:
            release (str):
            canary (float | None | Unset):
            shadow (bool | Unset):  Default: False.
            max_error_rate (float | Unset):  Default: 0.01.
            max_p99_ratio (float | Unset):  Default: 2.0.
            why (str | Unset):  Default: 'released over HTTP'.
    """

    release: str
    canary: float | None | Unset = UNSET
    shadow: bool | Unset = False
    max_error_rate: float | Unset = 0.01
    max_p99_ratio: float | Unset = 2.0
    why: str | Unset = "released over HTTP"

    def to_dict(self) -> dict[str, Any]:
        release = self.release

        canary: float | None | Unset
        if isinstance(self.canary, Unset):
            canary = UNSET
        else:
            canary = self.canary

        shadow = self.shadow

        max_error_rate = self.max_error_rate

        max_p99_ratio = self.max_p99_ratio

        why = self.why

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "release": release,
            }
        )
        if canary is not UNSET:
            field_dict["canary"] = canary
        if shadow is not UNSET:
            field_dict["shadow"] = shadow
        if max_error_rate is not UNSET:
            field_dict["max_error_rate"] = max_error_rate
        if max_p99_ratio is not UNSET:
            field_dict["max_p99_ratio"] = max_p99_ratio
        if why is not UNSET:
            field_dict["why"] = why

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        release = d.pop("release")

        def _parse_canary(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        canary = _parse_canary(d.pop("canary", UNSET))

        shadow = d.pop("shadow", UNSET)

        max_error_rate = d.pop("max_error_rate", UNSET)

        max_p99_ratio = d.pop("max_p99_ratio", UNSET)

        why = d.pop("why", UNSET)

        release_request = cls(
            release=release,
            canary=canary,
            shadow=shadow,
            max_error_rate=max_error_rate,
            max_p99_ratio=max_p99_ratio,
            why=why,
        )

        return release_request
