from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.side_answer import SideAnswer


T = TypeVar("T", bound="TrialAnswer")


@_attrs_define
class TrialAnswer:
    """A release on trial. overlap: mean share of items that stood in the lists of both releases (shadow), of n_compared
    requests; outcome: null while it is under way, else promoted, aborted, overtaken or changed.

        Attributes:
            release (str):
            against (str):
            mode (str):
            percent (float):
            since (str):
            who (str):
            why (str):
            live (SideAnswer): Lists of one release during a trial; the percentiles are up to 10 % too high, and null
                without lists.
            challenger (SideAnswer): Lists of one release during a trial; the percentiles are up to 10 % too high, and null
                without lists.
            overlap (float | None):
            n_compared (int):
            outcome (None | str | Unset):
            reason (None | str | Unset):
    """

    release: str
    against: str
    mode: str
    percent: float
    since: str
    who: str
    why: str
    live: SideAnswer
    challenger: SideAnswer
    overlap: float | None
    n_compared: int
    outcome: None | str | Unset = UNSET
    reason: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        release = self.release

        against = self.against

        mode = self.mode

        percent = self.percent

        since = self.since

        who = self.who

        why = self.why

        live = self.live.to_dict()

        challenger = self.challenger.to_dict()

        overlap: float | None
        overlap = self.overlap

        n_compared = self.n_compared

        outcome: None | str | Unset
        if isinstance(self.outcome, Unset):
            outcome = UNSET
        else:
            outcome = self.outcome

        reason: None | str | Unset
        if isinstance(self.reason, Unset):
            reason = UNSET
        else:
            reason = self.reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "release": release,
                "against": against,
                "mode": mode,
                "percent": percent,
                "since": since,
                "who": who,
                "why": why,
                "live": live,
                "challenger": challenger,
                "overlap": overlap,
                "n_compared": n_compared,
            }
        )
        if outcome is not UNSET:
            field_dict["outcome"] = outcome
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.side_answer import SideAnswer

        d = dict(src_dict)
        release = d.pop("release")

        against = d.pop("against")

        mode = d.pop("mode")

        percent = d.pop("percent")

        since = d.pop("since")

        who = d.pop("who")

        why = d.pop("why")

        live = SideAnswer.from_dict(d.pop("live"))

        challenger = SideAnswer.from_dict(d.pop("challenger"))

        def _parse_overlap(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        overlap = _parse_overlap(d.pop("overlap"))

        n_compared = d.pop("n_compared")

        def _parse_outcome(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        outcome = _parse_outcome(d.pop("outcome", UNSET))

        def _parse_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reason = _parse_reason(d.pop("reason", UNSET))

        trial_answer = cls(
            release=release,
            against=against,
            mode=mode,
            percent=percent,
            since=since,
            who=who,
            why=why,
            live=live,
            challenger=challenger,
            overlap=overlap,
            n_compared=n_compared,
            outcome=outcome,
            reason=reason,
        )

        trial_answer.additional_properties = d
        return trial_answer

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
