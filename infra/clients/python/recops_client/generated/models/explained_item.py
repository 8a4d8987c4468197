from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.because_of import BecauseOf
    from ..models.contribution import Contribution
    from ..models.retriever_part import RetrieverPart


T = TypeVar("T", bound="ExplainedItem")


@_attrs_define
class ExplainedItem:
    """A shown item. base and contributions sum to the score; moved: places up (positive) or down by the reranker or a
    draw; drawn: the chance of the item where its place was drawn, else null.

        Attributes:
            item_id (str):
            title (None | str):
            rank (int):
            rank_by_score (int):
            moved (int):
            score (float):
            drawn (float | None):
            retrievers (list[RetrieverPart]):
            base (float | None):
            contributions (list[Contribution]):
            exact (bool): Shapley values without sampling
            because (list[BecauseOf]):
    """

    item_id: str
    title: None | str
    rank: int
    rank_by_score: int
    moved: int
    score: float
    drawn: float | None
    retrievers: list[RetrieverPart]
    base: float | None
    contributions: list[Contribution]
    exact: bool
    because: list[BecauseOf]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        item_id = self.item_id

        title: None | str
        title = self.title

        rank = self.rank

        rank_by_score = self.rank_by_score

        moved = self.moved

        score = self.score

        drawn: float | None
        drawn = self.drawn

        retrievers = []
        for retrievers_item_data in self.retrievers:
            retrievers_item = retrievers_item_data.to_dict()
            retrievers.append(retrievers_item)

        base: float | None
        base = self.base

        contributions = []
        for contributions_item_data in self.contributions:
            contributions_item = contributions_item_data.to_dict()
            contributions.append(contributions_item)

        exact = self.exact

        because = []
        for because_item_data in self.because:
            because_item = because_item_data.to_dict()
            because.append(because_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "item_id": item_id,
                "title": title,
                "rank": rank,
                "rank_by_score": rank_by_score,
                "moved": moved,
                "score": score,
                "drawn": drawn,
                "retrievers": retrievers,
                "base": base,
                "contributions": contributions,
                "exact": exact,
                "because": because,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.because_of import BecauseOf
        from ..models.contribution import Contribution
        from ..models.retriever_part import RetrieverPart

        d = dict(src_dict)
        item_id = d.pop("item_id")

        def _parse_title(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        title = _parse_title(d.pop("title"))

        rank = d.pop("rank")

        rank_by_score = d.pop("rank_by_score")

        moved = d.pop("moved")

        score = d.pop("score")

        def _parse_drawn(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        drawn = _parse_drawn(d.pop("drawn"))

        retrievers = []
        _retrievers = d.pop("retrievers")
        for retrievers_item_data in _retrievers:
            retrievers_item = RetrieverPart.from_dict(retrievers_item_data)

            retrievers.append(retrievers_item)

        def _parse_base(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        base = _parse_base(d.pop("base"))

        contributions = []
        _contributions = d.pop("contributions")
        for contributions_item_data in _contributions:
            contributions_item = Contribution.from_dict(contributions_item_data)

            contributions.append(contributions_item)

        exact = d.pop("exact")

        because = []
        _because = d.pop("because")
        for because_item_data in _because:
            because_item = BecauseOf.from_dict(because_item_data)

            because.append(because_item)

        explained_item = cls(
            item_id=item_id,
            title=title,
            rank=rank,
            rank_by_score=rank_by_score,
            moved=moved,
            score=score,
            drawn=drawn,
            retrievers=retrievers,
            base=base,
            contributions=contributions,
            exact=exact,
            because=because,
        )

        explained_item.additional_properties = d
        return explained_item

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
