"""Examples: labeled candidates that a ranker learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Bool, Float32, Int32, Int64
from features.positives import DEFAULT_POSITIVES, Positives
from features.table import write_parquet
from models.data.types import Candidates, Queries, Targets
from models.data.vocabulary import Vocabulary
from models.ranking.features import QUERY_FEATURES, query_features

EVENT_PREFIX = "event_"  # of columns on disk
NAMES = ("user_id", "known_as")  # columns on disk that name a query's user


def labels_of(candidates: Candidates, targets: Targets, n_items: int) -> Float32:
    """(n_rows,) 1 where the candidate was chosen later."""
    owners = np.repeat(np.arange(len(targets.counts), dtype=np.int64), np.diff(targets.offsets))
    wanted = owners * n_items + targets.items
    keys = candidates.query.astype(np.int64) * n_items + candidates.item
    return np.isin(keys, wanted).astype(np.float32)


def events_of(
    candidates: Candidates,
    labels: Float32,
    user_ids: npt.NDArray[np.str_],
    part: pl.DataFrame,
    vocabulary: Vocabulary,
    positives: Positives = DEFAULT_POSITIVES,
) -> dict[str, Bool]:
    """Kind of positive event → (n_rows,) candidates that were chosen and met with that kind at any time of the part.

    part: rows of INTERACTIONS from which the labels were made; a null event is of no kind. A click and the purchase
    that follows it make one hit of both kinds.
    """
    rows = np.flatnonzero(labels)
    names = pl.Series(vocabulary.item_ids, dtype=pl.String).gather(candidates.item[rows])
    users = pl.Series(user_ids[candidates.query[rows]].tolist(), dtype=pl.String)
    hits = pl.DataFrame({"row": rows, "user_id": users, "item_id": names})
    told = part.filter(positives.where()).select("user_id", "item_id", "event").drop_nulls().unique()
    found = hits.join(told, on=["user_id", "item_id"])
    kinds = sorted(told.get_column("event").unique().to_list())
    marks = {kind: np.zeros(len(candidates), dtype=np.bool_) for kind in kinds}
    for kind, mark in marks.items():
        mark[found.filter(pl.col("event") == kind).get_column("row").to_numpy()] = True
    return marks


@dataclass(frozen=True)
class Examples:
    """Candidates of past queries with what came of them, before their features are looked up.

    user_ids, at, n_targets: (n_queries,); labels: (n_rows,) in {0, 1}; live: (n_queries,) whether the query stands
    right before its user's next choice (False: what was known at a cut, and all that was chosen in the time after).
    events: see `events_of`. known_as: (n_queries,) the name under which the feature tables hold what is known of the
    user, `user_ids` but for short histories (models/data/truncation.py); None: `user_ids` throughout.
    """

    user_ids: npt.NDArray[np.str_]
    at: Int64
    n_targets: Int64
    candidates: Candidates
    labels: Float32
    live: Bool
    asked: Float32
    events: Mapping[str, Bool] = field(default_factory=dict)
    known_as: npt.NDArray[np.str_] | None = None

    @property
    def names(self) -> npt.NDArray[np.str_]:
        """(n_queries,) `known_as`, whether given or not."""
        return self.user_ids if self.known_as is None else self.known_as

    @property
    def groups(self) -> Int32:
        """(n_queries,) rows of each query."""
        return np.bincount(self.candidates.query, minlength=len(self.user_ids)).astype(np.int32)

    def save(self, folder: Path) -> None:
        """Two parquet files."""
        found = self.candidates
        columns: dict[str, npt.NDArray[np.generic]] = {"query": found.query, "item": found.item, "label": self.labels}
        for place, name in enumerate(found.retrievers):
            columns[f"score_{name}"] = found.scores[:, place]
            columns[f"rank_{name}"] = found.ranks[:, place]
        columns |= {f"{EVENT_PREFIX}{kind}": mark for kind, mark in self.events.items()}
        write_parquet(pl.DataFrame(columns), folder / "candidates.parquet")
        asked = {"user_id": self.user_ids.tolist(), "known_as": self.names.tolist(), "at": self.at}
        asked |= {"n_targets": self.n_targets, "live": self.live}
        asked |= {name: self.asked[:, place] for place, name in enumerate(QUERY_FEATURES)}
        write_parquet(pl.DataFrame(asked, schema_overrides=dict.fromkeys(NAMES, pl.String)), folder / "queries.parquet")

    @classmethod
    def load(cls, folder: Path) -> Examples:
        """As it was saved."""
        rows, asked = pl.read_parquet(folder / "candidates.parquet"), pl.read_parquet(folder / "queries.parquet")
        names = tuple(name.removeprefix("rank_") for name in rows.columns if name.startswith("rank_"))
        height = rows.height
        scores = [rows.get_column(f"score_{name}").to_numpy() for name in names]
        ranks = [rows.get_column(f"rank_{name}").to_numpy() for name in names]
        candidates = Candidates(
            names,
            rows.get_column("query").to_numpy(),
            rows.get_column("item").to_numpy(),
            np.stack(scores, axis=1) if names else np.zeros((height, 0), dtype=np.float32),
            np.stack(ranks, axis=1) if names else np.zeros((height, 0), dtype=np.int32),
        )
        return cls(
            np.asarray(asked.get_column("user_id").to_list(), dtype=np.str_),
            asked.get_column("at").to_numpy(),
            asked.get_column("n_targets").to_numpy(),
            candidates,
            rows.get_column("label").to_numpy(),
            asked.get_column("live").to_numpy(),
            asked.select(QUERY_FEATURES).to_numpy(),
            {
                name.removeprefix(EVENT_PREFIX): rows.get_column(name).to_numpy()
                for name in rows.columns
                if name.startswith(EVENT_PREFIX)
            },
            np.asarray(asked.get_column("known_as").to_list(), dtype=np.str_),
        )


def make_examples(
    queries: Queries, candidates: Candidates, targets: Targets, n_items: int, *, live: bool = False
) -> Examples:
    """The examples of a batch of past queries, without their kinds of events."""
    labels = labels_of(candidates, targets, n_items)
    kinds = np.full(len(queries), live)
    return Examples(queries.user_ids, queries.at, targets.counts, candidates, labels, kinds, query_features(queries))


def joined(parts: Sequence[Examples]) -> Examples:
    """Several batches of examples, made by the same retrievers, as one."""
    starts = np.cumsum([0, *(len(part.user_ids) for part in parts)])[:-1]
    found = [part.candidates for part in parts]
    queries = [candidates.query + np.int32(start) for candidates, start in zip(found, starts, strict=True)]
    candidates = Candidates(
        found[0].retrievers,
        np.concatenate(queries),
        np.concatenate([part.item for part in found]),
        np.concatenate([part.scores for part in found]),
        np.concatenate([part.ranks for part in found]),
    )
    return Examples(
        np.concatenate([part.user_ids for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.n_targets for part in parts]),
        candidates,
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.live for part in parts]),
        np.concatenate([part.asked for part in parts]),
        {
            kind: np.concatenate([part.events.get(kind, np.zeros(len(part.labels), dtype=np.bool_)) for part in parts])
            for kind in sorted({kind for part in parts for kind in part.events})
        },
        np.concatenate([part.names for part in parts]),
    )
