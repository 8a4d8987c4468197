from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.items_status_faults import ItemsStatusFaults


T = TypeVar("T", bound="ItemsStatus")


@_attrs_define
class ItemsStatus:
    """What was posted since the release was made. position: number of the newest change taken in; added: items that
    the release does not hold; with_text: those of them that are recommended by their text; waiting: for the encoder;
    faults: why some have no text vector (item id, or `encoder` → sentence).

        Attributes:
            position (int):
            added (int):
            with_text (int):
            waiting (int):
            faults (ItemsStatusFaults):
    """

    position: int
    added: int
    with_text: int
    waiting: int
    faults: ItemsStatusFaults
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        position = self.position

        added = self.added

        with_text = self.with_text

        waiting = self.waiting

        faults = self.faults.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "position": position,
                "added": added,
                "with_text": with_text,
                "waiting": waiting,
                "faults": faults,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.items_status_faults import ItemsStatusFaults

        d = dict(src_dict)
        position = d.pop("position")

        added = d.pop("added")

        with_text = d.pop("with_text")

        waiting = d.pop("waiting")

        faults = ItemsStatusFaults.from_dict(d.pop("faults"))

        items_status = cls(
            position=position,
            added=added,
            with_text=with_text,
            waiting=waiting,
            faults=faults,
        )

        items_status.additional_properties = d
        return items_status

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
