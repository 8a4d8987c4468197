from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.learning_status_left_out import LearningStatusLeftOut


T = TypeVar("T", bound="LearningStatus")


@_attrs_define
class LearningStatus:
    """What a release has learned since it was made. position: number of the last event that counts in it; n_rows: new
    choices in it; left_out: retriever → those of them that it does not learn from, of users with too many pairs
    (`learn.max_pairs`); fault: why newer events are not learned, null: they are.

        Attributes:
            position (int):
            n_rows (int):
            left_out (LearningStatusLeftOut):
            fault (None | str):
    """

    position: int
    n_rows: int
    left_out: LearningStatusLeftOut
    fault: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        position = self.position

        n_rows = self.n_rows

        left_out = self.left_out.to_dict()

        fault: None | str
        fault = self.fault

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "position": position,
                "n_rows": n_rows,
                "left_out": left_out,
                "fault": fault,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.learning_status_left_out import LearningStatusLeftOut

        d = dict(src_dict)
        position = d.pop("position")

        n_rows = d.pop("n_rows")

        left_out = LearningStatusLeftOut.from_dict(d.pop("left_out"))

        def _parse_fault(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        fault = _parse_fault(d.pop("fault"))

        learning_status = cls(
            position=position,
            n_rows=n_rows,
            left_out=left_out,
            fault=fault,
        )

        learning_status.additional_properties = d
        return learning_status

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
