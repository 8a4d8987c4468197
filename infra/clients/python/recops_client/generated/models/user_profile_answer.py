from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="UserProfileAnswer")


@_attrs_define
class UserProfileAnswer:
    """What a user likes, by what is known of them now; profile is null where nothing is.

    new: what the newest choices brought; written_by: `local`, or `model`, whose words count until a fifth of the user's
    newest choices are newer.

        Attributes:
            user_id (str):
            profile (None | str):
            likes (list[str]):
            dislikes (list[str]):
            new (list[str]):
            written_by (str):
            release (str):
    """

    user_id: str
    profile: None | str
    likes: list[str]
    dislikes: list[str]
    new: list[str]
    written_by: str
    release: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        profile: None | str
        profile = self.profile

        likes = self.likes

        dislikes = self.dislikes

        new = self.new

        written_by = self.written_by

        release = self.release

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "profile": profile,
                "likes": likes,
                "dislikes": dislikes,
                "new": new,
                "written_by": written_by,
                "release": release,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        user_id = d.pop("user_id")

        def _parse_profile(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        profile = _parse_profile(d.pop("profile"))

        likes = cast(list[str], d.pop("likes"))

        dislikes = cast(list[str], d.pop("dislikes"))

        new = cast(list[str], d.pop("new"))

        written_by = d.pop("written_by")

        release = d.pop("release")

        user_profile_answer = cls(
            user_id=user_id,
            profile=profile,
            likes=likes,
            dislikes=dislikes,
            new=new,
            written_by=written_by,
            release=release,
        )

        user_profile_answer.additional_properties = d
        return user_profile_answer

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
