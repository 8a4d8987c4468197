"""Learning between releases: what it gains on the events of the test part, each asked before it is learned.

    python -m benchmarks.learning_gain [--project DIR] [--events N] [--blocks N] [--whole N]

DIR is a project whose stage `clean` has ended. The additive retrievers of params.yaml are fitted on
data/log/full.parquet and asked alone, as released and with what was learned by the beginning of each of the blocks into
which the test part is cut: HR@10, NDCG@10 and the 95 % interval of the difference (over users). Then the same of the
whole recommender of data/bundle on N events, where its stage has ended (0: not at all).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.learning import CATALOGUE, FULL, fitted
from features.arrays import Float64
from features.params import positives
from features.schema import INTERACTIONS, LOG
from flows.project.dataset import Project
from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.tables import make_log, read_catalogue
from models.data.types import Catalogue, Log
from models.evaluation.intervals import bounds, resampled_means, sums_by_user
from models.evaluation.rolling import rolling_values
from models.interfaces import Retriever
from models.learning.base import make_base
from models.learning.learned_recommender import learned, learner_of
from models.learning.learner import Learner
from models.learning.params import Params
from models.recommender import Recommender
from models.updating.progressive import ask

BUNDLE, SPLIT = Path("data/bundle"), Path("data/split")
CUT, DEPTH, RESAMPLES = 10, 20, 1000


def main() -> None:
    """Prints what learning gains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--events", type=int, default=4_000)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--whole", type=int, default=1_500)
    options = parser.parse_args()
    os.chdir(options.project)
    catalogue = read_catalogue(CATALOGUE)
    log = make_log(LOG.read(FULL), catalogue.vocabulary, positives=positives())
    gains(log, catalogue, options.blocks, options.events)
    if options.whole and BUNDLE.is_dir():
        whole(log, options.blocks, options.whole)


def _test() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows before the test part, and those of it in time order."""
    history = INTERACTIONS.read(SPLIT / "train.parquet").vstack(INTERACTIONS.read(SPLIT / "valid.parquet"))
    return history, INTERACTIONS.read(SPLIT / "test.parquet").sort("timestamp", maintain_order=True)


def gains(log: Log, catalogue: Catalogue, n_blocks: int, n_events: int) -> None:
    """Prints what each retriever alone gains by learning the test part as it comes."""
    (history, part), rule = _test(), positives()
    events = rolling_events(history, part, n_events=n_events, positives=rule)
    more = make_log(part.with_columns(trust=1.0), catalogue.vocabulary, positives=rule)
    parts = fitted(log, catalogue)
    learner = Learner(parts, catalogue, make_base(parts, catalogue, log, Params()), rule, 0)
    edges = np.linspace(0, len(more.items), n_blocks + 1).astype(int)
    values: dict[str, list[Float64]] = {name: [] for name in parts}
    users: list[Any] = []
    instants = events.get_column("timestamp").dt.epoch("us").to_numpy()
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        until = more.times[last] if last < len(more.items) else np.iinfo(np.int64).max
        asked = events.filter((instants >= more.times[first]) & (instants < until))
        state = learner.learned()
        if asked.height:
            queries, targets = rolling_queries(asked, history, part, catalogue.vocabulary, positives=rule)
            users.append(queries.user_ids)
            for name, released in parts.items():
                both = [
                    rolling_values(side.retrieve(queries, DEPTH).items, targets, [CUT])
                    for side in (released, state.parts[name])
                ]
                columns = [side[metric] for metric in (f"hr@{CUT}", f"ndcg@{CUT}") for side in both]
                values[name].append(np.stack(columns, axis=1))
        some = slice(first, last)
        learner.add_rows(more.user_ids[more.users[some]].tolist(), more.items[some], more.times[some])
    owners = np.concatenate(users)
    for name, blocks in values.items():
        table = np.concatenate(blocks)
        low, high = _interval(table[:, 3] - table[:, 2], owners)
        before, after = table[:, [0, 2]].mean(axis=0), table[:, [1, 3]].mean(axis=0)
        print(
            f"{name:10} released → learned: hr@{CUT} {before[0]:.4f} → {after[0]:.4f}, ndcg@{CUT} {before[1]:.4f} → "
            f"{after[1]:.4f}, difference in [{low:+.4f}, {high:+.4f}], {len(table)} events",
            flush=True,
        )


def whole(log: Log, n_blocks: int, n_events: int) -> None:
    """Prints what the recommender of the bundle gains by it; its ranker stays the one that was trained."""
    (history, part), rule = _test(), positives()
    catalogue = read_catalogue(BUNDLE / "catalogue", BUNDLE / "vectors")
    recommender = Recommender.load(BUNDLE, Project(Path()).offline_lookup(catalogue))
    events = rolling_events(history, part, n_events=n_events, positives=rule)
    queries, targets = rolling_queries(events, history, part, catalogue.vocabulary, positives=rule)
    more = make_log(part.with_columns(trust=1.0), catalogue.vocabulary, positives=rule)
    learner, done = learner_of(recommender, log), 0

    def learned_until(until: int) -> Mapping[str, Retriever]:
        nonlocal done
        last = int(np.searchsorted(more.times, until, side="right"))
        some, done = slice(done, last), last
        learner.add_rows(more.user_ids[more.users[some]].tolist(), more.items[some], more.times[some])
        return learned(recommender, learner).retrievers

    times = events.get_column("timestamp").dt.epoch("us").to_numpy().astype(np.int64)
    asked = ask(recommender, learned_until, queries, targets, times, n_blocks)
    low, high = _interval(asked.updated - asked.live, queries.user_ids)
    before, after = asked.live.mean(), asked.updated.mean()
    print(
        f"recommender released → learned: ndcg@{CUT} {before:.4f} → {after:.4f}, difference in "
        f"[{low:+.4f}, {high:+.4f}], {len(times)} events"
    )


def _interval(differences: Float64, owners: npt.NDArray[np.str_]) -> tuple[float, float]:
    """95 % of the mean of the differences of events, whole users resampled."""
    sums = resampled_means(sums_by_user(differences[:, None], owners), RESAMPLES, 1)
    return bounds(sums[:, 0] / sums[:, 1], 0.95)


if __name__ == "__main__":
    main()
