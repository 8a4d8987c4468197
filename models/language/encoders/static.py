"""Static: a text's vector is the mean of the vectors of its tokens, which are distilled from the sentence encoder.

The token vectors E minimize Σ |mean of a text's rows of E - its sentence vector|² + ridge · n · |E|² over the texts of
the catalogue (a model2vec or StaticEmbedding whose training is ridge regression, solved by conjugate gradients). Such
vectors cost a look-up a token, and a posted text has its own at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.arrays import Float32, Int64
from features.files import write_text
from models.compute.threads import one_thread
from models.data.storage import read_arrays, write_arrays
from models.language.centering import unit_rows
from models.language.encoding.embed_params import StaticParams
from models.language.encoding.given import Given

logger = logging.getLogger(__name__)

TOLERANCE = 1e-3  # of the equations, relative to their right side
TOKENIZER, ARRAYS = "tokenizer.json", "static.safetensors"


def vectors_of(given: Given) -> dict[str, npt.NDArray[Any]]:
    """`static` → (n_items, size); the token vectors are sealed in a folder `static`. None if no item has a text."""
    if not given.sentence.size:
        return {}
    static = Static.fit(given.texts, given.sentence, given.tokenizer(), given.params.static)
    static.save(given.sealed / "static")
    return {"static": static.encode(given.texts)}


@dataclass(frozen=True)
class Static:
    """tokenizer: of the `tokenizers` library; ids: (n_tokens,) ascending, of the tokens that the catalogue holds;
    vectors: (n_tokens, size) of each."""

    tokenizer: Any
    ids: Int64
    vectors: Float32

    @classmethod
    def fit(
        cls, texts: Sequence[str | None], sentence: Float32, tokenizer: Any, params: StaticParams = StaticParams()
    ) -> Static:
        """sentence: (n_texts, size) unit rows of the same texts, zero rows where there is none."""
        started = time.monotonic()
        described = np.flatnonzero(sentence.any(axis=1)).tolist()
        tokens = _tokens_of(tokenizer, [texts[place] for place in described])
        ids = np.unique(np.concatenate([*tokens, np.zeros(0, dtype=np.int64)])).astype(np.int64)
        means = _means(tokens, ids)
        solution = _ridge(means.astype(np.float32), sentence[described], params.ridge, params.steps)
        kept = solution.astype(np.float16).astype(np.float32)  # as they are stored
        logger.info("static n_texts=%d n_tokens=%d s=%.1f", len(described), len(ids), time.monotonic() - started)
        return cls(tokenizer, ids, kept)

    def encode(self, texts: Sequence[str | None]) -> Float32:
        """(n_texts, size) unit rows; zero rows for texts without a known token. Each depends on its text alone."""
        means = _means(_tokens_of(self.tokenizer, texts), self.ids).astype(np.float32)
        return unit_rows(np.asarray(means @ self.vectors.astype(np.float32), dtype=np.float32))

    def save(self, folder: Path) -> None:
        write_arrays({"ids": self.ids, "vectors": self.vectors.astype(np.float16)}, folder / ARRAYS)
        write_text(self.tokenizer.to_str(), folder / TOKENIZER)

    @classmethod
    def load(cls, folder: Path) -> Static:
        from tokenizers import Tokenizer

        arrays = read_arrays(folder / ARRAYS)
        return cls(Tokenizer.from_file(str(folder / TOKENIZER)), arrays["ids"], arrays["vectors"].astype(np.float32))


def _tokens_of(tokenizer: Any, texts: Sequence[str | None]) -> list[Int64]:
    """Ids of the tokens of each text, without those that mark its ends."""
    encodings = tokenizer.encode_batch([text or "" for text in texts], add_special_tokens=False)
    return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]


def _means(tokens: Sequence[Int64], ids: Int64) -> sparse.csr_matrix:
    """(n_texts, n_ids) share of each known token in each text."""
    rows = np.repeat(np.arange(len(tokens)), [len(row) for row in tokens])
    flat = np.concatenate([*tokens, np.zeros(0, dtype=np.int64)])
    places = np.searchsorted(ids, flat)
    known = np.zeros(len(flat), dtype=np.bool_)
    if len(ids):
        places = np.minimum(places, len(ids) - 1)
        known = ids[places] == flat
    shape = (len(tokens), len(ids))
    counts = sparse.csr_matrix((np.ones(int(known.sum())), (rows[known], places[known])), shape=shape)
    totals = np.asarray(counts.sum(axis=1)).ravel()
    scale = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
    return sparse.csr_matrix(sparse.diags(scale) @ counts)


def _ridge(means: sparse.csr_matrix, targets: Float32, ridge: float, steps: int) -> Float32:
    """(n_tokens, size) the minimizer: of texts and tokens, the equations of what there is less of are solved."""
    transposed = means.T.tocsr()
    with one_thread():
        if means.shape[0] < means.shape[1]:  # E = Aᵀ (A Aᵀ + ridge)⁻¹ T
            return np.asarray(transposed @ _conjugate_gradients(means, transposed, targets, ridge, steps))
        return _conjugate_gradients(transposed, means, np.asarray(transposed @ targets), ridge, steps)


def _conjugate_gradients(
    left: sparse.csr_matrix, right: sparse.csr_matrix, targets: Float32, ridge: float, steps: int
) -> Float32:
    """The solution of (left · right + ridge) x = targets, each column by itself; left · right is symmetric."""
    solution, residual = np.zeros_like(targets), targets.copy()
    direction, squares = residual.copy(), np.einsum("ij,ij->j", residual, residual)
    start = squares
    for _ in range(steps):
        moved = np.asarray(left @ (right @ direction)) + np.float32(ridge) * direction
        curvature = np.einsum("ij,ij->j", direction, moved)
        step = np.divide(squares, curvature, out=np.zeros_like(squares), where=curvature > 0)
        solution += step * direction
        residual -= step * moved
        previous, squares = squares, np.einsum("ij,ij->j", residual, residual)
        if (squares <= TOLERANCE**2 * start).all():
            break
        direction *= np.divide(squares, previous, out=np.zeros_like(squares), where=previous > 0)
        direction += residual
    return solution
