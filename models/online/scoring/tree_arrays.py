"""Boosted trees as flat arrays: what the kernels of `tree_kernels` run, and what several processes can map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from features.arrays import Float32, Float64, Int32
from models.online.scoring.model_text import NONE, ZERO, ParsedTree, UnsupportedTreesError, parsed_model

Masks = npt.NDArray[np.unsignedinteger[Any]]
MASKS: tuple[type[np.unsignedinteger[Any]], ...] = (np.uint16, np.uint64)
"""Types of the bit masks; trees with more leaves than the widest has bits are walked from node to node."""


@dataclass(frozen=True, kw_only=True)
class TreeArrays:
    """The trees of all models of a ranker, one after the other; arrays are contiguous and never changed.

    A *column* is a feature with its missing values replaced: every node that treats them alike compares the same
    column. column_features, column_fills: (n_columns,) the feature, and by what it is filled (`fill_of`).
    model_starts: (n_models + 1,) first tree of each model; node_starts, leaf_starts: (n_trees + 1,) first node and leaf
    of each tree. node_columns, node_thresholds: (n_nodes,) a row goes left where its value of the column is at most
    the threshold, rounded down to float32, which changes no comparison with a float32; NaN goes right.
    node_masks: (n_nodes,) the leaves that a row can still reach after it went right, as bits from the leftmost leaf
    on; leaf_values: (n_leaves,) from left to right. Or, for trees with too many leaves: node_masks is empty,
    node_children: (n_nodes, 2) left and right, counted within the tree, ~leaf for a leaf, and leaf_values as LightGBM
    counts the leaves. n_features: () that a row must have.
    """

    column_features: Int32
    column_fills: Int32
    model_starts: Int32
    node_starts: Int32
    leaf_starts: Int32
    node_columns: Int32
    node_thresholds: Float32
    node_masks: Masks
    node_children: Int32
    leaf_values: Float64
    n_features: npt.NDArray[np.int64]

    @classmethod
    def of(cls, models: Sequence[str]) -> TreeArrays:
        """From LightGBM's text of each model.

        Raises:
            UnsupportedTreesError: the kernels do not know such trees, or the models differ in their features.
        """
        parsed = [parsed_model(text) for text in models]
        if len({model.n_features for model in parsed}) > 1:
            raise UnsupportedTreesError("models of different features")
        trees = [tree for model in parsed for tree in model.trees]
        columns: dict[tuple[int, int], int] = {}
        node_columns = [
            columns.setdefault((int(feature), fill_of(int(missing), int(left))), len(columns))
            for tree in trees
            for feature, missing, left in zip(tree.features, tree.missing, tree.default_left, strict=True)
        ]
        most = max((tree.n_leaves for tree in trees), default=1)
        mask_type = next((kind for kind in MASKS if most <= np.iinfo(kind).bits), None)
        orders = [leaf_order(tree) if mask_type else np.arange(tree.n_leaves) for tree in trees]
        masks = [_masks(tree, order) for tree, order in zip(trees, orders, strict=True)] if mask_type else []
        children = [] if mask_type else [np.stack([tree.left, tree.right], axis=1) for tree in trees]
        return cls(
            column_features=np.array([feature for feature, _ in columns], dtype=np.int32),
            column_fills=np.array([fill for _, fill in columns], dtype=np.int32),
            model_starts=_starts([len(model.trees) for model in parsed]),
            node_starts=_starts([len(tree.features) for tree in trees]),
            leaf_starts=_starts([tree.n_leaves for tree in trees]),
            node_columns=np.array(node_columns, dtype=np.int32),
            node_thresholds=rounded_down(_joined([tree.thresholds for tree in trees], np.zeros(0))),
            node_masks=_joined(masks, np.zeros(0, np.uint64)).astype(mask_type or np.uint16),
            node_children=_joined(children, np.zeros((0, 2), np.int32)),
            leaf_values=_joined(
                [tree.leaf_values[order] for tree, order in zip(trees, orders, strict=True)], np.zeros(0)
            ),
            n_features=np.array(parsed[0].n_features if parsed else 0, dtype=np.int64),
        )

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> TreeArrays:
        """From what `arrays` gave, written to a file and mapped since."""
        return cls(**{name: arrays[name] for name in arrays})

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Every array by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def fill_of(missing: int, default_left: int) -> int:
    """0: a missing value is 0; 1, 2: NaN goes left as -inf, or right as NaN; 3, 4: so do NaN and 0."""
    if missing == NONE:
        return 0
    return (1 if default_left else 2) + (2 if missing == ZERO else 0)


def rounded_down(thresholds: Float64) -> Float32:
    """The greatest float32 that is at most each threshold: x <= t is the same for every float32 x."""
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    below: Float32 = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest.astype(np.float64) > thresholds, below, nearest)


def leaf_order(tree: ParsedTree) -> npt.NDArray[np.int64]:
    """(n_leaves,) the leaves from left to right."""
    if tree.n_leaves == 1:
        return np.zeros(1, dtype=np.int64)
    order, stack = [], [0]
    while stack:
        node = stack.pop()
        if node < 0:
            order.append(~node)
        else:
            stack += [int(tree.right[node]), int(tree.left[node])]
    return np.array(order, dtype=np.int64)


def _masks(tree: ParsedTree, order: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """(n_nodes,) all bits but those of the leaves to the left of each node (QuickScorer, Lucchese et al. 2015)."""
    bits = [0] * tree.n_leaves
    for position, leaf in enumerate(order.tolist()):
        bits[leaf] = 1 << position
    below = [0] * len(tree.features)
    masks = [0] * len(tree.features)
    for node in range(len(tree.features) - 1, -1, -1):  # a child is made after its parent, so it comes later
        left, right = (
            below[child] if child >= 0 else bits[~child] for child in (int(tree.left[node]), int(tree.right[node]))
        )
        below[node] = left | right
        masks[node] = ~left & 0xFFFF_FFFF_FFFF_FFFF
    return np.array(masks, dtype=np.uint64)


def _starts(lengths: list[int]) -> Int32:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def _joined(parts: list[npt.NDArray[Any]], empty: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else empty
