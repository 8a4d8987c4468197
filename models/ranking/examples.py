"""Examples: labeled candidates that a ranker learns from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
ROWS, QUERIES = "candidates.parquet", "queries.parquet"  # of a batch
PART_PREFIX = "part-"  # of folders
SAMPLE = "sample.json"  # beside the parts: number of sampled users, and of all users
NAMES = ("user_id", "known_as")  # columns on disk that name a query's user


def labels_of(candidates: Candidates, targets: Targets, n_items: int) -> Float32:
    """Labels (n_rows,): 1 where the user chose the candidate later."""
    wanted = targets.items.owners * n_items + targets.items.values
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
    events = part.filter(positives.where()).select("user_id", "item_id", "event").drop_nulls().unique()
    hits_by_kind = hits.join(events, on=["user_id", "item_id"])
    kinds = sorted(events.get_column("event").unique().to_list())
    marks = {kind: np.zeros(len(candidates), dtype=np.bool_) for kind in kinds}
    for kind, mark in marks.items():
        mark[hits_by_kind.filter(pl.col("event") == kind).get_column("row").to_numpy()] = True
    return marks


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Candidates of past queries with their labels, before the feature lookup.

    user_ids, at, n_targets: (n_queries,); labels: (n_rows,) in {0, 1}; live: (n_queries,) True for a query
    right before its user's next choice (False: a query at a cutoff, with all later choices as targets).
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
        candidates = self.candidates
        columns: dict[str, npt.NDArray[np.generic]] = {
            "query": candidates.query,
            "item": candidates.item,
            "label": self.labels,
        }
        for column, name in enumerate(candidates.retrievers):
            columns[f"score_{name}"] = candidates.scores[:, column]
            columns[f"rank_{name}"] = candidates.ranks[:, column]
        columns |= {f"{EVENT_PREFIX}{kind}": mark for kind, mark in self.events.items()}
        write_parquet(pl.DataFrame(columns), folder / ROWS)
        queries = {"user_id": self.user_ids.tolist(), "known_as": self.names.tolist(), "at": self.at}
        queries |= {"n_targets": self.n_targets, "live": self.live}
        queries |= {name: self.asked[:, column] for column, name in enumerate(QUERY_FEATURES)}
        write_parquet(pl.DataFrame(queries, schema_overrides=dict.fromkeys(NAMES, pl.String)), folder / QUERIES)

    @classmethod
    def load(cls, folder: Path) -> Examples:
        """Reads what `save` wrote."""
        rows, queries = pl.read_parquet(folder / ROWS), pl.read_parquet(folder / QUERIES)
        names = tuple(name.removeprefix("rank_") for name in rows.columns if name.startswith("rank_"))
        height = rows.height
        scores = [rows.get_column(f"score_{name}").to_numpy() for name in names]
        ranks = [rows.get_column(f"rank_{name}").to_numpy() for name in names]
        candidates = Candidates(
            retrievers=names,
            query=rows.get_column("query").to_numpy(),
            item=rows.get_column("item").to_numpy(),
            scores=np.stack(scores, axis=1) if names else np.zeros((height, 0), dtype=np.float32),
            ranks=np.stack(ranks, axis=1) if names else np.zeros((height, 0), dtype=np.int32),
        )
        return cls(
            user_ids=np.asarray(queries.get_column("user_id").to_list(), dtype=np.str_),
            at=queries.get_column("at").to_numpy(),
            n_targets=queries.get_column("n_targets").to_numpy(),
            candidates=candidates,
            labels=rows.get_column("label").to_numpy(),
            live=queries.get_column("live").to_numpy(),
            asked=queries.select(QUERY_FEATURES).to_numpy(),
            events={
                name.removeprefix(EVENT_PREFIX): rows.get_column(name).to_numpy()
                for name in rows.columns
                if name.startswith(EVENT_PREFIX)
            },
            known_as=np.asarray(queries.get_column("known_as").to_list(), dtype=np.str_),
        )


def make_examples(
    queries: Queries, candidates: Candidates, targets: Targets, n_items: int, *, live: bool = False
) -> Examples:
    """Labels the candidates of a batch of past queries; kinds of events are not filled in."""
    labels = labels_of(candidates, targets, n_items)
    kinds = np.full(len(queries), live)
    return Examples(
        user_ids=queries.user_ids,
        at=queries.at,
        n_targets=targets.counts,
        candidates=candidates,
        labels=labels,
        live=kinds,
        asked=query_features(queries),
    )


def save_part(examples: Examples, folder: Path, number: int) -> None:
    """One batch of the examples of a folder."""
    examples.save(folder / f"{PART_PREFIX}{number:05d}")


def load_parts(folder: Path) -> Iterator[Examples]:
    """The batches of a folder in order, one at a time in memory."""
    for part in _folders(folder):
        yield Examples.load(part)


def user_ids_of(folder: Path) -> list[str]:
    """Ids of all users of the examples of a folder, ascending."""
    queries = [pl.read_parquet(part / QUERIES, columns=["user_id"]) for part in _folders(folder)]
    return pl.concat(queries).get_column("user_id").unique().sort().to_list() if queries else []


def retrievers_of(folder: Path) -> tuple[str, ...]:
    """Names of the retrievers that proposed the candidates of a folder."""
    columns = pl.read_parquet_schema(_folders(folder)[0] / ROWS)
    return tuple(name.removeprefix("rank_") for name in columns if name.startswith("rank_"))


def _folders(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{PART_PREFIX}*"))


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Labels and groups of examples without the candidates: what a ranker needs for training besides features.

    user_ids, n_targets, groups, live: (n_queries,), groups: rows of each; labels: (n_rows,); events: kind → (n_rows,).
    """

    user_ids: npt.NDArray[np.str_]
    n_targets: Int64
    groups: Int32
    live: Bool
    labels: Float32
    events: Mapping[str, Bool]

    @classmethod
    def of(cls, examples: Examples) -> Outcomes:
        """Those of one batch."""
        return cls(
            user_ids=examples.user_ids,
            n_targets=examples.n_targets,
            groups=examples.groups,
            live=examples.live,
            labels=examples.labels,
            events=examples.events,
        )


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """Those of several batches as one; in a batch without a kind of event no candidate is of that kind."""
    kinds = sorted({kind for part in parts for kind in part.events})
    return Outcomes(
        user_ids=np.concatenate([part.user_ids for part in parts]),
        n_targets=np.concatenate([part.n_targets for part in parts]),
        groups=np.concatenate([part.groups for part in parts]),
        live=np.concatenate([part.live for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        events={
            kind: np.concatenate([part.events.get(kind, np.zeros(len(part.labels), dtype=np.bool_)) for part in parts])
            for kind in kinds
        },
    )
