"""Stage decide: the gate's verdict on what evaluate found; it never fails for a "no", the verdict is its result."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import ContractError
from features.files import write_text
from features.params import section
from flows.stages.entry import stage
from models.evaluation.evaluate import HISTORY_SIZES, SLICES, history_slice
from models.evaluation.left_out import LeftOut
from models.evaluation.results import EXAMPLES, LEARNING_CURVE, ROLLING_FIGURES, champion_name, load
from models.gate.checks import Judged
from models.gate.decision import Decision, Params, decide
from models.reports.page.document import page

logger = logging.getLogger(__name__)

EVALUATION = Path("data/evaluation")
REPORT = Path("data/reports/decision")
PAGE = Path("data/reports/report.html")


def main() -> None:
    """data/evaluation → data/reports/decision.json, data/reports/decision.md, data/reports/report.html."""
    params = section("decide", Params)
    queries = pl.read_parquet(EVALUATION / "per_query.parquet")
    lists = pl.read_parquet(EVALUATION / "lists.parquet")
    judged = json.loads((EVALUATION / "judged.json").read_text(encoding="utf-8"))
    champion = judged["champion"]
    known = set(queries.columns) | {check.metric for check in params.checks() if check.metric.startswith("coverage@")}
    unknown = sorted({check.metric for check in params.checks()} - known)
    if unknown:
        there = sorted(name for name in queries.columns if "@" in name or name == "mrr")
        raise ContractError(f"params.yaml: section 'decide' names metrics {unknown}; there are {there}")
    check_slices(params)
    decision = decide(
        Judged("the challenger", queries.filter(model="challenger"), lists.filter(model="challenger")),
        Judged(
            champion_name(champion),
            queries.filter(model="champion"),
            lists.filter(model="champion"),
        ),
        params.checks(),
        require=params.require,
        n_resamples=params.bootstrap,
        confidence=params.confidence,
        seed=params.seed,
        notes=_notes(judged.get("left_out")),
    )
    verdict = decision.as_dict() | {"bundle_hash": judged["bundle_hash"]}  # a release asks whose verdict it is
    write_text(json.dumps(verdict, indent=1, sort_keys=True) + "\n", REPORT.with_suffix(".json"))
    write_text(decision.as_markdown(), REPORT.with_suffix(".md"))
    write_text(_page(decision), PAGE)
    logger.info("promote=%s verdict=%s", decision.promote, decision.verdict)


def _notes(choices: Mapping[str, Any] | None) -> list[str]:
    """What the reader should know of the choices that were judged."""
    sentence = LeftOut(**choices).sentence() if choices else None
    return [sentence] if sentence else []


def _page(decision: Decision) -> str:
    """The report in html, of what evaluate left and of the verdict."""
    evaluation, _ = load(EVALUATION)
    kept = EVALUATION / ROLLING_FIGURES
    rolling = pl.read_parquet(kept) if kept.is_file() else None
    examples = json.loads((EVALUATION / EXAMPLES).read_text(encoding="utf-8"))
    sizes = pl.read_csv(EVALUATION / "plots" / LEARNING_CURVE, schema_overrides={"value": pl.Float64})
    return page(evaluation, decision, rolling, sizes, examples)


def check_slices(params: Params) -> None:
    """Refuses segments that nobody judges, and coverage of a history size, whose lists are not kept."""
    history_slices = [history_slice(n) for n in HISTORY_SIZES]
    for check in params.checks():
        if check.segment not in SLICES:
            raise ContractError(
                f"params.yaml: section 'decide' names segment {check.segment!r}; there are {list(SLICES)}"
            )
        if check.metric.startswith("coverage@") and check.segment in history_slices:
            raise ContractError(
                f"params.yaml: section 'decide' asks for {check.metric} of segment {check.segment!r}; cold start "
                "has accuracy only, name a metric such as ndcg@10"
            )


if __name__ == "__main__":
    stage(main)
