from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.filter_ import Filter


T = TypeVar("T", bound="SearchRequest")


@_attrs_define
class SearchRequest:
    """POST /search: items that fit `query`; with `user_id`, those that fit this user come first. `details` adds
    category, price and picture of each item.

        Attributes:
            query (str):
            user_id (None | str | Unset):
            k (int | Unset):  Default: 10.
            filter_ (Filter | None | Unset):
            details (bool | Unset):  Default: False.
    """

    query: str
    user_id: None | str | Unset = UNSET
    k: int | Unset = 10
    filter_: Filter | None | Unset = UNSET
    details: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        from ..models.filter_ import Filter

        query = self.query

        user_id: None | str | Unset
        if isinstance(self.user_id, Unset):
            user_id = UNSET
        else:
            user_id = self.user_id

        k = self.k

        filter_: dict[str, Any] | None | Unset
        if isinstance(self.filter_, Unset):
            filter_ = UNSET
        elif isinstance(self.filter_, Filter):
            filter_ = self.filter_.to_dict()
        else:
            filter_ = self.filter_

        details = self.details

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "query": query,
            }
        )
        if user_id is not UNSET:
            field_dict["user_id"] = user_id
        if k is not UNSET:
            field_dict["k"] = k
        if filter_ is not UNSET:
            field_dict["filter"] = filter_
        if details is not UNSET:
            field_dict["details"] = details

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.filter_ import Filter

        d = dict(src_dict)
        query = d.pop("query")

        def _parse_user_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        user_id = _parse_user_id(d.pop("user_id", UNSET))

        k = d.pop("k", UNSET)

        def _parse_filter_(data: object) -> Filter | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                filter_type_0 = Filter.from_dict(data)

                return filter_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Filter | None | Unset, data)

        filter_ = _parse_filter_(d.pop("filter", UNSET))

        details = d.pop("details", UNSET)

        search_request = cls(
            query=query,
            user_id=user_id,
            k=k,
            filter_=filter_,
            details=details,
        )

        return search_request
