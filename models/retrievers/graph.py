"""Graph: random walks item → user → item, with a penalty for popular items (RP3beta)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32, Float64, Int64
from models.data.types import Catalogue, Log
from models.retrieval.history_profile import Recency, interactions_matrix
from models.retrieval.item_similarity import ItemToItem, strongest


class GraphParams(Recency):
    """Parameters of the random walks."""

    alpha: float = Field(default=0.8, ge=0)
    """Exponent of the transition probabilities: above 1 favors the most probable steps, below 1 evens them out."""
    beta: float = Field(default=0.5, ge=0)
    """Scores are divided by this power of popularity: 0 favors popular items, greater favors rare ones."""
    neighbors: int = Field(default=600, ge=1)
    """Neighbors kept per item; memory grows linearly, fewer drop distant items."""
    half_life_days: float | None = Field(default=90.0, gt=0)
    """Half-life of an entry's weight, by its age relative to the newest entry; null: no decay by age."""


class Graph(ItemToItem[GraphParams]):
    """weight(i → j) = Σ over users u of p(u | i)^α · p(j | u)^α / popularity(j)^β (Paudel et al. 2017,
    doi:10.1145/2955101); the last step of the walk is the query's own profile, so new users need no training."""

    name = "graph"
    Params: ClassVar[type[BaseModel]] = GraphParams

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        popularity = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()
        to_items = _steps(matrix, self.params.alpha)
        to_users = _steps(matrix.T.tocsr(), self.params.alpha)
        damping = np.divide(1.0, popularity**self.params.beta, out=np.zeros_like(popularity), where=popularity > 0)

        def rows(start: int, stop: int) -> Float32:
            walks = (to_users[start:stop] @ to_items).toarray() * damping
            walks[np.arange(stop - start), np.arange(start, stop)] = 0.0
            weights: Float32 = walks.astype(np.float32)
            return weights

        self.weights_ = strongest(rows, catalogue.n_items, catalogue.n_items, self.params.neighbors)
        return self

    def statistics(self, log: Log, catalogue: Catalogue) -> tuple[sparse.csr_matrix | None, dict[str, Float64]]:
        """See models/additive/learns_additively.py: of each walk what is its user's own, and the popularity."""
        matrix = interactions_matrix(log, catalogue.n_items).astype(np.float64)
        forth, back = _steps(matrix, self.params.alpha), matrix.copy()
        back.data **= self.params.alpha
        walks = back.T.tocsr() @ forth
        return walks - sparse.diags(walks.diagonal(), format="csr"), {
            "popularity": np.asarray(matrix.sum(axis=0)).ravel()
        }

    def change(
        self, before: Log, after: Log, catalogue: Catalogue
    ) -> tuple[sparse.csr_matrix | None, dict[str, Float64]]:
        """A'ᵀC'A' - AᵀCA = Aᵀ(C' - C)A + DᵀC'A' + AᵀC'D with D = A' - A.

        A: the weights to the power of α; C: of each user the sum of the weights to the power of -α.
        """
        (old, old_share, popular_before), (new, share, popular) = (
            _weights_and_shares(interactions_matrix(log, catalogue.n_items), self.params.alpha)
            for log in (before, after)
        )
        more, transposed = new - old, old.T.tocsr()
        walks = transposed @ (sparse.diags(share - old_share) @ old) + transposed @ (sparse.diags(share) @ more)
        walks = walks + more.T.tocsr() @ (sparse.diags(share) @ new)
        return walks - sparse.diags(walks.diagonal(), format="csr"), {"popularity": popular - popular_before}

    def learned(
        self,
        sums: Mapping[str, Float64],
        weighted: Callable[..., sparse.csr_matrix],
        catalogue: Catalogue,
        later: int,
    ) -> Self:
        popularity, part = sums["popularity"], type(self)(self.params)
        part.weights_ = weighted(
            popularity**self.params.alpha, popularity**self.params.beta, keep=self.params.neighbors
        )
        return part

    def lasting_days(self) -> float:
        return float("inf")

    def n_pairs(self, n_events: Int64) -> Int64:
        return n_events**2


def _steps(matrix: sparse.csr_matrix, alpha: float) -> sparse.csr_matrix:
    """Each row divided by its sum and raised to α, float64."""
    steps = matrix.astype(np.float64)
    sums = np.asarray(steps.sum(axis=1)).ravel()
    steps.data = (steps.data / np.repeat(sums, np.diff(steps.indptr))) ** alpha
    return steps


def _weights_and_shares(matrix: sparse.csr_matrix, alpha: float) -> tuple[sparse.csr_matrix, Float64, Float64]:
    """The weights to the power of α, (n_users,) each user's sum to the power of -α, (n_items,) each item's sum."""
    weights = matrix.astype(np.float64)
    sums = np.asarray(weights.sum(axis=1)).ravel()
    popularity: Float64 = np.asarray(weights.sum(axis=0)).ravel()
    weights.data **= alpha
    shares: Float64 = np.power(sums, -alpha, out=np.zeros_like(sums), where=sums > 0)
    return weights, shares, popularity
