"""Online namespaces: one release's user states in Feast's online store, filled by materialize, updated by events."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from features.arrays import Float64
from features.errors import UserError
from features.events.event_log import Event
from features.online.backends import place
from features.online.feast_rows import entity_keys
from features.online.feast_rows.stored_rows import NewRow
from features.online.feast_rows.stored_values import StoredValue
from features.online.online_place import WriteRefusedError
from features.online.repository.registry import forget_project, open_project
from features.online.rows import instant_of, proto_of, state_of
from features.online.user_update import UserUpdate
from features.positives import Positives
from features.resilience.outages import StoreUnavailableError
from features.settings import Settings
from features.states.aggregates import (
    USER_CATEGORY_STATS,
    USER_STATS,
    positives_of,
    state_columns,
)
from features.states.histories import HISTORY_COLUMNS, USER_HISTORY, user_histories
from features.states.item_states import ItemInfo, ItemStates
from features.states.user_state import UserState
from features.table import Table

__all__ = ["ItemInfo", "ItemStates", "OnlineNamespace", "UserState", "user_histories"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
_OF_USERS = (USER_STATS, USER_CATEGORY_STATS, USER_HISTORY)
_KEYS_A_READ = 400
_MARKER = "\x00namespace"  # written last, read with every user: without its history row all rows are lost


class NamespaceMissingError(UserError, StoreUnavailableError):
    """The online store holds no such namespace: it was never filled, was dropped, or the store has lost its data."""


class UnwrittenError(RuntimeError):
    """A user's new state could not be written; `state` holds it, so that the current request can use it."""

    def __init__(self, reason: str, state: UserState) -> None:
        super().__init__(reason)
        self.state = state


class OnlineNamespace:
    """One release's rows in Feast's online store (SQLite: home/online/<namespace>.db; Redis: keys of that name).

    In Feast's registry it is a project of its own: filling one touches no other, and each keeps the columns that it was
    made with. Not to be shared between threads (`opened_again`); any number of processes may open the same namespace.
    """

    def __init__(self, settings: Settings, namespace: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_]*", namespace):
            raise UserError(f"online namespace '{namespace}': expected letters, digits and '_' only")
        self.namespace, self._settings = namespace, settings
        self.folder = settings.home / "online"
        self.place = place(settings.online_store, self.folder, namespace)
        self._registry_of_before = self.folder / f"{namespace}.registry"  # releases made when each had a file
        self._lost = False

    def opened_again(self) -> OnlineNamespace:
        """The same namespace with connections of its own, for another thread."""
        again = OnlineNamespace(self._settings, self.namespace)
        again.place = self.place.opened_again()
        if "_notes" in self.__dict__:  # a store that loses them later is known to have lost them
            again.__dict__["_notes"] = self._notes
        return again

    def create(self) -> None:
        """Makes the namespace, empty until `materialize`; one that is there stays as it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._apply(self.folder, self._histories)
        self.place.prepare()

    def materialize(
        self, features_folder: Path, histories: pl.DataFrame, at: int, events_through: int = 0, *, items: bool = True
    ) -> None:
        """Fills the namespace, through Feast, with each user's states as of an instant [µs], their histories, and the
        items' states for other readers of the store (the service has them as an array). Earlier content is removed
        first. events_through: last event of the log that the data holds.
        """
        from features.repo.store import feast, quiet

        feast()
        from features.repo.views import ITEM_VIEW

        self.drop()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.place.patient():
            try:
                USER_HISTORY.write(histories, self._histories)
                self.create()
                self._apply(features_folder, self._histories)
                until = _EPOCH + timedelta(microseconds=at)
                with quiet():
                    views = [table.name for table in _OF_USERS] + [ITEM_VIEW] * items
                    self._store.materialize(_BEGINNING, until, feature_views=views)
            finally:
                self._histories.unlink(missing_ok=True)
            marker: dict[str, Any] = {name: [] for name in HISTORY_COLUMNS} | {"last_seq": events_through}
            self._write(USER_HISTORY, [((_MARKER,), marker, instant_of(at))])
            self.place.write_notes(
                {
                    "at": at,
                    "events_through": events_through,
                    "targets": positives_of(features_folder).targets,
                    "marker": _MARKER,
                }
            )
            self.close()

    def users(self, user_ids: Sequence[str], categories: Collection[str] = ()) -> list[UserState]:
        """Each user's state, in order; an unknown user's is empty. categories: whose states are wanted too.

        Raises:
            StoreUnavailableError: the store does not answer, or has lost the namespace.
        """
        columns = self._read([USER_STATS, USER_HISTORY], {"user_id": [*user_ids, _MARKER]})
        self._check(lost=columns["user_history__last_seq"][-1] is None)
        through = self._notes["events_through"]
        states = []
        for row, user_id in enumerate(user_ids):
            history = {name: columns[f"user_history__{name}"][row] for name in self._history_columns}
            positive = np.array(history["positive"] or [], dtype=np.bool_)
            states.append(
                UserState(
                    user_id,
                    state_of(columns, USER_STATS, row),
                    list(history["item_ids"] or []),
                    np.array(history["timestamps"] or [], dtype=np.int64),
                    positive,
                    np.array(history.get("refused") or ~positive, dtype=np.bool_),
                    last_seq=max(through, columns["user_history__last_seq"][row] or 0),
                )
            )
        if categories:
            pairs = [(user_id, category) for user_id in user_ids for category in sorted(categories)]
            by_pair = self.category_states(pairs)
            for state in states:
                for category in sorted(categories):
                    if (pair := by_pair.get((state.user_id, category))) is not None:
                        state.by_category[category] = pair
        return states

    def category_states(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Float64]:
        """(user, category) → state, of the pairs that have one."""
        states = {}
        for start in range(0, len(pairs), _KEYS_A_READ):
            part = pairs[start : start + _KEYS_A_READ]
            keys = {"user_id": [user_id for user_id, _ in part], "category": [category for _, category in part]}
            columns = self._read([USER_CATEGORY_STATS], keys)
            for row, pair in enumerate(part):
                if columns["user_category_stats__known_at"][row] is not None:
                    states[pair] = state_of(columns, USER_CATEGORY_STATS, row)
        return states

    def open(self) -> None:
        """Opens the store for what reads and writes rows as Feast's values.

        Raises:
            NamespaceMissingError: the namespace was never filled.
            StoreUnavailableError: the store does not answer.
        """
        _ = self._notes
        with self.place.reading():
            self.place.rows.open()

    @property
    def events_through(self) -> int:
        """The last event of the log that the release's data holds."""
        return int(self._notes["events_through"])

    @property
    def positives(self) -> Positives:
        """Which events count as positive in this namespace."""
        return Positives.of(self._notes["targets"])

    def history(self, user_id: str) -> dict[str, Any] | None:
        """The user's row of USER_HISTORY as Feast's values, None where there is none.

        Raises:
            StoreUnavailableError: the store does not answer, or has lost the namespace.
        """
        row, marker = self.values(USER_HISTORY, [{"user_id": user_id}, {"user_id": _MARKER}])
        self._check(lost=marker is None)
        return row

    def check_marker(self) -> None:
        """Checks that the store holds the namespace whole.

        Raises:
            StoreUnavailableError: the store does not answer, or has lost the namespace.
        """
        (marker,) = self.values(USER_HISTORY, [{"user_id": _MARKER}], ("last_seq",))
        self._check(lost=marker is None)

    def values(
        self, table: Table, keys: Sequence[dict[str, str]], columns: Sequence[str] | None = None
    ) -> list[dict[str, Any] | None]:
        """Rows as Feast's values, in the order of the keys, read without Feast; columns: all by default."""
        if columns is None:
            columns = (*(state_columns(table) or self._history_columns), "last_seq")
        rows: list[dict[str, Any] | None] = []
        for start in range(0, len(keys), _KEYS_A_READ):
            part = [entity_keys.encode(key) for key in keys[start : start + _KEYS_A_READ]]
            with self.place.reading():
                read = self.place.rows.read(table.name, part, columns)
            rows += [values if values and _is_there(values) else None for values in read]
        return rows

    def record(self, user_id: str, events: Sequence[Event], info: ItemInfo, *, wait_s: float = 30.0) -> UserState:
        """The user's state after more events of the log; an event that is in it already counts once.

        events: all of the user's events after a `last_seq` that was read before (`EventLog.of_user`), so that whoever
        of several processes comes first leaves no gap.
        Each row remembers the last event it holds, so a crash between two writes is mended by recording again. The
        recursion is the one of the files, so the rows are those that the next `build_features` would write.
        wait_s: how long to wait for another process that records this user.

        Raises:
            UnwrittenError: the state was computed and could not be written; the error carries it.
            StoreUnavailableError: the store does not answer.
        """
        wanted = sorted(events, key=lambda event: event.seq)
        if strangers := {event.user_id for event in wanted} - {user_id}:
            raise ValueError(f"events of {sorted(strangers)} recorded for '{user_id}'")
        _ = self._notes, self._store  # opened before the lock is taken
        update = None
        try:
            with self.place.lock(user_id, wait_s):
                update = self._update(user_id, wanted, info)
                self._write_update(update)
        except WriteRefusedError as error:
            update = update or self._update(user_id, wanted, info)
            raise UnwrittenError(str(error), update.state) from error
        return update.state

    def _update(self, user_id: str, events: Sequence[Event], info: ItemInfo) -> UserUpdate:
        """The user's rows after events, computed from what is stored."""
        (state,) = self.users([user_id])
        events = [event for event in events if event.seq > state.last_seq]
        update = UserUpdate(state, events, info, Positives.of(self._notes["targets"]))
        if events:
            through = self._notes["events_through"]
            columns = self._read([USER_STATS], {"user_id": [user_id]}, bookkeeping=True)
            update.advance_user(max(through, columns["user_stats__last_seq"][0] or 0))
            if names := update.categories():
                keys = {"user_id": [user_id] * len(names), "category": names}
                columns = self._read([USER_CATEGORY_STATS], keys, bookkeeping=True)
                for row, category in enumerate(names):
                    held = max(through, columns["user_category_stats__last_seq"][row] or 0)
                    update.advance_category(category, state_of(columns, USER_CATEGORY_STATS, row), held)
        return update

    def _write_update(self, update: UserUpdate) -> None:
        """The history goes last: it says that all is written."""
        for table in (USER_CATEGORY_STATS, USER_STATS, USER_HISTORY):
            if rows := update.rows(table):
                self.write(table, rows)

    def close(self) -> None:
        """Closes the connection; the next use opens it again."""
        store = self.__dict__.pop("_store", None)
        self.__dict__.pop("_notes", None)
        self.__dict__.pop("_history_columns", None)
        connection = getattr(getattr(getattr(store, "provider", None), "online_store", None), "_conn", None)
        if connection is not None:
            connection.close()
        self.place.close()

    def drop(self) -> None:
        """Removes the namespace; one that is not there is no error."""
        self.close()
        self.place.drop()
        self._histories.unlink(missing_ok=True)
        self._registry_of_before.unlink(missing_ok=True)
        forget_project(self._settings, self.namespace)

    @property
    def _histories(self) -> Path:
        return self.folder / f"{self.namespace}.histories.parquet"

    @cached_property
    def _notes(self) -> dict[str, Any]:
        notes = self.place.read_notes()
        if notes is None:
            raise NamespaceMissingError(
                f"online namespace '{self.namespace}' in {self.folder} is not there or was never filled; "
                f"make a release again (`recops release`)"
            )
        return notes

    @cached_property
    def _history_columns(self) -> tuple[str, ...]:
        """What is kept of a history; namespaces of releases made earlier do not tell refusals from other events."""
        if "marker" in self._notes:
            with self.place.reading():
                key = entity_keys.encode({"user_id": _MARKER})
                kept = self.place.rows.held(USER_HISTORY.name, key, HISTORY_COLUMNS)
            self._check(lost=not kept)
        else:  # of before there was a marker
            kept = {field.name for field in self._store.get_feature_view(USER_HISTORY.name).schema}
        return tuple(name for name in HISTORY_COLUMNS if name in kept)

    @cached_property
    def _store(self) -> Any:
        """Feast's store for this namespace; definitions that this machine's registry lacks come from the code."""
        from features.repo.store import apply, feast

        store = self._opened()
        feast()
        from feast.errors import FeatureViewNotFoundException

        try:
            store.get_feature_view(USER_HISTORY.name)
        except FeatureViewNotFoundException:
            apply(store, self.folder, self._histories)
        store.refresh_registry()
        with self.place.reading():
            self.place.connected(store)
        return store

    def _opened(self) -> Any:
        if (before := self._registry_of_before).is_file():
            from features.repo.store import open_store

            return open_store(self.namespace, before, self.place.settings())
        return open_project(self._settings, self.namespace, self.place.settings())

    def _apply(self, features_folder: Path, histories: Path) -> None:
        from features.repo.store import apply

        self.close()
        apply(self._opened(), features_folder.absolute(), histories)

    def _check(self, *, lost: bool) -> None:
        """lost: the marker is not there."""
        if lost and "marker" in self._notes:
            self._lost = True
            raise NamespaceMissingError(
                f"online namespace '{self.namespace}' is gone: the online store has lost what it held; restore it from "
                f"its backup, or make a release again (`recops release`)"
            )
        if self._lost:  # filled again meanwhile
            self.__dict__.pop("_notes")
            self._lost = False

    def _read(
        self, tables: Sequence[Table], keys: dict[str, list[str]], *, bookkeeping: bool = False
    ) -> dict[str, list[Any]]:
        """Columns by name (`table__column`) in the order of the keys."""
        _ = self._notes  # a namespace that was never filled says so
        wanted = []
        for table in tables:
            columns = state_columns(table) or self._history_columns
            last_seq = ("last_seq",) if bookkeeping or table is USER_HISTORY else ()
            wanted += [f"{table.name}:{column}" for column in (*columns, *last_seq)]
        store = self._store
        with self.place.reading():
            answer = store.get_online_features(features=wanted, entity_rows=keys, full_feature_names=True)
        return dict(answer.to_dict())

    def write(self, table: Table, rows: Sequence[tuple[tuple[str, ...], dict[str, Any], datetime]]) -> None:
        """Rows as Feast's own batch write leaves them: thirty times quicker than a push, and no frame on the way."""
        self._write(table, rows, left_out={*HISTORY_COLUMNS} - {*self._history_columns})

    def _write(
        self,
        table: Table,
        rows: Sequence[tuple[tuple[str, ...], dict[str, Any], datetime]],
        left_out: Collection[str] = (),
    ) -> None:
        names = [key for key in table.key if key != "event_timestamp"]
        batch = []
        for key, values, known_at in rows:
            kept = {
                name: proto_of(StoredValue, table.columns[name], value)
                for name, value in values.items()
                if name not in left_out
            }
            batch.append(NewRow(entity_keys.encode(dict(zip(names, key, strict=True))), kept, known_at))
        with self.place.writing():
            self.place.rows.write(table.name, batch)


def _is_there(values: dict[str, Any]) -> bool:
    """Whether a row is there: Redis answers for one that is not with values that are not set."""
    return any(value.WhichOneof("val") is not None for value in values.values())
