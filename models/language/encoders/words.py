"""Words: texts as their words and parts of words, weighted by rarity and reduced to a few hundred directions."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from features.arrays import Float32, Float64
from features.table import write_parquet
from models.compute.threads import one_thread
from models.data.storage import read_arrays, write_arrays
from models.language.encoding.embed_params import WordsParams
from models.language.encoding.given import Given

TERMS, ARRAYS = "words.parquet", "words.safetensors"
SAMPLE = 6000  # texts that the directions are computed from; all of them up to this number
PARTS = 3  # of a text, of the same number of words
TITLE = 12  # words: where texts have fewer (median), they are titles
OVERSAMPLED, ITERATIONS, SEED = 32, 5, 1  # of the subspace iteration
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)  # Thai to Lao, Myanmar, Khmer, kana, Han: scripts that do not put spaces between words
_RUNS = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def vectors_of(given: Given) -> dict[str, npt.NDArray[Any]]:
    """`words` → (n_items, size), `word_parts` → (n_items, PARTS, size); the fit is sealed in a folder `words`."""
    words = Words.fit(given.texts, given.params.words)
    words.save(given.sealed / "words")
    return {"words": words.encode(given.texts), "word_parts": words.encode_parts(given.texts).astype(np.float16)}


def words_of(text: str) -> Iterator[str]:
    """The words of a text in order, lower-case; in scripts without spaces each character and each pair."""
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).casefold()):
        if not _IS_UNSPACED.match(run):
            yield run
            continue
        for place, character in enumerate(run):
            yield character
            if place + 1 < len(run):
                yield run[place : place + 2]


def parts_of(word: str) -> Counter[str]:
    """The sequences of three to five characters of a word between its borders; of two characters or less: itself."""
    bounded = f" {word} "
    return Counter(
        bounded[start : start + length] for length in (3, 4, 5) for start in range(max(len(bounded) - length + 1, 0))
    )


@dataclass(frozen=True, kw_only=True)
class Words:
    """A fitted encoder: the vector of a text does not depend on the texts that are encoded with it.

    words, parts: position of each word, of each part of a word; rarity: (n_words + n_parts,) weight of each;
    directions: (n_words + n_parts, size); longest: words that are read of a text; longest_of_parts: of a text that is
    read in parts; most_repeats: a word's greatest count.
    """

    words: dict[str, int]
    parts: dict[str, int]
    rarity: Float64
    directions: Float32
    longest: int
    longest_of_parts: int
    most_repeats: int

    @property
    def size(self) -> int:
        return int(self.directions.shape[1])

    @classmethod
    def fit(cls, texts: Sequence[str | None], params: WordsParams) -> Words:
        """From the catalogue's texts; the same texts in the same order give the same bytes."""
        tokens = [list(words_of(text or "")) for text in texts]
        lengths = np.array([len(row) for row in tokens if row], dtype=np.int64)
        repeats = np.array([max(Counter(row).values()) for row in tokens if row], dtype=np.int64)
        longest = int(np.quantile(lengths, params.length_quantile, method="higher")) if len(lengths) else 1
        median = int(np.median(lengths)) if len(lengths) else 1
        in_parts = median if median < TITLE else longest
        most = int(np.quantile(repeats, params.repeats_quantile, method="higher")) if len(lengths) else 1
        in_texts: Counter[str] = Counter()
        for row in tokens:
            in_texts.update(set(row[:longest]))
        words = _kept(in_texts, params)
        in_texts_parts: Counter[str] = Counter()
        parts_by_word = {word: list(parts_of(word)) for word in in_texts}
        for row in tokens:
            in_texts_parts.update({part for word in set(row[:longest]) for part in parts_by_word[word]})
        parts = _kept(in_texts_parts, params)
        n_texts = max(len(lengths), 1)
        counted = np.array(
            [*(in_texts[word] for word in words), *(in_texts_parts[part] for part in parts)], dtype=float
        )
        rarity = np.log((1.0 + n_texts) / (1.0 + counted)) + 1.0
        nothing = np.zeros((len(rarity), 0), dtype=np.float32)
        blank = cls(
            words=words,
            parts=parts,
            rarity=rarity,
            directions=nothing,
            longest=longest,
            longest_of_parts=in_parts,
            most_repeats=most,
        )
        return replace(blank, directions=_directions(blank._weighted(tokens), params.n_directions))

    def encode(self, texts: Sequence[str | None]) -> Float32:
        """(n_texts, size) unit rows; zero rows for texts without a word that is known."""
        return self._encoded([list(words_of(text or "")) for text in texts])

    def encode_parts(self, texts: Sequence[str | None]) -> Float32:
        """(n_texts, PARTS, size) likewise the parts of each text, the first, the middle and the last one.

        A text that is longer than titles of this catalogue are is read as long as one.
        """
        pieces: list[list[str]] = []
        for text in texts:
            words = list(words_of(text or ""))[: self.longest_of_parts]
            bounds = [place * len(words) // PARTS for place in range(PARTS + 1)]
            parts = [words[start:stop] for start, stop in zip(bounds, bounds[1:], strict=False)]
            pieces += [part or words for part in parts]
        return self._encoded(pieces).reshape(len(texts), PARTS, self.size)

    def _encoded(self, tokens: Sequence[Sequence[str]]) -> Float32:
        weighted = self._weighted(tokens)
        used = np.unique(weighted.indices)
        raw = np.asarray(weighted[:, used] @ self.directions[used].astype(np.float32))
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        units: Float32 = np.divide(raw, lengths, out=np.zeros_like(raw), where=lengths > 1e-6).astype(np.float32)
        return units

    def save(self, folder: Path) -> None:
        terms = [*self.words, *self.parts]
        frame = pl.DataFrame({"term": terms, "whole": [True] * len(self.words) + [False] * len(self.parts)})
        write_parquet(frame, folder / TERMS)
        clipped = np.array([self.longest, self.longest_of_parts, self.most_repeats], dtype=np.int64)
        arrays: dict[str, npt.NDArray[Any]] = {
            "rarity": self.rarity,
            "directions": self.directions.astype(np.float16),
            "clipped": clipped,
        }
        write_arrays(arrays, folder / ARRAYS)

    @classmethod
    def load(cls, folder: Path) -> Words:
        """The directions stay mapped, as half-precision numbers."""
        frame, arrays = pl.read_parquet(folder / TERMS), read_arrays(folder / ARRAYS)
        terms, n_words = frame["term"].to_list(), int(frame["whole"].sum())
        longest, in_parts, most = arrays["clipped"].tolist()
        return cls(
            words={word: place for place, word in enumerate(terms[:n_words])},
            parts={part: place for place, part in enumerate(terms[n_words:])},
            rarity=arrays["rarity"],
            directions=arrays["directions"],
            longest=longest,
            longest_of_parts=in_parts,
            most_repeats=most,
        )

    def _weighted(self, tokens: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """(n_texts, n_words + n_parts) float32: words and parts weigh the same in a text, and rows have unit length."""
        seen: dict[str, int] = {}
        rows, columns, counts = [], [], []
        for row, words in enumerate(tokens):
            for word, count in Counter(words[: self.longest]).items():
                rows.append(row)
                columns.append(seen.setdefault(word, len(seen)))
                counts.append(min(count, self.most_repeats))
        by_word = sparse.csr_matrix((np.array(counts, dtype=float), (rows, columns)), shape=(len(tokens), len(seen)))
        whole = by_word @ self._selection(seen, [{word: 1} for word in seen], self.words)
        parts = by_word @ self._selection(seen, [parts_of(word) for word in seen], self.parts)
        for block in (whole, parts):
            block.data = 1.0 + np.log(block.data)
        split = len(self.words)
        blocks = [_unit(whole @ sparse.diags(self.rarity[:split])), _unit(parts @ sparse.diags(self.rarity[split:]))]
        return _unit(sparse.hstack(blocks, format="csr")).astype(np.float32)

    @staticmethod
    def _selection(seen: dict[str, int], terms: Sequence[dict[str, int]], known: dict[str, int]) -> sparse.csr_matrix:
        """(n_seen, n_known) how often each known term is in each word."""
        pairs = [
            (row, known[term], n) for row, of_word in enumerate(terms) for term, n in of_word.items() if term in known
        ]
        table = np.array(pairs, dtype=np.int64).reshape(-1, 3)
        return sparse.csr_matrix((table[:, 2].astype(float), (table[:, 0], table[:, 1])), shape=(len(seen), len(known)))


def _kept(in_texts: Counter[str], params: WordsParams) -> dict[str, int]:
    """Terms of enough texts, the most frequent ones, in alphabetical order, and their positions."""
    frequent = [term for term, count in in_texts.items() if count >= params.least_texts]
    frequent = sorted(frequent, key=lambda term: (-in_texts[term], term))[: params.most_terms]
    return {term: place for place, term in enumerate(sorted(frequent))}


def _unit(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.csr_matrix(
        sparse.diags(np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)) @ matrix
    )


def _directions(weighted: sparse.csr_matrix, size: int) -> Float32:
    """(n_terms, size) the leading right singular vectors, by subspace iteration on the products of the texts."""
    described = np.flatnonzero(np.diff(weighted.indptr))
    chosen = described[np.linspace(0, len(described) - 1, min(SAMPLE, len(described))).astype(np.int64)]
    texts, size = weighted[chosen], min(size, len(chosen), weighted.shape[1])
    directions = np.zeros((weighted.shape[1], max(size, 1)), dtype=np.float32)
    if not size:
        return directions
    gram = np.asarray((texts @ texts.T).todense(), dtype=np.float32)
    start = np.random.default_rng(SEED).standard_normal((len(chosen), min(size + OVERSAMPLED, len(chosen))))
    with one_thread():
        basis = np.linalg.qr(start.astype(np.float32))[0]
        for _ in range(ITERATIONS):
            basis = np.linalg.qr(gram @ basis)[0]
        values, vectors = np.linalg.eigh((basis.T @ (gram @ basis)).astype(np.float64))
        values, vectors = values[::-1][:size], vectors[:, ::-1][:, :size]
        left = basis @ vectors.astype(np.float32)
        scaled = left * np.where(values > 1e-6, np.maximum(values, 1e-6) ** -0.5, 0.0).astype(np.float32)
        directions[:] = texts.T @ scaled
    return directions.astype(np.float16).astype(np.float32)  # as they are stored
