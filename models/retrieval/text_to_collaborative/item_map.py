"""Item map: the learned map of one log and one catalogue, fitted, kept, and applied to items that come later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.arrays import Float32, Int64
from models.data.saved_params import read_params, write_params
from models.data.storage import read_arrays, write_arrays
from models.retrieval.text_to_collaborative.closed_form import (
    MapSettings,
    TasteSide,
    co_choices,
    demand_slopes,
    kernel,
    packed,
    solved,
    text_factor,
    unpacked,
)
from models.retrieval.text_to_collaborative.landmarks import LowRank
from models.retrieval.text_to_collaborative.level_guard import LEAST, LevelGuard

MOST_USERS = 1000  # that levels are means over
SETTINGS, ARRAYS = "map.json", "map.safetensors"
WORDS = "words"  # the encoder whose parts of texts guard the level


@dataclass(frozen=True)
class NewItems:
    """vectors: (n, size) by encoder; parts: (n, n_parts, size) of the words of parts of their texts, None: not there;
    n_users: (n,) people who chose them."""

    vectors: Mapping[str, Float32]
    parts: Float32 | None
    n_users: Int64


@dataclass(frozen=True, kw_only=True)
class ItemMap:
    """What the map has learned of the taught items.

    vectors: (n_taught, size) by encoder; text: factor of K + κI; taste: the other side; demand, level: (n_taught,)
    slopes of an item's kernel; scales: what the map's scores, the kernel's and demand are divided by, and what is first
    taken from demand.
    """

    settings: MapSettings
    vectors: Mapping[str, Float32]
    text: Float32 | LowRank
    taste: TasteSide
    demand: Float32
    level: Float32
    scales: Float32
    guard: LevelGuard | None

    @classmethod
    def fit(
        cls,
        matrix: sparse.csr_matrix,
        vectors: Mapping[str, Float32],
        settings: MapSettings,
        new: NewItems,
        landmarks: Int64 | None = None,
    ) -> ItemMap:
        """matrix: (n_users, n_taught) ones; new: the items that are to be ranked among each other; landmarks: positions
        of taught items that the others are approximated by, None: the map is exact."""
        n_users = np.asarray(matrix.getnnz(axis=0), dtype=np.int64)
        guarding: slice | Int64 = slice(None) if landmarks is None else landmarks
        text: Float32 | LowRank
        if landmarks is None:
            taste = TasteSide.of(co_choices(matrix), n_users, settings.smoothing)
            between = kernel(vectors, vectors, settings)
            text = text_factor(between, settings.kappa)
        else:
            taste = TasteSide.by_landmarks(matrix, n_users, settings.smoothing, landmarks)
            between = kernel(vectors, {name: rows[landmarks] for name, rows in vectors.items()}, settings)
            text = LowRank.of(between, landmarks, settings.kappa)
        columns = _columns(vectors, text, new, settings)
        mapped = taste.smoothed(solved(text, columns))
        histories = some_histories(matrix)
        demand = demand_slopes(text, n_users)
        expected = columns.T @ demand
        scales = np.array(
            [_spread(histories @ mapped), _spread(histories @ columns), _deviation(expected), expected.mean()],
            dtype=np.float32,
        )
        own = np.float32(settings.text) / scales[1]
        spreads = (histories @ (mapped / scales[0] + own * columns)).std(axis=1)
        inverse = np.divide(1.0, spreads, out=np.zeros_like(spreads), where=spreads > 1e-9)
        mean = (histories.T @ inverse / max(len(spreads), 1)).astype(np.float32)
        level = solved(text, taste.transposed(mean)) / scales[0] + own * mean
        level += np.float32(settings.demand) / scales[2] * demand
        guard = None
        if new.parts is not None and WORDS in vectors and len(new.parts) >= LEAST:
            levels = text.times(level) if isinstance(text, LowRank) else between @ level
            words = vectors[WORDS][guarding]
            guard = LevelGuard.fit(words, levels[guarding], new.parts, columns.T @ level)
        return cls(
            settings=settings,
            vectors=vectors,
            text=text,
            taste=taste,
            demand=demand,
            level=level,
            scales=scales,
            guard=guard,
        )

    def columns(self, new: NewItems) -> tuple[Float32, Float32]:
        """(n_taught, n) what each taught item of a history adds to each new item's score, and (n,) what is added for
        everybody."""
        columns = _columns(self.vectors, self.text, new, self.settings)
        weights = self.taste.smoothed(solved(self.text, columns)) / self.scales[0]
        if self.settings.text:
            weights += np.float32(self.settings.text) / self.scales[1] * columns
        prior = np.float32(self.settings.demand) * (columns.T @ self.demand - self.scales[3]) / self.scales[2]
        if self.guard is not None and new.parts is not None:
            prior = prior - self.guard.excess(self._guarding(), new.parts, columns.T @ self.level, new.n_users)
        return np.ascontiguousarray(weights, dtype=np.float32), prior.astype(np.float32)

    def _guarding(self) -> Float32:
        """Vectors of words of the items that the guard was fitted on."""
        words = self.vectors[WORDS]
        return words[self.text.landmarks] if isinstance(self.text, LowRank) else words

    def save(self, folder: Path) -> None:
        arrays: dict[str, npt.NDArray[Any]] = {f"taught.{name}": rows for name, rows in self.vectors.items()}
        arrays |= {"damping": self.taste.scales}
        for side, factor in (("text", self.text), ("taste", self.taste.factor)):
            if isinstance(factor, LowRank):
                arrays |= {f"{side}.features": factor.features, f"{side}.factor": packed(factor.factor)}
                arrays["landmarks"] = factor.landmarks
            else:
                arrays[side] = packed(factor)
        arrays |= {"demand": self.demand, "level": self.level, "scales": self.scales}
        if self.guard is not None:
            arrays |= {
                "guard": self.guard.slopes,
                "guard_line": np.array([self.guard.offset, self.guard.scale], dtype=np.float64),
            }
        write_arrays(arrays, folder / ARRAYS)
        write_params(self.settings, folder / SETTINGS)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether one was saved there."""
        return (folder / SETTINGS).is_file()

    @classmethod
    def load(cls, folder: Path) -> ItemMap:
        settings = read_params(folder / SETTINGS, "retrievers.cold_items", MapSettings)
        arrays = read_arrays(folder / ARRAYS)
        guard = None
        if "guard" in arrays:
            offset, scale = arrays["guard_line"].tolist()
            guard = LevelGuard(arrays["guard"], offset, scale)
        return cls(
            settings=settings,
            vectors={name.removeprefix("taught."): rows for name, rows in arrays.items() if name.startswith("taught.")},
            text=_factor(arrays, "text", settings.kappa),
            taste=TasteSide(_factor(arrays, "taste", settings.smoothing), arrays["damping"], settings.smoothing),
            demand=arrays["demand"],
            level=arrays["level"],
            scales=arrays["scales"],
            guard=guard,
        )


def _columns(vectors: Mapping[str, Float32], text: Float32 | LowRank, new: NewItems, settings: MapSettings) -> Float32:
    """(n_taught, n) the kernel between taught and new items, as the text side sees it."""
    columns = kernel(vectors, new.vectors, settings)
    return text.extended(columns) if isinstance(text, LowRank) else columns


def _factor(arrays: Mapping[str, npt.NDArray[Any]], side: str, noise: float) -> Float32 | LowRank:
    """A side's factor as it was saved."""
    if "landmarks" not in arrays:
        return unpacked(arrays[side])
    return LowRank(arrays[f"{side}.features"], unpacked(arrays[f"{side}.factor"]), arrays["landmarks"], noise)


def some_histories(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows of users with an entry, spread over all of them."""
    users = np.flatnonzero(np.diff(matrix.indptr))
    return matrix[users[np.linspace(0, len(users) - 1, min(MOST_USERS, len(users))).astype(np.int64)]]


def _spread(scores: Float32) -> float:
    """The mean over users of the standard deviation of their scores; 1 where there is none."""
    return float(scores.std(axis=1).mean()) or 1.0 if scores.size else 1.0


def _deviation(values: Float32) -> float:
    """The standard deviation; 1 where there is none."""
    return float(values.std()) or 1.0 if len(values) else 1.0
