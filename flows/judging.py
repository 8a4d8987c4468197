"""Judging: a sealed bundle, its single retrievers, the champion and the built-in popular on the same test queries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.errors import UserError
from features.params import read_params
from features.positives import Positives
from features.schema import INTERACTIONS, ITEMS, LOG, RECOMMENDATIONS
from features.split import read_cuts
from flows.lookups import offline_lookup
from models.bundle import MANIFEST, unseal
from models.evaluation import Evaluation, Params, evaluate
from models.exam import Exam, make_exam
from models.interfaces import Catalogue, Float32, Int32, Log, Queries
from models.logs import make_log
from models.queries import part_queries
from models.retrievers.popular import Popular

logger = logging.getLogger(__name__)

EVALUATION = Path("data/evaluation")
BUNDLE = Path("data/bundle")
MAIN = ("challenger", "champion", "popular")


@dataclass(frozen=True)
class Test:
    """Rows before the test part and in it (INTERACTIONS), the item table's ids and tags; cut [µs], None where each
    query has its own instant."""

    history: pl.DataFrame
    part: pl.DataFrame
    items: pl.DataFrame
    cut: int | None


@dataclass(frozen=True)
class Source:
    """What judging reads of section `source`: where the data come from, the simulated world's params, the reference."""

    name: str
    reference: str
    simulator: dict[str, Any] | None

    @classmethod
    def read(cls, path: Path) -> Source:
        """From params.yaml."""
        found = read_params(path).get("source") or {}
        return cls(str(found.get("name")), str(found.get("reference", "data/initial")), found.get("simulator"))


@dataclass(frozen=True)
class Answers:
    """A bundle's answers: lists (n_queries, depth) of positions in its own catalogue, -1 pads, by model."""

    catalogue: Catalogue
    queries: Queries
    lists: Mapping[str, Int32]
    scores: Float32


@dataclass(frozen=True)
class Judgement:
    """What was judged and how it did.

    lists: (n_queries, depth) item codes of the exam by model; scores: of the challenger's lists;
    champion: the hash of its bundle, or "popular" (and after "; " why that stands in).
    """

    exam: Exam
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
            query, place = np.nonzero(items >= 0)
            frames.append(
                pl.DataFrame(
                    {
                        "model": pl.Series([model], dtype=pl.String).new_from_index(0, len(query)),
                        "query_id": pl.Series(self.exam.user_ids.astype(object), dtype=pl.String).gather(query),
                        "item_id": pl.Series(self.exam.item_ids.astype(object), dtype=pl.String).gather(
                            items[query, place]
                        ),
                        "rank": (place + 1).astype(np.int64),
                    }
                )
            )
        return pl.concat(frames)


def read_test(root: Path) -> Test:
    """The test part from data/split and the item table from data/tables.

    Raises:
        UserError: there is nothing to judge on.
    """
    split = root / "data" / "split"
    parts = {name: INTERACTIONS.read(split / f"{name}.parquet") for name in ("train", "valid", "test")}
    cuts = read_cuts(split / "split.json")
    if parts["test"].is_empty():
        raise UserError(
            f"{split / 'test.parquet'}: no row, expected rows after the second cut to judge on; import more data, or "
            "lower split.test_share in params.yaml"
        )
    items = ITEMS.read(root / "data" / "tables" / "items.parquet").select("item_id", "tags")
    cut = cuts.test_cut if cuts.scheme == "global_time" else None
    return Test(pl.concat([parts["train"], parts["valid"]]), parts["test"], items, cut)


def judge(root: Path, bundle: Path, params: Params, source: Source) -> Judgement:
    """Answers the test queries with every model and evaluates the lists.

    With no manifest in `champion/` of the reference folder the built-in popular, fitted on the rows that the bundle
    knows, is the champion. In a simulated world the oracle, which knows each person's true demand, is judged too.
    """
    reference = root / source.reference
    test = read_test(root)
    challenger = answer(root, bundle, test, params)
    rows = LOG.read(root / "data" / "log" / "full.parquet")
    log = make_log(rows, challenger.catalogue.vocabulary, positives=Positives.of(params.targets))
    popular = _popular(log, challenger, params)
    theirs, champion = challenger, "popular"
    if (reference / "champion" / MANIFEST).is_file():
        champion = unseal(reference / "champion").hash
        try:
            theirs = answer(root, reference / "champion", test, params, singly=False)
        except UserError as error:  # made by other code: features or parts that are no more
            logger.warning("champion=%s cannot be run by this code: %s", champion[:12], error)
            champion = f"popular; bundle {champion[:12]} cannot be run by this code"
    exam = make_exam(
        test.history.filter(pl.col("event").ne_missing("impression")),
        test.part.filter(Positives.of(params.targets).where()),
        test.items,
        asked=challenger.queries.user_ids.tolist(),
        further_items=sorted({*challenger.catalogue.vocabulary.item_ids, *theirs.catalogue.vocabulary.item_ids}),
    )
    lists = {"challenger": _codes(exam, challenger, challenger.lists["challenger"])}
    lists["popular"] = _codes(exam, challenger, popular)
    lists["champion"] = (
        lists["popular"] if champion.startswith("popular") else _codes(exam, theirs, theirs.lists["challenger"])
    )
    lists = {model: lists[model] for model in MAIN}
    singles = {model: items for model, items in challenger.lists.items() if model != "challenger"}
    if source.name == "simulator" and source.simulator is not None:
        singles["oracle"] = _oracle(log, challenger, source.simulator, params)
    lists |= {model: _codes(exam, challenger, items) for model, items in singles.items()}
    logger.info("queries=%d models=%d targets=%d", len(exam), len(lists), len(exam.targets))
    return Judgement(exam, evaluate(exam, lists, params), lists, challenger.scores, champion)


def answer(root: Path, bundle: Path, test: Test, params: Params, *, singly: bool = True) -> Answers:
    """What a sealed bundle recommends to each test query; with `singly` also what each of its retrievers would."""

    from models.recommender import Recommender, load_catalogue

    unseal(bundle)
    catalogue = load_catalogue(bundle)
    queries, _ = part_queries(
        test.history,
        test.part,
        catalogue.vocabulary,
        test.cut,
        created_at=catalogue.created_at,
        positives=Positives.of(params.targets),
    )
    recommender = Recommender.load(bundle, offline_lookup(root, catalogue))
    slate = recommender.recommend(queries, params.depth)
    lists = {"challenger": slate.items}
    if singly:
        for name, retriever in sorted(recommender.retrievers.items()):
            alone = retriever.retrieve(queries, params.depth).items
            if (alone >= 0).any():  # one that steps aside has nothing to be judged by
                lists[f"retriever:{name}"] = alone
    return Answers(catalogue, queries, lists, slate.scores)


def _popular(log: Log, challenger: Answers, params: Params) -> Int32:
    """The built-in popular with its own defaults, whatever params.yaml says of the retriever."""
    return Popular().fit(log, challenger.catalogue).retrieve(challenger.queries, params.depth).items


def _oracle(log: Log, challenger: Answers, world: dict[str, Any], params: Params) -> Int32:
    """The lists of one who knows the truth of the simulated world: the ceiling."""
    from models.oracle import Oracle, OracleParams

    oracle = Oracle(OracleParams.model_validate({"world": world})).fit(log, challenger.catalogue)
    return oracle.retrieve(challenger.queries, params.depth).items


def _codes(exam: Exam, answers: Answers, lists: Int32) -> npt.NDArray[np.int64]:
    """Positions in a bundle's vocabulary as codes of the exam."""
    codes = np.append(exam.codes(answers.catalogue.vocabulary.item_ids), -1)
    found: npt.NDArray[np.int64] = codes[lists]
    return found
