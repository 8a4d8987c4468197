"""Rolling evaluation: each later event is a query whose history is all that preceded it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Int32
from models.data.types import Targets
from models.data.vocabulary import Vocabulary
from models.evaluation.metrics import accuracy, metric_names, target_positions
from models.evaluation.results import ROLLING

DEPTH = 20  # ranks of a query in the table ROLLING


def rolling_table(events: pl.DataFrame, lists: Int32, vocabulary: Vocabulary, depth: int = DEPTH) -> pl.DataFrame:
    """ROLLING: the first `depth` of each event's list (n_events, k) of positions, -1 pads."""
    query, rank = np.nonzero(lists[:, :depth] >= 0)
    names = pl.Series(vocabulary.item_ids, dtype=pl.String)
    frame = events.select("query_id", "user_id", "timestamp", pl.col("item_id").alias("target_item_id"))[query]
    ranks = pl.Series("rank", rank + 1, dtype=pl.Int64)
    return ROLLING.check(
        frame.with_columns(names.gather(lists[query, rank]).alias("item_id"), ranks), source="rolling judging"
    )


def rolling_values(lists: Int32, targets: Targets, cuts: Sequence[int]) -> dict[str, npt.NDArray[np.float64]]:
    """ndcg@k and hr@k for each cut, and mrr (at the largest), of each event, (n_events,); an empty list counts as 0."""
    values = accuracy(target_positions(lists, targets.items) >= 0, targets.counts, cuts)
    wanted = [name for name in metric_names(cuts) if name.startswith(("ndcg@", "hr@", "mrr"))]
    return {name: values[name] for name in wanted}
