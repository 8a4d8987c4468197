"""Milliseconds of the reasons of one answer, by batch code and by the kernels of one query, beside the answer's own.

    python -m benchmarks.reasons [--project DIR] [--users 200] [--seed 1]

Processor time of one thread, mean over users drawn from a project's data (data/bundle, data/split), each asked for ten
items an hour after the newest event. Features of users and items are left empty, which changes which items are shown
and not what a reason costs. Below: for each retriever that quotes the history, how many of the items of its own list
have the same reason by both; and how many of what is named lowers the score by the batch form (all must).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from features.states.aggregates import STATE
from features.states.item_states import ItemInfo, ItemStates
from models.compute.threads import one_thread
from models.data.types import Slate
from models.explain import contributions, reasons
from models.interfaces import Explains
from models.online.answer import OneAnswer, OneCandidates
from models.online.online_recommender import OnlineRecommender
from models.online.retrieval import Answer, Profiles, Scratch, prepared
from models.online.user_features import UserRows
from models.recommender import Recommender
from models.release.plan import read_plan
from models.single_query.one_query import OneQuery
from services.live.online import online_form

HOUR = 3_600_000_000
K = 10


class NoFeatures:
    """A lookup that knows nothing."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def features(self, user_ids: object, at: object, query: np.ndarray, item: np.ndarray) -> np.ndarray:
        return np.full((len(item), len(self.names)), np.nan, dtype=np.float32)


def loaded(bundle: Path) -> tuple[Recommender, OnlineRecommender]:
    """A bundle in both forms."""
    recommender = Recommender.load(bundle, NoFeatures(tuple(read_plan(bundle).features)))
    info = ItemInfo.from_catalogue(pl.read_parquet(bundle / "catalogue" / "catalogue.parquet"))
    states = ItemStates(info.item_ids, np.full((len(info.item_ids), len(STATE)), np.nan), recommender.positives, 0)
    return recommender, online_form(recommender, states, info)


def asked(project: Path, recommender: Recommender, n_users: int, seed: int) -> Iterator[OneQuery]:
    """Queries of users drawn from the rows before the test cutoff."""
    rows = pl.concat([pl.read_parquet(project / "data" / "split" / f"{part}.parquet") for part in ("train", "valid")])
    rows = rows.sort("timestamp", maintain_order=True)
    drawn = rows["user_id"].unique().sort().sample(n_users, seed=seed)
    vocabulary, n_items = recommender.catalogue.vocabulary, recommender.catalogue.n_items
    for (user_id,), history in rows.filter(pl.col("user_id").is_in(drawn.implode())).group_by(
        "user_id", maintain_order=True
    ):
        items = np.array(vocabulary.positions(history["item_id"].to_list()), dtype=np.int32)
        times = history["timestamp"].dt.timestamp("us").to_numpy()[items >= 0]
        items = items[items >= 0]
        if len(items):
            blocked = np.zeros(n_items, dtype=np.bool_)
            blocked[items] = True
            yield OneQuery.of_events(str(user_id), int(times[-1]) + HOUR, items, times, blocked)


def milliseconds(work: Callable[[], object]) -> float:
    """Processor time."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


def own_list(name: str, answer: Answer, query: OneQuery) -> OneAnswer:
    """What a retriever alone would show."""
    hits = answer(Profiles(query), K, Scratch())
    n = len(hits.items)
    return OneAnswer(
        retrievers=(name,),
        candidates=OneCandidates(
            items=hits.items, scores=hits.scores[:, None], ranks=np.arange(1, n + 1, dtype=np.int32)[:, None]
        ),
        features=np.zeros((n, 0), dtype=np.float32),
        scores=hits.scores,
        shown=np.arange(n),
        propensities=None,
        left_out=(),
        stage_ms={},
    )


def print_costs(recommender: Recommender, online: OnlineRecommender, queries: list[OneQuery], rows: UserRows) -> None:
    """A line a kind of work, milliseconds an answer."""
    answers = [online.recommend(query, K, rows) for query in queries]
    for query, answer in zip(queries, answers, strict=True):
        online.explain(query, answer)
    taken = np.array(
        [
            (
                milliseconds(lambda: online.recommend(query, K, rows)),  # noqa: B023
                milliseconds(lambda: online.explain(query, answer)),  # noqa: B023
                milliseconds(lambda: recommender.explain(query.batch(), answer.slate(K))),  # noqa: B023
            )
            for query, answer in zip(queries, answers, strict=True)
        ]
    )
    print(f"{'milliseconds an answer':34}{'mean':>8}{'median':>8}{'p90':>8}{'most':>8}")
    for name, column in zip(("the answer", "its reasons", "its reasons by batch code"), taken.T, strict=True):
        print(
            f"{name:34}{column.mean():8.2f}{np.median(column):8.2f}{np.quantile(column, 0.9):8.2f}{column.max():8.2f}"
        )
    print(f"reasons cost {taken[:, 1].sum() / taken[:, 0].sum():.2f} times the answer\n")


def print_agreement(
    recommender: Recommender, online: OnlineRecommender, queries: list[OneQuery], rows: UserRows
) -> None:
    """A line a retriever that quotes the history."""
    print(f"{'':14}{'shown':>7}{'same reason':>13}{'named':>7}{'lower the score':>17}{'ms':>8}{'by batch code':>15}")
    for name, part in recommender.retrievers.items():
        if not isinstance(part, Explains):
            continue
        prepared_part = prepared(part)
        n_shown = n_same = n_named = n_true = 0
        ours = theirs = 0.0
        for query in queries:
            answer = own_list(name, prepared_part, query)
            online.recommend(query, K, rows)  # as before every explanation
            own: list[list] = []
            batch: list[list[str]] = []
            ours += milliseconds(lambda: own.append(online.explain(query, answer)))  # noqa: B023
            slate: Slate = answer.slate(max(len(answer.shown), 1))
            theirs += milliseconds(
                lambda: batch.extend(reasons({name: part}, recommender.catalogue, query.batch(), slate))  # noqa: B023
            )
            n_shown += len(answer.shown)
            n_same += sum(reason.sentence == other for reason, other in zip(own[0], batch[0], strict=False))
            naming = [
                (item, list(reason.named)) for item, reason in zip(answer.items, own[0], strict=True) if reason.named
            ]
            n_named += len(naming)
            for item, named in naming:
                fall = contributions(part, query.batch(), [np.array(named, dtype=np.int32)], np.array([item]))
                n_true += bool(fall[0, 0] > 0)
        share = n_same / n_shown if n_shown else 1.0
        per = 1 / len(queries)
        print(f"{name:14}{n_shown:7}{share:13.1%}{n_named:7}{n_true:17}{ours * per:8.2f}{theirs * per:15.2f}")


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not (options.project / "data" / "bundle").is_dir():
        print(f"{options.project.resolve()} has no data/bundle; `recops run` makes it")
        return
    recommender, online = loaded(options.project / "data" / "bundle")
    queries = list(asked(options.project, recommender, options.users, options.seed))
    n_events = [query.n_events for query in queries]
    print(f"{len(queries)} users, {np.median(n_events):.0f} events in the median, {max(n_events)} at most; k {K}\n")
    unknown = np.full(len(STATE), np.nan)
    rows = UserRows(stats=unknown, codes=np.zeros(0, dtype=np.int32), pairs=np.zeros((0, len(STATE))))
    with one_thread():
        print_costs(recommender, online, queries, rows)
        print_agreement(recommender, online, queries[: max(len(queries) // 5, 1)], rows)


if __name__ == "__main__":
    main()
