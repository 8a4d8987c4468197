from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RollbackRequest")


@_attrs_define
class RollbackRequest:
    """POST /admin/rollback; one of `from` and `to` is obligatory, so that a request that is sent again changes nothing.

    from: the release to go back from; when it is live no longer, nothing changes. to: the release to bring back;
    without it, the last one that was live before `from`.

        Attributes:
            from_ (None | str | Unset):
            to (None | str | Unset):
            why (str | Unset):  Default: 'rolled back over HTTP'.
    """

    from_: None | str | Unset = UNSET
    to: None | str | Unset = UNSET
    why: str | Unset = "rolled back over HTTP"

    def to_dict(self) -> dict[str, Any]:
        from_: None | str | Unset
        if isinstance(self.from_, Unset):
            from_ = UNSET
        else:
            from_ = self.from_

        to: None | str | Unset
        if isinstance(self.to, Unset):
            to = UNSET
        else:
            to = self.to

        why = self.why

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if from_ is not UNSET:
            field_dict["from"] = from_
        if to is not UNSET:
            field_dict["to"] = to
        if why is not UNSET:
            field_dict["why"] = why

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_from_(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        from_ = _parse_from_(d.pop("from", UNSET))

        def _parse_to(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        to = _parse_to(d.pop("to", UNSET))

        why = d.pop("why", UNSET)

        rollback_request = cls(
            from_=from_,
            to=to,
            why=why,
        )

        return rollback_request
