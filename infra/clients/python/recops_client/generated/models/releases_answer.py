from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.release_span import ReleaseSpan
    from ..models.releases_answer_faults import ReleasesAnswerFaults


T = TypeVar("T", bound="ReleasesAnswer")


@_attrs_define
class ReleasesAnswer:
    """Every stretch, oldest first; faults: name → what of it cannot be read.

    Attributes:
        live (None | str):
        releases (list[ReleaseSpan]):
        faults (ReleasesAnswerFaults):
    """

    live: None | str
    releases: list[ReleaseSpan]
    faults: ReleasesAnswerFaults
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        live: None | str
        live = self.live

        releases = []
        for releases_item_data in self.releases:
            releases_item = releases_item_data.to_dict()
            releases.append(releases_item)

        faults = self.faults.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "live": live,
                "releases": releases,
                "faults": faults,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.release_span import ReleaseSpan
        from ..models.releases_answer_faults import ReleasesAnswerFaults

        d = dict(src_dict)

        def _parse_live(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        live = _parse_live(d.pop("live"))

        releases = []
        _releases = d.pop("releases")
        for releases_item_data in _releases:
            releases_item = ReleaseSpan.from_dict(releases_item_data)

            releases.append(releases_item)

        faults = ReleasesAnswerFaults.from_dict(d.pop("faults"))

        releases_answer = cls(
            live=live,
            releases=releases,
            faults=faults,
        )

        releases_answer.additional_properties = d
        return releases_answer

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
