"""Frozen evaluation: a sealed bundle, its retrievers, the champion and popular on the same test queries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.arrays import Float32, Int32
from features.positives import Positives
from flows.judging.contenders import Contenders, Source, Test, in_parts
from models.data.queries import part_queries
from models.data.types import Catalogue, Log, Queries
from models.data.user_sample import rows_of_some_users
from models.evaluation.evaluate import Evaluation, Params, evaluate
from models.evaluation.results import RECOMMENDATIONS
from models.evaluation.test_set import TestSet, make_test_set

if TYPE_CHECKING:
    from models.recommender import Recommender

logger = logging.getLogger(__name__)

MAIN = ("challenger", "champion", "popular")


@dataclass(frozen=True)
class Answers:
    """A bundle's answers: lists (n_queries, depth) of positions in its own catalogue, -1 pads, best first."""

    catalogue: Catalogue
    queries: Queries
    lists: Int32
    scores: Float32


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The evaluated lists and their metrics.

    queries: the queries of the challenger and the champion, each in its own vocabulary (no champion: popular replaces
    it); lists: (n_queries, depth) item codes of the test set by model; scores: of the challenger's lists; champion: the
    hash of its bundle, or "popular" (and after "; " the reason).
    """

    test_set: TestSet
    queries: Mapping[str, Queries]
    evaluation: Evaluation
    lists: Mapping[str, npt.NDArray[np.int64]]
    scores: Float32
    champion: str

    def recommendations(self) -> pl.DataFrame:
        """RECOMMENDATIONS: the challenger's lists in full."""
        frame = self.shown({"challenger": self.lists["challenger"]})
        scores = self.scores[self.lists["challenger"] >= 0].astype(np.float64)
        return RECOMMENDATIONS.check(
            frame.select(
                "query_id", pl.col("query_id").alias("user_id"), "item_id", "rank", pl.Series("score", scores)
            ),
            source="the evaluation",
        )

    def shown(self, lists: Mapping[str, npt.NDArray[np.int64]]) -> pl.DataFrame:
        """Rows model, query_id, item_id, rank of some lists."""
        frames = []
        for model, items in lists.items():
            query, rank = np.nonzero(items >= 0)
            frames.append(
                pl.DataFrame(
                    {
                        "model": pl.Series([model], dtype=pl.String).new_from_index(0, len(query)),
                        "query_id": pl.Series(self.test_set.user_ids.astype(object), dtype=pl.String).gather(query),
                        "item_id": pl.Series(self.test_set.item_ids.astype(object), dtype=pl.String).gather(
                            items[query, rank]
                        ),
                        "rank": (rank + 1).astype(np.int64),
                    }
                )
            )
        return pl.concat(frames)


def judge(test: Test, contenders: Contenders, params: Params, source: Source) -> Judgement:
    """Answers the test queries with every model and evaluates the lists.

    In a simulated world the oracle, which knows each person's true demand, is judged too.
    """
    rule = Positives.of(params.targets)
    part, n_possible = rows_of_some_users(test.part, params.max_users, params.seed, rule)
    test = replace(test, part=part)
    given = {
        model: answer
        for recommenders in contenders.by_catalogue()
        for model, answer in answers(recommenders, test, params.depth, rule).items()
    }
    ours = given["challenger"]
    theirs = given.get("champion", ours)
    catalogue = ours.catalogue
    kinds = pl.DataFrame(
        {"item_id": catalogue.vocabulary.item_ids, "category": catalogue.item_categories},
        schema_overrides={"item_id": pl.String, "category": pl.String},
    )
    test_set = make_test_set(
        test.history.filter(pl.col("event").ne_missing("impression")),
        test.part.filter(rule.where()),
        test.items.join(kinds, on="item_id", how="left", maintain_order="left"),
        asked=ours.queries.user_ids.tolist(),
        further_items=sorted({*catalogue.vocabulary.item_ids, *theirs.catalogue.vocabulary.item_ids}),
    )
    popular = codes_of(test_set, ours.catalogue, contenders.popular.retrieve(ours.queries, params.depth).items)
    lists = {
        "challenger": codes_of(test_set, ours.catalogue, ours.lists),
        "champion": popular if contenders.champion is None else codes_of(test_set, theirs.catalogue, theirs.lists),
        "popular": popular,
    }
    singles = {model: own.lists for model, own in given.items() if model not in MAIN}
    if source.name == "simulator" and source.simulator is not None:
        singles["oracle"] = _oracle(contenders.log, ours, source.simulator, params)
    lists |= {model: codes_of(test_set, ours.catalogue, items) for model, items in singles.items()}
    logger.info("queries=%d models=%d targets=%d", len(test_set), len(lists), len(test_set.targets.values))
    queries = {"challenger": ours.queries} | ({"champion": theirs.queries} if contenders.champion is not None else {})
    evaluation = evaluate(test_set, lists, params)
    if len(test_set) < n_possible:
        logger.warning("queries=%d of %d: evaluate.max_users", len(test_set), n_possible)
        evaluation = replace(evaluation, sampled_from=n_possible)
    return Judgement(
        test_set=test_set,
        queries=queries,
        evaluation=evaluation,
        lists=lists,
        scores=ours.scores,
        champion=contenders.champion_name,
    )


def answers(
    recommenders: Mapping[str, Recommender], test: Test, depth: int, positives: Positives
) -> dict[str, Answers]:
    """What recommenders of one catalogue, and the challenger's retrievers, recommend for each test query."""
    catalogue = next(iter(recommenders.values())).catalogue
    queries, _ = part_queries(
        test.history,
        test.part,
        catalogue.vocabulary,
        test.cut,
        availability=catalogue.availability,
        positives=positives,
    )
    lists = in_parts(recommenders, queries, depth)
    return {model: Answers(catalogue, queries, *own) for model, own in lists.items()}


def _oracle(log: Log, challenger: Answers, world: dict[str, Any], params: Params) -> Int32:
    """The oracle's lists, from the true demand of the simulated world: the upper bound."""
    from models.evaluation.oracle import Oracle, OracleParams

    oracle = Oracle(OracleParams.model_validate({"world": world})).fit(log, challenger.catalogue)
    return oracle.retrieve(challenger.queries, params.depth).items


def codes_of(test_set: TestSet, catalogue: Catalogue, lists: Int32) -> npt.NDArray[np.int64]:
    """Positions in a bundle's vocabulary as codes of the test set."""
    codes = np.append(test_set.codes(catalogue.vocabulary.item_ids), -1)
    codes_of_lists: npt.NDArray[np.int64] = codes[lists]
    return codes_of_lists
