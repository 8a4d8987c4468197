"""Protocol of retrievers whose fit is a function of sums over users, which new rows add to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, Self, runtime_checkable

from scipy import sparse

from features.arrays import Float64, Int64
from models.data.types import Catalogue, Log
from models.interfaces import Retriever

Statistics = tuple[sparse.csr_matrix | None, dict[str, Float64]]
"""Sums of pairs (n_rows, n_items) float64, None where there are none, and further sums by name, (n,) each."""


@runtime_checkable
class LearnsAdditively(Retriever, Protocol):
    """A retriever that can be advanced by new rows instead of being fitted again.

    What `learned` gives of the sums of a log is what `fit` gives of the log, to 1e-6 relative, and the sums of users
    are theirs alone: those of two logs without a common user add up to those of both. New rows of a user therefore
    change the sums by those of all the user's rows less those of the rows before (models/learning/learner.py).
    """

    def statistics(self, log: Log, catalogue: Catalogue) -> Statistics:
        """The sums of a log.

        log: each user's rows in time order, whatever the order of users. Weights that decay do so from `log.at`, and
        rows that are later than that count more than 1. Nothing at all: with these params nothing is to be learned.
        """

    def learned(
        self,
        sums: Mapping[str, Float64],
        weighted: Callable[..., sparse.csr_matrix],
        catalogue: Catalogue,
        later: int,
    ) -> Self:
        """A fitted part, as of an instant `later` [µs] after `log.at`; the part itself stays as it is.

        weighted: of the sums of pairs, see `models.additive.pair_sums.PairSums.weighted`.
        """

    def lasting_days(self) -> float:
        """So long after `log.at` may rows be, in days, before weights that grow against it leave the range of numbers;
        then sums are added up anew. inf: weights do not depend on it."""

    def n_pairs(self, n_events: Int64) -> Int64:
        """How many pairs the rows of a user add to at most; n_events: (n,) how many rows they are."""


@runtime_checkable
class KnowsChange(LearnsAdditively, Protocol):
    """One that tells how new rows change its sums for less than the sums before and after."""

    def change(self, before: Log, after: Log, catalogue: Catalogue) -> Statistics:
        """Statistics of `after` less those of `before`: rows of the same users, who have one number in both; a user may
        have no row in `before`, and is then none of its users."""
