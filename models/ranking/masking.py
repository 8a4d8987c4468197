"""Masking: examples as if some retrievers had not been asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from models.data.types import Candidates
from models.ranking.examples import Examples


def masked(examples: Examples, retrievers: Collection[str]) -> Examples:
    """Without the columns of some retrievers, and without the candidates that no other one offered."""
    names = examples.candidates.retrievers
    columns = [column for column, name in enumerate(names) if name not in retrievers]
    if len(columns) == len(names):
        return examples
    ranks = examples.candidates.ranks[:, columns]
    rows = np.flatnonzero((ranks > 0).any(axis=1))
    candidates = Candidates(
        retrievers=tuple(names[column] for column in columns),
        query=examples.candidates.query[rows],
        item=examples.candidates.item[rows],
        scores=examples.candidates.scores[rows][:, columns],
        ranks=ranks[rows],
    )
    events = {kind: marks[rows] for kind, marks in examples.events.items()}
    return replace(examples, candidates=candidates, labels=examples.labels[rows], events=events)
