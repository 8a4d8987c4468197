from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.code import Code
    from ..models.counts import Counts
    from ..models.items_status import ItemsStatus
    from ..models.learning_status import LearningStatus
    from ..models.status_answer_faults import StatusAnswerFaults
    from ..models.status_answer_metrics import StatusAnswerMetrics
    from ..models.status_answer_stores import StatusAnswerStores
    from ..models.status_answer_versions import StatusAnswerVersions


T = TypeVar("T", bound="StatusAnswer")


@_attrs_define
class StatusAnswer:
    """The live release, the age of its data and of itself, and what is wrong with each store (null: nothing).

    newest_event: of the release's data and of the events recorded since; ages are in days, null where not known;
    learning: of a release that learns between releases, else it is left out.

        Attributes:
            release (str):
            bundle_hash (str):
            created_at (datetime.datetime | None):
            live_from (datetime.datetime | None):
            loaded_at (datetime.datetime): ISO-8601, UTC
            data_until (datetime.datetime | None):
            data_age_days (float | None):
            newest_event (datetime.datetime | None):
            newest_event_age_days (float | None):
            release_age_days (float | None):
            counts (Counts): Sizes of the release, and the events recorded since its data.
            items (ItemsStatus): What was posted since the release was made. position: number of the newest change taken in;
                added: items that
                the release does not hold; with_text: those of them that are recommended by their text; waiting: for the
                encoder;
                faults: why some have no text vector (item id, or `encoder` → sentence).
            retrievers (list[str]):
            metrics (StatusAnswerMetrics):
            stores (StatusAnswerStores):
            faults (StatusAnswerFaults):
            versions (StatusAnswerVersions):
            code (Code): The code that answers: its version, and the Bento's tag where it runs from one.
            learning (LearningStatus | Unset): What a release has learned since it was made. position: number of the last
                event that counts in it; n_rows: new
                choices in it; left_out: retriever → those of them that it does not learn from, of users with too many pairs
                (`learn.max_pairs`); fault: why newer events are not learned, null: they are.
    """

    release: str
    bundle_hash: str
    created_at: datetime.datetime | None
    live_from: datetime.datetime | None
    loaded_at: datetime.datetime
    data_until: datetime.datetime | None
    data_age_days: float | None
    newest_event: datetime.datetime | None
    newest_event_age_days: float | None
    release_age_days: float | None
    counts: Counts
    items: ItemsStatus
    retrievers: list[str]
    metrics: StatusAnswerMetrics
    stores: StatusAnswerStores
    faults: StatusAnswerFaults
    versions: StatusAnswerVersions
    code: Code
    learning: LearningStatus | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        release = self.release

        bundle_hash = self.bundle_hash

        created_at: None | str
        if isinstance(self.created_at, datetime.datetime):
            created_at = self.created_at.isoformat()
        else:
            created_at = self.created_at

        live_from: None | str
        if isinstance(self.live_from, datetime.datetime):
            live_from = self.live_from.isoformat()
        else:
            live_from = self.live_from

        loaded_at = self.loaded_at.isoformat()

        data_until: None | str
        if isinstance(self.data_until, datetime.datetime):
            data_until = self.data_until.isoformat()
        else:
            data_until = self.data_until

        data_age_days: float | None
        data_age_days = self.data_age_days

        newest_event: None | str
        if isinstance(self.newest_event, datetime.datetime):
            newest_event = self.newest_event.isoformat()
        else:
            newest_event = self.newest_event

        newest_event_age_days: float | None
        newest_event_age_days = self.newest_event_age_days

        release_age_days: float | None
        release_age_days = self.release_age_days

        counts = self.counts.to_dict()

        items = self.items.to_dict()

        retrievers = self.retrievers

        metrics = self.metrics.to_dict()

        stores = self.stores.to_dict()

        faults = self.faults.to_dict()

        versions = self.versions.to_dict()

        code = self.code.to_dict()

        learning: dict[str, Any] | Unset = UNSET
        if not isinstance(self.learning, Unset):
            learning = self.learning.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "release": release,
                "bundle_hash": bundle_hash,
                "created_at": created_at,
                "live_from": live_from,
                "loaded_at": loaded_at,
                "data_until": data_until,
                "data_age_days": data_age_days,
                "newest_event": newest_event,
                "newest_event_age_days": newest_event_age_days,
                "release_age_days": release_age_days,
                "counts": counts,
                "items": items,
                "retrievers": retrievers,
                "metrics": metrics,
                "stores": stores,
                "faults": faults,
                "versions": versions,
                "code": code,
            }
        )
        if learning is not UNSET:
            field_dict["learning"] = learning

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.code import Code
        from ..models.counts import Counts
        from ..models.items_status import ItemsStatus
        from ..models.learning_status import LearningStatus
        from ..models.status_answer_faults import StatusAnswerFaults
        from ..models.status_answer_metrics import StatusAnswerMetrics
        from ..models.status_answer_stores import StatusAnswerStores
        from ..models.status_answer_versions import StatusAnswerVersions

        d = dict(src_dict)
        release = d.pop("release")

        bundle_hash = d.pop("bundle_hash")

        def _parse_created_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                created_at_type_0 = datetime.datetime.fromisoformat(data)

                return created_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        created_at = _parse_created_at(d.pop("created_at"))

        def _parse_live_from(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                live_from_type_0 = datetime.datetime.fromisoformat(data)

                return live_from_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        live_from = _parse_live_from(d.pop("live_from"))

        loaded_at = datetime.datetime.fromisoformat(d.pop("loaded_at"))

        def _parse_data_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                data_until_type_0 = datetime.datetime.fromisoformat(data)

                return data_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        data_until = _parse_data_until(d.pop("data_until"))

        def _parse_data_age_days(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        data_age_days = _parse_data_age_days(d.pop("data_age_days"))

        def _parse_newest_event(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                newest_event_type_0 = datetime.datetime.fromisoformat(data)

                return newest_event_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        newest_event = _parse_newest_event(d.pop("newest_event"))

        def _parse_newest_event_age_days(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        newest_event_age_days = _parse_newest_event_age_days(
            d.pop("newest_event_age_days")
        )

        def _parse_release_age_days(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        release_age_days = _parse_release_age_days(d.pop("release_age_days"))

        counts = Counts.from_dict(d.pop("counts"))

        items = ItemsStatus.from_dict(d.pop("items"))

        retrievers = cast(list[str], d.pop("retrievers"))

        metrics = StatusAnswerMetrics.from_dict(d.pop("metrics"))

        stores = StatusAnswerStores.from_dict(d.pop("stores"))

        faults = StatusAnswerFaults.from_dict(d.pop("faults"))

        versions = StatusAnswerVersions.from_dict(d.pop("versions"))

        code = Code.from_dict(d.pop("code"))

        _learning = d.pop("learning", UNSET)
        learning: LearningStatus | Unset
        if isinstance(_learning, Unset):
            learning = UNSET
        else:
            learning = LearningStatus.from_dict(_learning)

        status_answer = cls(
            release=release,
            bundle_hash=bundle_hash,
            created_at=created_at,
            live_from=live_from,
            loaded_at=loaded_at,
            data_until=data_until,
            data_age_days=data_age_days,
            newest_event=newest_event,
            newest_event_age_days=newest_event_age_days,
            release_age_days=release_age_days,
            counts=counts,
            items=items,
            retrievers=retrievers,
            metrics=metrics,
            stores=stores,
            faults=faults,
            versions=versions,
            code=code,
            learning=learning,
        )

        status_answer.additional_properties = d
        return status_answer

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
