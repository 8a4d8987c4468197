from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.release_span_metrics import ReleaseSpanMetrics


T = TypeVar("T", bound="ReleaseSpan")


@_attrs_define
class ReleaseSpan:
    """A stretch of time in which a release was live; live_to is null for the one that is live now.

    Attributes:
        release (str):
        bundle_hash (None | str):
        created_at (datetime.datetime | None):
        live_from (datetime.datetime | None):
        live_to (datetime.datetime | None):
        metrics (ReleaseSpanMetrics):
        who (None | str):
        why (None | str):
    """

    release: str
    bundle_hash: None | str
    created_at: datetime.datetime | None
    live_from: datetime.datetime | None
    live_to: datetime.datetime | None
    metrics: ReleaseSpanMetrics
    who: None | str
    why: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        release = self.release

        bundle_hash: None | str
        bundle_hash = self.bundle_hash

        created_at: None | str
        if isinstance(self.created_at, datetime.datetime):
            created_at = self.created_at.isoformat()
        else:
            created_at = self.created_at

        live_from: None | str
        if isinstance(self.live_from, datetime.datetime):
            live_from = self.live_from.isoformat()
        else:
            live_from = self.live_from

        live_to: None | str
        if isinstance(self.live_to, datetime.datetime):
            live_to = self.live_to.isoformat()
        else:
            live_to = self.live_to

        metrics = self.metrics.to_dict()

        who: None | str
        who = self.who

        why: None | str
        why = self.why

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "release": release,
                "bundle_hash": bundle_hash,
                "created_at": created_at,
                "live_from": live_from,
                "live_to": live_to,
                "metrics": metrics,
                "who": who,
                "why": why,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.release_span_metrics import ReleaseSpanMetrics

        d = dict(src_dict)
        release = d.pop("release")

        def _parse_bundle_hash(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        bundle_hash = _parse_bundle_hash(d.pop("bundle_hash"))

        def _parse_created_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                created_at_type_0 = datetime.datetime.fromisoformat(data)

                return created_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        created_at = _parse_created_at(d.pop("created_at"))

        def _parse_live_from(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                live_from_type_0 = datetime.datetime.fromisoformat(data)

                return live_from_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        live_from = _parse_live_from(d.pop("live_from"))

        def _parse_live_to(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                live_to_type_0 = datetime.datetime.fromisoformat(data)

                return live_to_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        live_to = _parse_live_to(d.pop("live_to"))

        metrics = ReleaseSpanMetrics.from_dict(d.pop("metrics"))

        def _parse_who(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        who = _parse_who(d.pop("who"))

        def _parse_why(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        why = _parse_why(d.pop("why"))

        release_span = cls(
            release=release,
            bundle_hash=bundle_hash,
            created_at=created_at,
            live_from=live_from,
            live_to=live_to,
            metrics=metrics,
            who=who,
            why=why,
        )

        release_span.additional_properties = d
        return release_span

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
