"""Sequence: predicts the next items from the order and timing of a history with a causal transformer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32, Int64
from features.errors import UserError
from models.compute.precision import Precision
from models.compute.threads import one_thread
from models.data.saved_params import PARAMS, read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.data.types import Catalogue, Hits, Log, NotFittedError, Queries
from models.interfaces import Reason
from models.retrieval.topk import no_hits, retrieve_by, unlearned_mask
from models.single_query.query_plans import Ordered, QueryPlan, Sequential
from models.transformer.inference import keys_of, states_after
from models.transformer.shape import Shape, gap_buckets

logger = logging.getLogger(__name__)


class SequenceParams(BaseModel):
    """Parameters of the sequence model."""

    model_config = ConfigDict(extra="forbid")

    epochs: int = Field(default=10, ge=0)
    """Passes over the log; time grows in proportion. 0: disabled, returns no items."""
    refit_epochs: int | None = Field(default=3, ge=0)
    """Passes of the refit, which starts from the first fit's weights; null: trains from scratch for `epochs`."""
    embedding_size: int = Field(default=64, ge=8)
    """Dimensions of every vector; time and memory grow in proportion."""
    layers: int = Field(default=2, ge=1)
    """Transformer layers; more fit finer patterns, and time grows in proportion."""
    heads: int = Field(default=2, ge=1)
    """Attention heads, each with its own distance bias; must divide embedding_size."""
    max_length: int = Field(default=200, ge=2)
    """Number of newest events of a history that are used; more cost training and inference time."""
    learning_rate: float = Field(default=0.003, gt=0)
    """Peak learning rate; greater converges faster until it diverges."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Weight decay of the layers' matrices; greater suppresses patterns of few histories."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout rate in training; greater converges more slowly and suits small logs."""
    hidden_text: float = Field(default=0.1, ge=0, lt=1)
    """Share of items that a training step represents by text only; greater helps new items and hurts warm ones."""
    batch_tokens: int = Field(default=2048, ge=16)
    """Maximum events per training step (fewer on small logs); fewer give more and noisier steps."""
    full_softmax_items: int = Field(default=20_000, ge=1)
    """Above this catalogue size, the softmax uses `negatives` sampled items: faster and less exact."""
    negatives: int = Field(default=4096, ge=1)
    """Sampled negatives per step in such catalogues; more are slower and more exact."""
    seed: int = 1
    """Random seed; another one gives a different model of similar quality."""
    threads: int = Field(default=2, ge=1)
    """Training threads. They affect the result: another number may change the last bits."""
    precision: Precision = "auto"
    """Precision of the largest matrix products in training; see models/compute/precision.py."""


class Sequence:
    """score = state after the history · the item's vector; see models/transformer/network.py."""

    Params: ClassVar[type[BaseModel]] = SequenceParams
    reason: ClassVar[Reason] = "history"

    def __init__(self, params: SequenceParams | None = None) -> None:
        self.params = params or SequenceParams()
        if self.params.embedding_size % self.params.heads:
            raise UserError(
                f"sequence: embedding_size {self.params.embedding_size} is no multiple of heads {self.params.heads}; "
                "change one of retrievers.sequence.embedding_size and .heads (params.yaml)"
            )
        self.arrays_: dict[str, Float32] | None = None
        self._silent: Float32 | None = None

    def fit(self, log: Log, catalogue: Catalogue) -> Self:
        """Trains from random weights."""
        return self._train(log, catalogue, self.params.epochs, None)

    def refit(self, log: Log, catalogue: Catalogue, start: Self) -> Self:
        """Trains on from the weights of `start` for `refit_epochs`; from random weights if either is missing.

        Raises:
            UserError: `start` has another shape or catalogue.
        """
        earlier, epochs = start._fitted(), self.params.refit_epochs
        if epochs is None or not earlier:
            return self.fit(log, catalogue)
        return self._train(log, catalogue, epochs, earlier)

    def retrieve(self, queries: Queries, k: int) -> Hits:
        arrays = self._fitted()
        if not arrays:
            return no_hits(len(queries), k)
        return retrieve_by(self._scores, queries, len(arrays["items"]), k)

    def scores_of(self, queries: Queries, items: Int32) -> Float32:
        """One forward pass for all queries of one length; the common prefix of all histories is computed once."""
        arrays, scores = self._fitted(), np.full((len(queries), len(items)), -np.inf, dtype=np.float32)
        if not arrays:
            return scores
        assert self._silent is not None
        events = [self._events(queries, query) for query in range(len(queries))]
        by_length: dict[int, list[int]] = {}
        for query, (history, _) in enumerate(events):
            by_length.setdefault(len(history), []).append(query)
        n_shared = _shared_start([events[query] for query in range(len(queries)) if len(events[query][0])])
        with one_thread():
            vectors, shape, prefix = arrays["items"], self._shape(), None
            if n_shared:
                history, gaps = events[by_length[max(by_length)][0]]
                prefix = keys_of(arrays, vectors[history[:n_shared]], gaps[:n_shared], shape)
            for length in by_length.keys() - {0}:
                rows = by_length[length]
                histories = vectors[np.stack([events[query][0][n_shared:] for query in rows])]
                gaps = np.stack([events[query][1][n_shared:] for query in rows])
                states = states_after(arrays, histories, gaps, shape, prefix)
                scores[rows] = states @ vectors[items].T + self._silent[items]
        return scores

    def query_plan(self) -> QueryPlan:
        arrays = self._fitted()
        if not arrays:
            return Ordered(order=np.zeros(0, dtype=np.int32), scores=np.zeros(0, dtype=np.float32))
        assert self._silent is not None
        return Sequential(arrays=arrays, offset=self._silent)

    def save(self, folder: Path) -> None:
        write_arrays(self._fitted(), folder / "network.safetensors")
        write_params(self.params, folder / PARAMS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        sequence = cls(read_params(folder / PARAMS, "retrievers.sequence", SequenceParams))
        sequence._learn(read_arrays(folder / "network.safetensors"))
        return sequence

    def _train(self, log: Log, catalogue: Catalogue, epochs: int, earlier: dict[str, Float32] | None) -> Self:
        text = catalogue.vectors if catalogue.vectors is not None and catalogue.vectors.any() else None
        if not self.params.epochs or not (log.weights > 0).any():
            self._learn({})
            return self
        from models.transformer.train_loop import Recipe, train

        chosen = self.params.model_dump(include=set(Recipe.__dataclass_fields__)) | {"epochs": epochs}
        if earlier is not None:
            self._check_start(earlier, catalogue.n_items, text)
        arrays = train(log, catalogue.n_items, text, self._shape(), Recipe(**chosen), earlier)
        self._learn({**arrays, "items": _vectors(arrays, text)})
        return self

    def _shape(self) -> Shape:
        return Shape(self.params.embedding_size, self.params.layers, self.params.heads, self.params.max_length)

    def _learn(self, arrays: dict[str, Float32]) -> None:
        self.arrays_ = arrays
        if arrays:
            self._silent = unlearned_mask(arrays["items"])

    def _fitted(self) -> dict[str, Float32]:
        if self.arrays_ is None:
            raise NotFittedError("sequence: asked before it was fitted; call fit or load")
        return self.arrays_

    def _check_start(self, earlier: dict[str, Float32], n_items: int, text: Float32 | None) -> None:
        shape, width = self._shape(), 0 if text is None else text.shape[1]
        wanted = {
            "ids": (n_items, shape.size),
            "projection": (width, shape.size),
            "distances": (shape.layers, shape.heads, shape.length),
        }
        for name, expected in wanted.items():
            if earlier[name].shape != expected:
                raise UserError(
                    f"sequence: cannot go on from an earlier training, its {name} are {earlier[name].shape}, expected "
                    f"{expected}; fit it again on this catalogue with these params"
                )

    def _scores(self, queries: Queries) -> Float32:
        """Scores each query separately, so that its result does not depend on the batch. No history: -inf."""
        arrays, silent = self._fitted(), self._silent
        assert silent is not None
        scores = np.full((len(queries), len(arrays["items"])), -np.inf, dtype=np.float32)
        with one_thread():
            for query in range(len(queries)):
                history, gaps = self._events(queries, query)
                if len(history):
                    state = states_after(arrays, arrays["items"][history][None], gaps[None], self._shape())[0]
                    np.add(arrays["items"] @ state, silent, out=scores[query])
        return scores

    def _events(self, queries: Queries, query: int) -> tuple[Int32, Int64]:
        """Items and gap buckets of the newest events of a query's history, as input of the network."""
        history = queries.history.part(query, query + 1)
        gaps = gap_buckets(np.diff(history.times, append=queries.at[query]))
        newest = slice(-self.params.max_length, None)
        return history.items.values[newest], gaps[newest]


def _shared_start(events: list[tuple[Int32, Int64]]) -> int:
    """Length of the common prefix (items and gaps) of all histories; at least one event remains in each."""
    if len(events) < 2:
        return 0
    shortest = min(len(items) for items, _ in events) - 1
    first_items, first_gaps = events[0][0][:shortest], events[0][1][:shortest]
    alike = np.ones(shortest, dtype=np.bool_)
    for items, gaps in events[1:]:
        alike &= (items[:shortest] == first_items) & (gaps[:shortest] == first_gaps)
    return shortest if alike.all() else int(np.argmin(alike))


def _vectors(arrays: dict[str, Float32], text: Float32 | None) -> Float32:
    """(n_items, size) output vectors: the learned vector plus the text projection; zero where both are missing."""
    if text is None:
        return arrays["ids"]
    with one_thread():
        vectors: Float32 = arrays["ids"] + text @ arrays["projection"]
    return vectors
