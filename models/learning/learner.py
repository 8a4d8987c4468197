"""Learner: takes in events, and gives the retrievers that a fit on all rows up to there would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from features.arrays import MICROSECONDS_A_DAY, Float64, Int32, Int64
from features.events.event_columns import EventColumns
from features.positives import Positives
from models.additive.learns_additively import KnowsChange, LearnsAdditively, Statistics
from models.additive.pair_sums import PairRows, PairSums
from models.data.types import Catalogue, Log
from models.interfaces import Retriever
from models.learning.base import Base, Sums, additive
from models.learning.user_rows import UserRows, key_of

ERASED = "erased-{seq}"  # whose an erased user's event is from then on (features/events/erase_events.py)


@dataclass(frozen=True)
class Learned:
    """Retrievers as of one position of the log. position: the last event that counts in them; n_rows: new rows in them;
    left_out: retriever → new rows of users with more pairs than `max_pairs`, which it does not learn from."""

    position: int
    parts: Mapping[str, Retriever]
    n_rows: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


class Learner:
    """Not for several threads at once. Equal events give equal parts, whatever their order and however they are cut
    into batches (to the rounding of sums).

    What counts is a positive event on an item of the release's vocabulary, by whomever, the erased apart; its row has
    weight 1.
    """

    def __init__(
        self,
        retrievers: Mapping[str, Retriever],
        catalogue: Catalogue,
        base: Base,
        positives: Positives,
        position: int,
    ) -> None:
        """retrievers: those of the release; position: the last event of the log that its data hold."""
        self.position = self._counted_through = position
        self._catalogue, self._positives = catalogue, positives
        self._most = base.params.max_pairs
        self._rows = UserRows(base.rows)
        self._parts = {
            name: _Part(part, base.sums[name], base.rows.at)
            for name, part in additive(retrievers).items()
            if name in base.sums
        }
        self._newest, self._n_rows = base.rows.at, 0
        self._waiting: dict[int, None] = {}

    def knows(self, key: int) -> bool:
        """Whether it holds rows of a user (`key_of`)."""
        return self._rows.knows(key)

    @property
    def n_waiting(self) -> int:
        """Users with rows that the sums do not hold yet."""
        return len(self._waiting)

    def take_in(self, events: EventColumns) -> None:
        """Takes in events that follow `position`, in order of seq."""
        events = events.after(self.position)
        positions = self._catalogue.vocabulary.positions(events.item_ids)
        counting = {kind for kind in set(events.kinds) if kind in self._positives}
        for row in np.flatnonzero(positions >= 0).tolist():
            seq, user_id = int(events.seqs[row]), events.user_ids[row]
            if events.kinds[row] in counting and user_id != ERASED.format(seq=seq):
                self._add(user_id, int(positions[row]), int(events.timestamps[row]))
                self._counted_through = seq
        self.position = max(self.position, events.last_seq)

    def add_rows(self, user_ids: Sequence[str], items: Int32, times: Int64) -> None:
        """Takes in positive rows of any order as if they had come as events. items: (n,) positions, -1: passed over;
        times: (n,) µs."""
        for row in np.flatnonzero(items >= 0).tolist():
            self._add(user_ids[row], int(items[row]), int(times[row]))

    def learned(self) -> Learned:
        """The retrievers as of now; the time goes with the users that did something since the last call, and with the
        pairs that the sums hold."""
        self._learn()
        parts = {name: part.made(self._catalogue, self._newest) for name, part in self._parts.items()}
        left_out = {name: part.n_left_out for name, part in self._parts.items() if part.n_left_out}
        return Learned(self._counted_through, parts, self._n_rows, left_out)

    def _add(self, user_id: str, item: int, time: int) -> None:
        key = key_of(user_id)
        self._rows.add(key, item, time)
        self._waiting[key] = None
        self._newest = max(self._newest, time)
        self._n_rows += 1

    def _learn(self) -> None:
        keys = list(self._waiting)
        if keys:
            for part in self._parts.values():
                part.begin_anew_if_outlasted(self._rows, self._newest, self._catalogue, self._most)
                part.advance(self._rows, keys, self._catalogue, self._most)
            self._rows.note_learned(keys)
            self._waiting.clear()


class _Part:
    """A retriever and its sums, whose weights decay from an instant `at` [µs]."""

    def __init__(self, part: LearnsAdditively, sums: Sums, at: int) -> None:
        self.n_left_out = 0
        self._part, self._at = part, at
        self._pairs = None if sums.pairs is None else PairSums(sums.pairs)
        self._others: dict[str, Float64] = {name: values.copy() for name, values in sums.others.items()}

    def advance(self, rows: UserRows, keys: Sequence[int], catalogue: Catalogue, most: int) -> None:
        """The sums change by those of all rows of these users less those of the rows before."""
        base, before, after = rows.counts(keys)
        held, wanted = self._within(base, before, most), self._within(base, after, most)
        self.n_left_out += int((after - wanted).sum() - (before - held).sum())
        changed = np.flatnonzero(held != wanted)
        if not len(changed):
            return
        users = [keys[place] for place in changed.tolist()]
        self._add(*self._change(rows, users, held[changed], wanted[changed], catalogue))

    def begin_anew_if_outlasted(self, rows: UserRows, newest: int, catalogue: Catalogue, most: int) -> None:
        """Adds the sums up anew, as of the newest row, where that is too much later than the one that they began with:
        old data, or a half-life of hours."""
        if newest - self._at <= self._part.lasting_days() * MICROSECONDS_A_DAY:
            return
        self._at = newest
        pairs, others = self._of(rows.base.log(), catalogue)
        self._pairs, self._others = None if pairs is None else PairSums(PairRows.of(pairs)), others
        learned = rows.learned()
        if learned:
            base, before, _ = rows.counts(learned)
            self._add(*self._change(rows, learned, base, self._within(base, before, most), catalogue))

    def made(self, catalogue: Catalogue, newest: int) -> Retriever:
        weighted = _no_pairs if self._pairs is None else self._pairs.weighted
        return self._part.learned(self._others, weighted, catalogue, newest - self._at)

    def _of(self, log: Log, catalogue: Catalogue) -> Statistics:
        return self._part.statistics(replace(log, at=self._at), catalogue)

    def _change(
        self, rows: UserRows, users: Sequence[int], n_before: Int64, n_after: Int64, catalogue: Catalogue
    ) -> Statistics:
        before, after = rows.log(users, n_before), rows.log(users, n_after)
        if isinstance(self._part, KnowsChange):
            at = self._at
            return self._part.change(replace(before, at=at), replace(after, at=at), catalogue)
        (old_pairs, old_others), (pairs, others) = self._of(before, catalogue), self._of(after, catalogue)
        change = None if pairs is None else pairs - old_pairs
        return change, {name: values - old_others[name] for name, values in others.items()}

    def _add(self, pairs: sparse.csr_matrix | None, others: Mapping[str, Float64]) -> None:
        if self._pairs is not None and pairs is not None:
            self._pairs.add(pairs)
        for name, values in others.items():
            self._others[name] = self._others[name] + values

    def _within(self, base: Int64, n_rows: Int64, most: int) -> Int64:
        """(n_users,) how many rows the sums are to hold: all, or those of the release's data where all are too many."""
        return np.where(self._part.n_pairs(n_rows) <= most, n_rows, base)


def _no_pairs(left: Float64, right: Float64, **_: object) -> sparse.csr_matrix:
    raise TypeError("this retriever has no sums of pairs")
