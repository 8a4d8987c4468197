from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.trial_answer import TrialAnswer


T = TypeVar("T", bound="ReleaseAnswer")


@_attrs_define
class ReleaseAnswer:
    """The release that is live now, whether this request changed it, and the release on trial, if there is one.

    Attributes:
        release (None | str):
        changed (bool):
        trial (None | TrialAnswer):
    """

    release: None | str
    changed: bool
    trial: None | TrialAnswer
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.trial_answer import TrialAnswer

        release: None | str
        release = self.release

        changed = self.changed

        trial: dict[str, Any] | None
        if isinstance(self.trial, TrialAnswer):
            trial = self.trial.to_dict()
        else:
            trial = self.trial

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "release": release,
                "changed": changed,
                "trial": trial,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.trial_answer import TrialAnswer

        d = dict(src_dict)

        def _parse_release(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        release = _parse_release(d.pop("release"))

        changed = d.pop("changed")

        def _parse_trial(data: object) -> None | TrialAnswer:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                trial_type_0 = TrialAnswer.from_dict(data)

                return trial_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | TrialAnswer, data)

        trial = _parse_trial(d.pop("trial"))

        release_answer = cls(
            release=release,
            changed=changed,
            trial=trial,
        )

        release_answer.additional_properties = d
        return release_answer

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
