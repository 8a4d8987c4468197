"""Learning curve: retrievers of the bundle fitted again on newest parts of its log, to see whether more data helps."""

from __future__ import annotations

import logging

import polars as pl

from features.errors import UserError
from flows.judging.contenders import Contenders
from flows.judging.frozen import Judgement, codes_of
from models.evaluation.evaluate import Params
from models.evaluation.learning_curve import SHARES, curve, headline_ndcg, newest_rows
from models.registry import make, part_names

logger = logging.getLogger(__name__)


def judge_learning_curve(contenders: Contenders, judged: Judgement, params: Params) -> pl.DataFrame:
    """See `curve`. The users' histories stay whole: only the training data shrink. Names that the bundle lacks
    are skipped.

    Raises:
        UserError: a name is no retriever's.
    """
    unknown = sorted(set(params.learning_curve) - set(part_names("retriever")))
    if unknown:
        raise UserError(
            f"params.yaml: section 'evaluate' names {unknown} in learning_curve; there are {part_names('retriever')}"
        )
    catalogue, queries = contenders.challenger.catalogue, judged.queries["challenger"]
    values: dict[tuple[str, float], float] = {}
    for name, whole in sorted(contenders.challenger.retrievers.items()):
        model = f"retriever:{name}"
        if name not in params.learning_curve or model not in judged.lists:
            continue
        for share in SHARES:
            part = make("retriever", name, whole.params).fit(newest_rows(contenders.log, share), catalogue)
            lists = codes_of(judged.test_set, catalogue, part.retrieve(queries, max(params.k)).items)
            values[name, share] = headline_ndcg(judged.test_set, lists, params)
        values[name, 1.0] = judged.evaluation.value(model, f"ndcg@{params.k[0]}")
    logger.info("learning curve retrievers=%d", len({name for name, _ in values}))
    return curve(values)
