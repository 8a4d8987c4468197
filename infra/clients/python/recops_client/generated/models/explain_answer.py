from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.explain_answer_stage_ms import ExplainAnswerStageMs
    from ..models.explained_item import ExplainedItem
    from ..models.retriever_check import RetrieverCheck


T = TypeVar("T", bound="ExplainAnswer")


@_attrs_define
class ExplainAnswer:
    """A recorded answer once more. same_list: whether the recorded features give the list again, to the bit (null: it
    has more than 100 items and was recorded without candidates); learned_position: of releases that learn between
    releases, number of the last event that they had learned.

        Attributes:
            request_id (str):
            release (str):
            user_id (str):
            answered_at (datetime.datetime): ISO-8601, UTC
            log_position (int):
            n_events (int):
            fallback (None | str):
            left_out (list[str]):
            stage_ms (ExplainAnswerStageMs):
            same_list (bool | None):
            retrievers (list[RetrieverCheck]):
            items (list[ExplainedItem]):
            notes (list[str]):
            learned_position (int | Unset):
    """

    request_id: str
    release: str
    user_id: str
    answered_at: datetime.datetime
    log_position: int
    n_events: int
    fallback: None | str
    left_out: list[str]
    stage_ms: ExplainAnswerStageMs
    same_list: bool | None
    retrievers: list[RetrieverCheck]
    items: list[ExplainedItem]
    notes: list[str]
    learned_position: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        request_id = self.request_id

        release = self.release

        user_id = self.user_id

        answered_at = self.answered_at.isoformat()

        log_position = self.log_position

        n_events = self.n_events

        fallback: None | str
        fallback = self.fallback

        left_out = self.left_out

        stage_ms = self.stage_ms.to_dict()

        same_list: bool | None
        same_list = self.same_list

        retrievers = []
        for retrievers_item_data in self.retrievers:
            retrievers_item = retrievers_item_data.to_dict()
            retrievers.append(retrievers_item)

        items = []
        for items_item_data in self.items:
            items_item = items_item_data.to_dict()
            items.append(items_item)

        notes = self.notes

        learned_position = self.learned_position

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "request_id": request_id,
                "release": release,
                "user_id": user_id,
                "answered_at": answered_at,
                "log_position": log_position,
                "n_events": n_events,
                "fallback": fallback,
                "left_out": left_out,
                "stage_ms": stage_ms,
                "same_list": same_list,
                "retrievers": retrievers,
                "items": items,
                "notes": notes,
            }
        )
        if learned_position is not UNSET:
            field_dict["learned_position"] = learned_position

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.explain_answer_stage_ms import ExplainAnswerStageMs
        from ..models.explained_item import ExplainedItem
        from ..models.retriever_check import RetrieverCheck

        d = dict(src_dict)
        request_id = d.pop("request_id")

        release = d.pop("release")

        user_id = d.pop("user_id")

        answered_at = datetime.datetime.fromisoformat(d.pop("answered_at"))

        log_position = d.pop("log_position")

        n_events = d.pop("n_events")

        def _parse_fallback(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        fallback = _parse_fallback(d.pop("fallback"))

        left_out = cast(list[str], d.pop("left_out"))

        stage_ms = ExplainAnswerStageMs.from_dict(d.pop("stage_ms"))

        def _parse_same_list(data: object) -> bool | None:
            if data is None:
                return data
            return cast(bool | None, data)

        same_list = _parse_same_list(d.pop("same_list"))

        retrievers = []
        _retrievers = d.pop("retrievers")
        for retrievers_item_data in _retrievers:
            retrievers_item = RetrieverCheck.from_dict(retrievers_item_data)

            retrievers.append(retrievers_item)

        items = []
        _items = d.pop("items")
        for items_item_data in _items:
            items_item = ExplainedItem.from_dict(items_item_data)

            items.append(items_item)

        notes = cast(list[str], d.pop("notes"))

        learned_position = d.pop("learned_position", UNSET)

        explain_answer = cls(
            request_id=request_id,
            release=release,
            user_id=user_id,
            answered_at=answered_at,
            log_position=log_position,
            n_events=n_events,
            fallback=fallback,
            left_out=left_out,
            stage_ms=stage_ms,
            same_list=same_list,
            retrievers=retrievers,
            items=items,
            notes=notes,
            learned_position=learned_position,
        )

        explain_answer.additional_properties = d
        return explain_answer

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
