from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ChatRequest")


@_attrs_define
class ChatRequest:
    """POST /chat. `conversation_id`: of an earlier answer to this user, to go on from there. With `stream` the answer
    comes as server-sent events: `intent`, `items`, `reply` in pieces, `done`.

        Attributes:
            user_id (str):
            message (str):
            conversation_id (None | str | Unset):
            k (int | Unset):  Default: 10.
            stream (bool | Unset):  Default: False.
    """

    user_id: str
    message: str
    conversation_id: None | str | Unset = UNSET
    k: int | Unset = 10
    stream: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        message = self.message

        conversation_id: None | str | Unset
        if isinstance(self.conversation_id, Unset):
            conversation_id = UNSET
        else:
            conversation_id = self.conversation_id

        k = self.k

        stream = self.stream

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "message": message,
            }
        )
        if conversation_id is not UNSET:
            field_dict["conversation_id"] = conversation_id
        if k is not UNSET:
            field_dict["k"] = k
        if stream is not UNSET:
            field_dict["stream"] = stream

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        user_id = d.pop("user_id")

        message = d.pop("message")

        def _parse_conversation_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        conversation_id = _parse_conversation_id(d.pop("conversation_id", UNSET))

        k = d.pop("k", UNSET)

        stream = d.pop("stream", UNSET)

        chat_request = cls(
            user_id=user_id,
            message=message,
            conversation_id=conversation_id,
            k=k,
            stream=stream,
        )

        return chat_request
