from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.chat_intent_understood_by import ChatIntentUnderstoodBy
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.chat_limit import ChatLimit


T = TypeVar("T", bound="ChatIntent")


@_attrs_define
class ChatIntent:
    """What the conversation asks for now. like, dislike: item ids; include, exclude: tags, categories, keywords or
    words of items' texts; text: what is left over. understood_by: who read the message.

        Attributes:
            like (list[str] | Unset):
            dislike (list[str] | Unset):
            include (list[str] | Unset):
            exclude (list[str] | Unset):
            numbers (list[ChatLimit] | Unset):
            text (str | Unset):  Default: ''.
            understood_by (ChatIntentUnderstoodBy | Unset):  Default: ChatIntentUnderstoodBy.LOCAL.
    """

    like: list[str] | Unset = UNSET
    dislike: list[str] | Unset = UNSET
    include: list[str] | Unset = UNSET
    exclude: list[str] | Unset = UNSET
    numbers: list[ChatLimit] | Unset = UNSET
    text: str | Unset = ""
    understood_by: ChatIntentUnderstoodBy | Unset = ChatIntentUnderstoodBy.LOCAL
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        like: list[str] | Unset = UNSET
        if not isinstance(self.like, Unset):
            like = self.like

        dislike: list[str] | Unset = UNSET
        if not isinstance(self.dislike, Unset):
            dislike = self.dislike

        include: list[str] | Unset = UNSET
        if not isinstance(self.include, Unset):
            include = self.include

        exclude: list[str] | Unset = UNSET
        if not isinstance(self.exclude, Unset):
            exclude = self.exclude

        numbers: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.numbers, Unset):
            numbers = []
            for numbers_item_data in self.numbers:
                numbers_item = numbers_item_data.to_dict()
                numbers.append(numbers_item)

        text = self.text

        understood_by: str | Unset = UNSET
        if not isinstance(self.understood_by, Unset):
            understood_by = self.understood_by.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if like is not UNSET:
            field_dict["like"] = like
        if dislike is not UNSET:
            field_dict["dislike"] = dislike
        if include is not UNSET:
            field_dict["include"] = include
        if exclude is not UNSET:
            field_dict["exclude"] = exclude
        if numbers is not UNSET:
            field_dict["numbers"] = numbers
        if text is not UNSET:
            field_dict["text"] = text
        if understood_by is not UNSET:
            field_dict["understood_by"] = understood_by

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.chat_limit import ChatLimit

        d = dict(src_dict)
        like = cast(list[str], d.pop("like", UNSET))

        dislike = cast(list[str], d.pop("dislike", UNSET))

        include = cast(list[str], d.pop("include", UNSET))

        exclude = cast(list[str], d.pop("exclude", UNSET))

        _numbers = d.pop("numbers", UNSET)
        numbers: list[ChatLimit] | Unset = UNSET
        if _numbers is not UNSET:
            numbers = []
            for numbers_item_data in _numbers:
                numbers_item = ChatLimit.from_dict(numbers_item_data)

                numbers.append(numbers_item)

        text = d.pop("text", UNSET)

        _understood_by = d.pop("understood_by", UNSET)
        understood_by: ChatIntentUnderstoodBy | Unset
        if isinstance(_understood_by, Unset):
            understood_by = UNSET
        else:
            understood_by = ChatIntentUnderstoodBy(_understood_by)

        chat_intent = cls(
            like=like,
            dislike=dislike,
            include=include,
            exclude=exclude,
            numbers=numbers,
            text=text,
            understood_by=understood_by,
        )

        chat_intent.additional_properties = d
        return chat_intent

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
