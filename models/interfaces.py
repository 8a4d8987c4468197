"""Protocols: what each kind of part promises, and what a part may be able to do beside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from features.arrays import Bool, Float32, Int32, Int64
from models.data.types import Catalogue, Hits, Log, Queries, Ratings
from models.single_query.query_plans import QueryPlan
from models.single_query.score_plans import ScorePlan


@runtime_checkable
class Retriever(Protocol):
    """From the whole catalogue to hundreds of candidates."""

    Params: ClassVar[type[BaseModel]]

    @property
    def params(self) -> BaseModel:
        """Those that it was made with, of the class `Params`."""

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        """Forgets the past and learns; the same input gives the same bytes."""

    def retrieve(self, queries: Queries, k: int) -> Hits:
        """At most k, best first, ties by ascending position; never an excluded or unavailable item."""

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


Reason = Literal["history", "description", "people_alike", "friends", "popularity"]
"""What a retriever's candidates stand on; `models/explain.py` has a sentence for each."""


@runtime_checkable
class HasReason(Protocol):
    """A retriever that can say why it offers an item."""

    reason: ClassVar[Reason]


@runtime_checkable
class HasPeriod(HasReason, Protocol):
    """A retriever whose candidates are those of a time."""

    @property
    def period_days(self) -> float | None:
        """Days before the query that count most; None: all of the past."""


@runtime_checkable
class Explains(HasReason, Protocol):
    """A retriever whose scores come from items of the history, which a reason may therefore name."""

    def scores_of(self, queries: Queries, items: Int32) -> Float32:
        """(n_queries, n_items asked) the scores by which `retrieve` ranks these items, excluded or not; -inf for one
        that it would not offer. An item speaks for another when the score falls without it (models/explain.py)."""


@runtime_checkable
class WarmStarts(Retriever, Protocol):
    """A retriever whose second fit may go on from its first instead of learning everything again."""

    def refit(self, log: Log, catalogue: Catalogue, start: Self) -> Self:
        """As `fit`, from what `start` learned of an earlier part of the same log and of the same catalogue; the same
        log, catalogue and start give the same bytes. Whether the start is used at all is up to the params."""


@runtime_checkable
class AddsItems(Retriever, Protocol):
    """A retriever that can offer items that it was not fitted on, by their texts; others step aside for them."""

    def add_items(
        self, vectors: Float32, further: Mapping[str, Float32] | None = None, word_parts: Float32 | None = None
    ) -> Self:
        """A part that knows these items too, at the positions after its own; the part itself stays as it is.

        vectors: (n_new, size) unit rows of their texts as the catalogue's, zero rows where there is none; further,
        word_parts: likewise those of other encoders and of the parts of the texts.
        """


@runtime_checkable
class CompilesQuery(Retriever, Protocol):
    """A retriever with a form for one query at a time, which the service runs; others are asked by `retrieve`.

    What it answers is what `retrieve` answers: scores agree to 1e-5, relative (tests/contract/test_online.py).
    """

    def query_plan(self) -> QueryPlan:
        """Made once for a loaded part; arrays are contiguous and never changed."""


class Rows(Protocol):
    """(n_rows, n_features) float32: an array, or rows on disk (ranking/rows.py); what is indexed is in memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Bool | Int64 | slice, /) -> Float32: ...


class Scores(Protocol):
    """Scores each candidate with features. Higher is better, comparable within one query only."""

    def score(self, features: Float32) -> Float32: ...


@runtime_checkable
class CompilesScores(Scores, Protocol):
    """A ranker with a form for the rows of one query; given the same rows its scores are the same, to the bit."""

    def score_plan(self) -> ScorePlan:
        """Made once for a loaded ranker."""


@runtime_checkable
class Ranker(Scores, Protocol):
    """A ranker that learns from examples."""

    Params: ClassVar[type[BaseModel]]

    def fit(self, features: Rows, labels: Float32, groups: Int32, names: tuple[str, ...]) -> Self:
        """features (n_rows, n_features), labels (n_rows,), groups: rows of each query in order (sum n_rows).

        There may be more rows than fit into memory: index those that are learned from, once.
        """

    def save(self, folder: Path) -> None: ...

    @classmethod
    def load(cls, folder: Path) -> Self: ...


@runtime_checkable
class Reranker(Protocol):
    """Orders the slate: of one query's scored candidates, which k and in which order."""

    Params: ClassVar[type[BaseModel]]

    def order(self, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
        """Indices into `items` (best first by score on entry), at most k of them, in the order shown."""


class FeatureLookup(Protocol):
    """Features as of each query's instant: offline through Feast's historical join, online through its online store."""

    names: tuple[str, ...]

    def features(self, user_ids: npt.NDArray[np.str_], at: Int64, query: Int32, item: Int32) -> Float32:
        """(n_rows, n_features) float32, NaN where unknown; row r is item `item[r]` for user `user_ids[query[r]]`."""


@runtime_checkable
class Rater(Protocol):
    """Predicts the value that a user gives an item at an instant."""

    Params: ClassVar[type[BaseModel]]

    @property
    def params(self) -> BaseModel:
        """Those that it was made with, of the class `Params`."""

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        """Forgets the past and learns; the same input gives the same predictions."""

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        """(n,) finite values; users: positions in `user_ids` of the ratings, with or without a row in them; items:
        vocabulary positions, rated or not; times [µs]. A pair's answer does not depend on the others asked for."""


@runtime_checkable
class KnowsUncertainty(Rater, Protocol):
    """A rater with a predictive distribution."""

    def uncertainty(self, users: Int32, items: Int32, times: Int64) -> Float32:
        """(n,) standard deviations of `predict`."""
