"""LightGBM's text of a model, read into arrays, one `ParsedTree` a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.arrays import Float64, Int32


class UnsupportedTreesError(ValueError):
    """A model with something that the compiled kernels do not know; LightGBM scores it."""


@dataclass(frozen=True, kw_only=True)
class ParsedTree:
    """One tree: arrays of its (n_leaves - 1,) nodes, the root first, and (n_leaves,) leaves.

    A row goes left where its feature is at most the threshold; a child below 0 is leaf `~child`.
    missing: what counts as missing at the node, one of NONE, ZERO and NAN; default_left: where that goes.
    """

    features: Int32
    thresholds: Float64
    missing: Int32
    default_left: Int32
    left: Int32
    right: Int32
    leaf_values: Float64

    @property
    def n_leaves(self) -> int:
        return len(self.leaf_values)


@dataclass(frozen=True, kw_only=True)
class ParsedModel:
    """The trees of one model, in the order in which they are added; n_features: columns that it expects."""

    trees: tuple[ParsedTree, ...]
    n_features: int


NONE, ZERO, NAN = 0, 1, 2
CATEGORICAL_BIT, DEFAULT_LEFT_BIT, MISSING_SHIFT = 1, 2, 2  # of `decision_type` (LightGBM, include/LightGBM/tree.h)


def parsed_model(text: str) -> ParsedModel:
    """From `Booster.model_to_string()`.

    Raises:
        UnsupportedTreesError: categorical splits, linear leaves, several trees an iteration, averaged output (random
            forests), or thresholds that are not numbers.
    """
    head, *trees = _sections(text)
    if head.get("num_tree_per_iteration") != "1" or "average_output" in head:
        raise UnsupportedTreesError("several trees an iteration, or an averaged output")
    return ParsedModel(
        trees=tuple(_parsed_tree(fields) for fields in trees), n_features=int(head["max_feature_idx"]) + 1
    )


def _sections(text: str) -> Iterator[dict[str, str]]:
    """The fields of the head, then those of each tree."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("Tree=") or line == "end of trees":
            yield fields
            fields = {}
        if line == "end of trees":
            return
        name, _, value = line.partition("=")
        fields[name] = value
    raise UnsupportedTreesError("the text of the model has no 'end of trees'")


def _parsed_tree(fields: dict[str, str]) -> ParsedTree:
    if fields.get("is_linear", "0") != "0":
        raise UnsupportedTreesError("linear leaves")
    single = int(fields["num_leaves"]) == 1
    decisions = np.zeros(0, np.int32) if single else _integers(fields, "decision_type")
    if fields["num_cat"] != "0" or (decisions & CATEGORICAL_BIT).any():
        raise UnsupportedTreesError("categorical splits")
    thresholds = np.zeros(0) if single else _numbers(fields, "threshold")
    if np.isnan(thresholds).any():
        raise UnsupportedTreesError("thresholds that are not numbers")
    features, left, right = (
        np.zeros(0, np.int32) if single else _integers(fields, name)
        for name in ("split_feature", "left_child", "right_child")
    )
    return ParsedTree(
        features=features,
        thresholds=thresholds,
        missing=decisions >> MISSING_SHIFT,
        default_left=(decisions & DEFAULT_LEFT_BIT) // DEFAULT_LEFT_BIT,
        left=left,
        right=right,
        leaf_values=_numbers(fields, "leaf_value"),
    )


def _integers(fields: dict[str, str], name: str) -> Int32:
    return np.array(fields[name].split(), dtype=np.int32)


def _numbers(fields: dict[str, str], name: str) -> Float64:
    return np.array([float(number) for number in fields[name].split()])
