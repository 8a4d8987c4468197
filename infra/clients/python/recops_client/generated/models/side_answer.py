from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SideAnswer")


@_attrs_define
class SideAnswer:
    """Lists of one release during a trial; the percentiles are up to 10 % too high, and null without lists.

    Attributes:
        n_answers (int):
        n_errors (int):
        p50_ms (float | None):
        p99_ms (float | None):
    """

    n_answers: int
    n_errors: int
    p50_ms: float | None
    p99_ms: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        n_answers = self.n_answers

        n_errors = self.n_errors

        p50_ms: float | None
        p50_ms = self.p50_ms

        p99_ms: float | None
        p99_ms = self.p99_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "n_answers": n_answers,
                "n_errors": n_errors,
                "p50_ms": p50_ms,
                "p99_ms": p99_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        n_answers = d.pop("n_answers")

        n_errors = d.pop("n_errors")

        def _parse_p50_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        p50_ms = _parse_p50_ms(d.pop("p50_ms"))

        def _parse_p99_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        p99_ms = _parse_p99_ms(d.pop("p99_ms"))

        side_answer = cls(
            n_answers=n_answers,
            n_errors=n_errors,
            p50_ms=p50_ms,
            p99_ms=p99_ms,
        )

        side_answer.additional_properties = d
        return side_answer

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
