from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.filter_ import Filter


T = TypeVar("T", bound="RecommendRequest")


@_attrs_define
class RecommendRequest:
    """POST /recommend. `history` replaces what the user is known to have chosen; what they refused stays out.

    `details` adds category, price and picture of each item. `scenario` names the place where the list is shown; it is
    logged with the impressions of releases that draw places (`reranker.explore`), and changes no list.

        Attributes:
            user_id (str):
            k (int | Unset):  Default: 10.
            history (list[str] | None | Unset):
            exclude (list[str] | Unset):
            filter_ (Filter | None | Unset):
            explain (bool | Unset):  Default: False.
            details (bool | Unset):  Default: False.
            include_seen (bool | Unset):  Default: False.
            scenario (None | str | Unset):
    """

    user_id: str
    k: int | Unset = 10
    history: list[str] | None | Unset = UNSET
    exclude: list[str] | Unset = UNSET
    filter_: Filter | None | Unset = UNSET
    explain: bool | Unset = False
    details: bool | Unset = False
    include_seen: bool | Unset = False
    scenario: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.filter_ import Filter

        user_id = self.user_id

        k = self.k

        history: list[str] | None | Unset
        if isinstance(self.history, Unset):
            history = UNSET
        elif isinstance(self.history, list):
            history = self.history

        else:
            history = self.history

        exclude: list[str] | Unset = UNSET
        if not isinstance(self.exclude, Unset):
            exclude = self.exclude

        filter_: dict[str, Any] | None | Unset
        if isinstance(self.filter_, Unset):
            filter_ = UNSET
        elif isinstance(self.filter_, Filter):
            filter_ = self.filter_.to_dict()
        else:
            filter_ = self.filter_

        explain = self.explain

        details = self.details

        include_seen = self.include_seen

        scenario: None | str | Unset
        if isinstance(self.scenario, Unset):
            scenario = UNSET
        else:
            scenario = self.scenario

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
            }
        )
        if k is not UNSET:
            field_dict["k"] = k
        if history is not UNSET:
            field_dict["history"] = history
        if exclude is not UNSET:
            field_dict["exclude"] = exclude
        if filter_ is not UNSET:
            field_dict["filter"] = filter_
        if explain is not UNSET:
            field_dict["explain"] = explain
        if details is not UNSET:
            field_dict["details"] = details
        if include_seen is not UNSET:
            field_dict["include_seen"] = include_seen
        if scenario is not UNSET:
            field_dict["scenario"] = scenario

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.filter_ import Filter

        d = dict(src_dict)
        user_id = d.pop("user_id")

        k = d.pop("k", UNSET)

        def _parse_history(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                history_type_0 = cast(list[str], data)

                return history_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        history = _parse_history(d.pop("history", UNSET))

        exclude = cast(list[str], d.pop("exclude", UNSET))

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

        explain = d.pop("explain", UNSET)

        details = d.pop("details", UNSET)

        include_seen = d.pop("include_seen", UNSET)

        def _parse_scenario(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        scenario = _parse_scenario(d.pop("scenario", UNSET))

        recommend_request = cls(
            user_id=user_id,
            k=k,
            history=history,
            exclude=exclude,
            filter_=filter_,
            explain=explain,
            details=details,
            include_seen=include_seen,
            scenario=scenario,
        )

        return recommend_request
