from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.chat_intent import ChatIntent
    from ..models.recommended_item import RecommendedItem


T = TypeVar("T", bound="ChatAnswer")


@_attrs_define
class ChatAnswer:
    """A reply, and the items that pass the intent, best first. request_id: for the events that follow from the list;
    it is not in the flight recorder.

        Attributes:
            conversation_id (str):
            reply (str):
            intent (ChatIntent): What the conversation asks for now. like, dislike: item ids; include, exclude: tags,
                categories, keywords or
                words of items' texts; text: what is left over. understood_by: who read the message.
            items (list[RecommendedItem]):
            release (str):
            request_id (str):
    """

    conversation_id: str
    reply: str
    intent: ChatIntent
    items: list[RecommendedItem]
    release: str
    request_id: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        conversation_id = self.conversation_id

        reply = self.reply

        intent = self.intent.to_dict()

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        release = self.release

        request_id = self.request_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "conversation_id": conversation_id,
                "reply": reply,
                "intent": intent,
                "items": items,
                "release": release,
                "request_id": request_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.chat_intent import ChatIntent
        from ..models.recommended_item import RecommendedItem

        d = dict(src_dict)
        conversation_id = d.pop("conversation_id")

        reply = d.pop("reply")

        intent = ChatIntent.from_dict(d.pop("intent"))

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = RecommendedItem.from_dict(items_item_data)

            items.append(items_item)

        release = d.pop("release")

        request_id = d.pop("request_id")

        chat_answer = cls(
            conversation_id=conversation_id,
            reply=reply,
            intent=intent,
            items=items,
            release=release,
            request_id=request_id,
        )

        chat_answer.additional_properties = d
        return chat_answer

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
