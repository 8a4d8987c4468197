"""New-item queries: users of valid who chose items that the map is not taught, and how well these are ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.arrays import Bool, Float32, Float64, Int64
from models.ablation.ablate_params import AblateParams
from models.data.ragged import Ragged
from models.data.types import History, Queries, Targets
from models.evaluation.metrics import target_positions
from models.retrieval.history_profile import Recency, history_profiles
from models.retrieval.text_to_collaborative.closed_form import MapSettings, standardized_rows
from models.retrieval.text_to_collaborative.item_map import ItemMap, NewItems
from models.retrieval.text_to_collaborative.landmarks import landmarks_of
from models.retrieval.text_to_collaborative.pseudo_new_items import choose_settings

K = 10


@dataclass(frozen=True, kw_only=True)
class Material:
    """What the map is fitted on, and who is asked.

    choices: (n_users, n_items) ones, of train; vectors: (n_items, size) unit or zero rows by encoder; word_parts: as of
    Catalogue; max_users, most_exact, landmarks: params of `cold_items`; queries, targets: users of valid with their
    history of train, and what they chose later.
    """

    choices: sparse.csr_matrix
    vectors: Mapping[str, Float32]
    word_parts: Float32 | None
    max_users: int
    most_exact: int
    landmarks: int
    seed: int
    queries: Queries
    targets: Targets


class NewItemQueries:
    """Some of the known items, a seeded sample, are taken out of all histories; with those that hardly anybody chose
    they are the new items. Asked is who chose one of them later and has a history among the others.

    taught, new: positions, ascending; users: (n_queries,) ids.
    """

    def __init__(self, material: Material, params: AblateParams, recency: Recency) -> None:
        self._material = material
        n_items = material.choices.shape[1]
        n_users = np.asarray(material.choices.getnnz(axis=0), dtype=np.int64)
        described = np.any([rows.any(axis=1) for rows in material.vectors.values()], axis=0)
        known = np.flatnonzero(described & (n_users > material.max_users))
        n_held = min(params.most_held_out, int(params.held_out * len(known)))
        held = np.random.default_rng(params.seed).permutation(known)[:n_held]
        rare = np.flatnonzero(described & (n_users <= material.max_users))
        self.new: Int64 = np.sort(np.concatenate([held, rare])).astype(np.int64)
        self.taught: Int64 = np.setdiff1d(np.flatnonzero(n_users > material.max_users), held).astype(np.int64)
        self._landmarks = landmarks_of(n_users[self.taught], material.most_exact, material.landmarks)
        self._known = np.setdiff1d(known, held)
        targets = _among(material.targets.items, self.new, n_items)
        history = _history_among(material.queries.history, self.taught, n_items)
        asked = np.flatnonzero((targets.lengths > 0) & (history.items.lengths > 0))
        self._targets = targets.rows(asked)
        self.queries = Queries(
            user_ids=material.queries.user_ids[asked],
            at=material.queries.at[asked],
            history=_history_of(history, asked),
            excluded=material.queries.excluded.rows(asked),
        )
        self.users: npt.NDArray[np.str_] = self.queries.user_ids
        self._profiles = history_profiles(self.queries, n_items, recency)[:, self.taught].tocsr()

    def settings_of(self, names: frozenset[str], others: MapSettings | None = None) -> MapSettings:
        """What the retriever's fit chooses with the vectors of some encoders, on the known items that are not held out
        here: a kernel that suits the held-out ones by luck must not be chosen for that.

        others: chosen with more encoders; the same without these is tried too. What is compared then differs by the
        encoders rather than by the luck of a search among other settings.
        """
        vectors, shares = self._vectors(names), {} if others is None else others.weights
        warm = self._known[np.any([rows[self._known].any(axis=1) for rows in vectors.values()], axis=0)]
        total = sum(shares.get(name, 0.0) for name in names)
        also = []
        if others is not None and total:
            weights = {name: shares.get(name, 0.0) / total for name in sorted(names)}
            also = [others.model_copy(update={"weights": weights})]
        return choose_settings(self._material.choices, vectors, warm, self._material.seed, also).settings

    def by_map(self, names: frozenset[str], settings: MapSettings) -> Float64:
        """(n_queries, n_new) as `ndcg`, by a map from the vectors of some encoders."""
        material, vectors = self._material, self._vectors(names)
        parts = material.word_parts
        new = NewItems(
            {name: rows[self.new] for name, rows in vectors.items()},
            None if parts is None or not len(parts) else parts[self.new],
            np.zeros(len(self.new), dtype=np.int64),
        )
        known = material.choices[:, self.taught].tocsr()
        taught = {name: np.ascontiguousarray(rows[self.taught]) for name, rows in vectors.items()}
        weights, prior = ItemMap.fit(known, taught, settings, new, self._landmarks).columns(new)
        return self.ndcg(standardized_rows(np.asarray(self._profiles @ weights, dtype=np.float32)) + prior)

    def ndcg(self, scores: Float32) -> Float64:
        """(n_queries, n_new) what each new item contributes to NDCG@10 in the order of scores (n_queries, n_new); -inf
        is not shown."""
        blocked = self._seen()
        scores = np.where(blocked, np.float32(-np.inf), scores)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        lists = np.where(np.take_along_axis(scores, order, axis=1) > -np.inf, self.new[order], -1)
        hits = target_positions(lists, self._targets) >= 0
        discount = 1.0 / np.log2(np.arange(2, K + 2))
        ideal = np.cumsum(discount)[np.minimum(self._targets.lengths, K) - 1]
        gains = np.zeros(scores.shape)
        np.put_along_axis(gains, order, np.where(hits, discount[: hits.shape[1]], 0.0) / ideal[:, None], axis=1)
        return gains

    def _vectors(self, names: frozenset[str]) -> dict[str, Float32]:
        return {name: self._material.vectors[name] for name in sorted(names)}

    def _seen(self) -> Bool:
        """(n_queries, n_new) items that are not offered to a query."""
        column = np.full(self._material.choices.shape[1], -1)
        column[self.new] = np.arange(len(self.new))
        excluded = self.queries.excluded
        columns, blocked = column[excluded.values], np.zeros((len(self.queries), len(self.new)), dtype=np.bool_)
        blocked[excluded.owners[columns >= 0], columns[columns >= 0]] = True
        return blocked


def _among(rows: Ragged[np.int32], items: Int64, n_items: int) -> Ragged[np.int32]:
    """The entries of ragged rows that are among some items."""
    chosen = np.zeros(n_items, dtype=np.bool_)
    chosen[items] = True
    kept = chosen[rows.values]
    return Ragged.grouped(rows.owners[kept], len(rows), rows.values[kept])


def _history_among(history: History, items: Int64, n_items: int) -> History:
    chosen = np.zeros(n_items, dtype=np.bool_)
    chosen[items] = True
    kept = np.flatnonzero(chosen[history.items.values])
    owners = history.items.owners[kept]
    return history.take(Ragged.grouped(owners, len(history.items), kept))


def _history_of(history: History, queries: Int64) -> History:
    """The histories of some queries."""
    events = Ragged(history.items.offsets, np.arange(history.n_events, dtype=np.int64))
    return history.take(events.rows(queries))
