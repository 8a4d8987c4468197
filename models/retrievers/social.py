"""Social: items chosen by a user's friends, weighted by similarity; also serves new users who have friends."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field
from scipy import sparse

from features.arrays import Float32, Ids, Int64
from features.files import write_text
from models.data.ragged import Ragged, offsets_of_lengths
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.history_profile import Recency, history_profiles, interactions_matrix, row_squares
from models.retrieval.item_similarity import propagate, read_sparse, strongest, write_sparse
from models.retrieval.topk import no_hits, retrieve_by

logger = logging.getLogger(__name__)


class SocialParams(Recency):
    """Parameters of the social retriever."""

    similarity_weight: float = Field(default=30.0, ge=0)
    """A friend has weight 1 + similarity_weight · cosine of the two histories; 0: all friends have equal weight."""
    max_friends: int = Field(default=500, ge=1)
    """Maximum friends per user, the first by id; bounds memory and query time."""
    max_items_per_user: int = Field(default=500, ge=1)
    """Items kept per friend (the most trusted, then the first positions)."""


class Social:
    """score = Σ over friends that chose the item of trust · (1 + similarity_weight · cosine of the histories)
    (after Ma et al. 2011, doi:10.1145/1935826.1935877: friends are weighted by similarity).

    friends_: (n_friends, n_items) the choices of each friend; friends_of_: each user's friends as rows of friends_,
    users ascending by id.
    """

    Params: ClassVar[type[BaseModel]] = SocialParams
    reason: ClassVar[Reason] = "friends"

    def __init__(self, params: SocialParams | None = None) -> None:
        self.params = params or SocialParams()
        self.friends_: sparse.csr_matrix | None = None
        self.friends_of_: Ragged[np.int32] = Ragged.empty_rows(0, np.int32)
        self._row_of_user: dict[str, int] = {}
        self._lengths: Float32 = np.zeros(0, dtype=np.float32)

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        matrix = interactions_matrix(log, catalogue.n_items)
        users, friends = _pairs(log, np.diff(matrix.indptr) > 0, self.params.max_friends)
        if not len(users):
            logger.warning("social n_pairs=0: nobody has a friend who chose anything, so this retriever offers nothing")
        rows, members = np.unique(friends, return_inverse=True)
        kept = matrix[rows]

        def dense(start: int, stop: int) -> Float32:
            block: Float32 = kept[start:stop].toarray()
            return block

        names, counts = np.unique(users, return_counts=True)
        self._learn(
            strongest(dense, len(rows), catalogue.n_items, self.params.max_items_per_user),
            names.tolist(),
            Ragged(offsets_of_lengths(counts), members.astype(np.int32)),
        )
        return self

    def retrieve(self, queries: Queries, k: int) -> Hits:
        n_items = self._learned().shape[1]
        return retrieve_by(self._scores, queries, n_items, k) if self._row_of_user else no_hits(len(queries), k)

    def save(self, folder: Path) -> None:
        write_sparse(self._learned(), folder / "friends.safetensors")
        friends_of = self.friends_of_
        write_arrays({"offsets": friends_of.offsets, "members": friends_of.values}, folder / "members.safetensors")
        write_text(json.dumps(list(self._row_of_user), ensure_ascii=False) + "\n", folder / "users.json")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        social = cls(read_params(folder / PARAMS, "retrievers.social", SocialParams))
        names = json.loads((folder / "users.json").read_text(encoding="utf-8"))
        arrays = read_arrays(folder / "members.safetensors")
        friends_of = Ragged(arrays["offsets"], arrays["members"])
        social._learn(read_sparse(folder / "friends.safetensors"), names, friends_of)
        return social

    def _learn(self, friends: sparse.csr_matrix, names: list[str], friends_of: Ragged[np.int32]) -> None:
        self.friends_, self.friends_of_ = friends, friends_of
        self._row_of_user = {name: row for row, name in enumerate(names)}
        self._lengths = _lengths(friends)

    def _learned(self) -> sparse.csr_matrix:
        if self.friends_ is None:
            raise NotFittedError("social: asked before it was fitted; call fit or load")
        return self.friends_

    def _scores(self, queries: Queries) -> Float32:
        """(n_queries, n_items), -inf where no friend chose the item."""
        friends = self._learned()
        profile = history_profiles(queries, friends.shape[1], self.params)
        places = np.array([self._row_of_user.get(name, -1) for name in queries.user_ids.tolist()], dtype=np.int64)
        friends_of = self.friends_of_.rows(places)
        members, asking = friends_of.values, friends_of.owners
        alike = np.asarray(friends[members].multiply(profile[asking]).sum(axis=1), dtype=np.float32).ravel()
        length = self._lengths[members] * _lengths(profile)[asking]
        alike = np.divide(alike, length, out=np.zeros_like(alike), where=length > 0)
        near = sparse.csr_matrix((len(queries), friends.shape[0]), dtype=np.float32)
        near.data = np.float32(1) + np.float32(self.params.similarity_weight) * alike
        near.indices = members
        near.indptr = friends_of.offsets
        return propagate(near, friends)


def _pairs(log: Log, active: npt.NDArray[np.bool_], most: int) -> tuple[Ids, Int64]:
    """User ids and the log's positions of their friends with at least one choice, limited per user; both ascending."""
    none = np.zeros(0, dtype=np.object_), np.zeros(0, dtype=np.int64)
    if log.friends is None or not len(log.user_ids):
        return none
    order = np.argsort(log.user_ids, kind="stable")
    rank_in_order = np.minimum(np.searchsorted(log.user_ids, log.friends[:, 1], sorter=order), len(order) - 1)
    position = order[rank_in_order]
    counted = (log.user_ids[position] == log.friends[:, 1]) & active[position]
    users, position = log.friends[counted, 0], position[counted]
    names, owner = np.unique(users, return_inverse=True)
    pairs = np.unique(owner.astype(np.int64) * len(log.user_ids) + position)
    owner, position = pairs // len(log.user_ids), pairs % len(log.user_ids)
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return names[owner[rank < most]], position[rank < most]


def _lengths(rows: sparse.csr_matrix) -> Float32:
    lengths: Float32 = np.sqrt(row_squares(rows)).astype(np.float32)
    return lengths
