from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.why_not_answer_kind import WhyNotAnswerKind

if TYPE_CHECKING:
    from ..models.contribution import Contribution
    from ..models.smallest_change import SmallestChange
    from ..models.why_not_answer_retrievers import WhyNotAnswerRetrievers


T = TypeVar("T", bound="WhyNotAnswer")


@_attrs_define
class WhyNotAnswer:
    """Why an item is not in a list. kind `shown`: it is, at `rank`; `not_a_candidate`: no retriever offered it;
    `filtered`: by what `filters` names; `scored`: too low; `moved`: out of the list by diversity or a draw.

    retrievers: its rank by each, null where it has none; held_down: groups of features by how much less they add than
    for the items shown; change: the smallest that would have shown it, null where none was found;
    rank_without_filters: its place had the filters not been there; recorded: whether all its features were recorded,
    else some are those of now.

        Attributes:
            request_id (str):
            item_id (str):
            title (None | str):
            kind (WhyNotAnswerKind):
            sentence (str):
            rank (int | None):
            filters (list[str]):
            retrievers (WhyNotAnswerRetrievers):
            rank_by_score (int | None):
            score (float | None):
            least_score (float | None):
            held_down (list[Contribution]):
            change (None | SmallestChange):
            change_sentence (None | str):
            rank_without_filters (int | None):
            recorded (bool):
            notes (list[str]):
    """

    request_id: str
    item_id: str
    title: None | str
    kind: WhyNotAnswerKind
    sentence: str
    rank: int | None
    filters: list[str]
    retrievers: WhyNotAnswerRetrievers
    rank_by_score: int | None
    score: float | None
    least_score: float | None
    held_down: list[Contribution]
    change: None | SmallestChange
    change_sentence: None | str
    rank_without_filters: int | None
    recorded: bool
    notes: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.smallest_change import SmallestChange

        request_id = self.request_id

        item_id = self.item_id

        title: None | str
        title = self.title

        kind = self.kind.value

        sentence = self.sentence

        rank: int | None
        rank = self.rank

        filters = self.filters

        retrievers = self.retrievers.to_dict()

        rank_by_score: int | None
        rank_by_score = self.rank_by_score

        score: float | None
        score = self.score

        least_score: float | None
        least_score = self.least_score

        held_down = []
        for held_down_item_data in self.held_down:
            held_down_item = held_down_item_data.to_dict()
            held_down.append(held_down_item)

        change: dict[str, Any] | None
        if isinstance(self.change, SmallestChange):
            change = self.change.to_dict()
        else:
            change = self.change

        change_sentence: None | str
        change_sentence = self.change_sentence

        rank_without_filters: int | None
        rank_without_filters = self.rank_without_filters

        recorded = self.recorded

        notes = self.notes

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "request_id": request_id,
                "item_id": item_id,
                "title": title,
                "kind": kind,
                "sentence": sentence,
                "rank": rank,
                "filters": filters,
                "retrievers": retrievers,
                "rank_by_score": rank_by_score,
                "score": score,
                "least_score": least_score,
                "held_down": held_down,
                "change": change,
                "change_sentence": change_sentence,
                "rank_without_filters": rank_without_filters,
                "recorded": recorded,
                "notes": notes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.contribution import Contribution
        from ..models.smallest_change import SmallestChange
        from ..models.why_not_answer_retrievers import WhyNotAnswerRetrievers

        d = dict(src_dict)
        request_id = d.pop("request_id")

        item_id = d.pop("item_id")

        def _parse_title(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        title = _parse_title(d.pop("title"))

        kind = WhyNotAnswerKind(d.pop("kind"))

        sentence = d.pop("sentence")

        def _parse_rank(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        rank = _parse_rank(d.pop("rank"))

        filters = cast(list[str], d.pop("filters"))

        retrievers = WhyNotAnswerRetrievers.from_dict(d.pop("retrievers"))

        def _parse_rank_by_score(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        rank_by_score = _parse_rank_by_score(d.pop("rank_by_score"))

        def _parse_score(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        score = _parse_score(d.pop("score"))

        def _parse_least_score(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        least_score = _parse_least_score(d.pop("least_score"))

        held_down = []
        _held_down = d.pop("held_down")
        for held_down_item_data in _held_down:
            held_down_item = Contribution.from_dict(held_down_item_data)

            held_down.append(held_down_item)

        def _parse_change(data: object) -> None | SmallestChange:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                change_type_0 = SmallestChange.from_dict(data)

                return change_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SmallestChange, data)

        change = _parse_change(d.pop("change"))

        def _parse_change_sentence(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        change_sentence = _parse_change_sentence(d.pop("change_sentence"))

        def _parse_rank_without_filters(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        rank_without_filters = _parse_rank_without_filters(
            d.pop("rank_without_filters")
        )

        recorded = d.pop("recorded")

        notes = cast(list[str], d.pop("notes"))

        why_not_answer = cls(
            request_id=request_id,
            item_id=item_id,
            title=title,
            kind=kind,
            sentence=sentence,
            rank=rank,
            filters=filters,
            retrievers=retrievers,
            rank_by_score=rank_by_score,
            score=score,
            least_score=least_score,
            held_down=held_down,
            change=change,
            change_sentence=change_sentence,
            rank_without_filters=rank_without_filters,
            recorded=recorded,
            notes=notes,
        )

        why_not_answer.additional_properties = d
        return why_not_answer

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
