"""Stage decide: the gate's verdict on the evaluation; a refusal is a result and does not fail the stage."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import ContractError
from features.files import write_text
from features.params import section
from flows.stages.entry import stage
from models.evaluation.evaluate import HISTORY_SIZES, SLICES, Evaluation, history_slice
from models.evaluation.left_out import LeftOut
from models.evaluation.results import EXAMPLES, LEARNING_CURVE, ROLLING_FIGURES, champion_name, load
from models.gate.checks import Judged
from models.gate.decision import Decision, Params, decide
from models.reports.key_figures import key_figures
from models.reports.page.document import cut, page
from models.reports.page.origin import Origin

logger = logging.getLogger(__name__)

EVALUATION = Path("data/evaluation")
LEARNING_CURVE_TABLE = Path("data/reports/plots") / LEARNING_CURVE
REPORT = Path("data/reports/decision")
LEDGER = Path("data/reports/language.json")
KEPT = Path("data/language/kept.json")
SUMMARY = Path("data/reports/summary.json")
PAGE = Path("data/reports/report.html")
PROFILE = Path("data/profile.json")
SPLIT = Path("data/split/split.json")
SOURCE = Path("data/tables/source.json")


def main() -> None:
    """data/evaluation → data/reports: decision.json, decision.md, summary.json, report.html."""
    params = section("decide", Params)
    queries = pl.read_parquet(EVALUATION / "per_query.parquet")
    lists = pl.read_parquet(EVALUATION / "lists.parquet")
    judged, profile = _json(EVALUATION / "judged.json"), _json(PROFILE)
    champion = judged["champion"]
    check_metrics(params, queries.columns)
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
    evaluation, _ = load(EVALUATION)
    rolling = _rolling()
    figures = key_figures(evaluation, decision, rolling, profile, cut(evaluation))
    write_text(json.dumps(figures, indent=1) + "\n", SUMMARY)
    write_text(_page(decision, evaluation, rolling, _origin(judged, profile)), PAGE)
    logger.info("promote=%s verdict=%s", decision.promote, decision.verdict)


def _notes(choices: Mapping[str, Any] | None) -> list[str]:
    """Notes in the report on the params that were evaluated."""
    sentence = LeftOut(**choices).sentence() if choices else None
    return [sentence] if sentence else []


def _rolling() -> pl.DataFrame | None:
    """Figures of rolling judging, None where the split has no cut in time."""
    path = EVALUATION / ROLLING_FIGURES
    return pl.read_parquet(path) if path.is_file() else None


def _page(decision: Decision, evaluation: Evaluation, rolling: pl.DataFrame | None, origin: Origin) -> str:
    """The HTML report of the evaluation and the verdict."""
    examples = json.loads((EVALUATION / EXAMPLES).read_text(encoding="utf-8"))
    sizes = pl.read_csv(LEARNING_CURVE_TABLE, schema_overrides={"value": pl.Float64})
    return page(evaluation, decision, rolling, sizes, examples, origin, _json(LEDGER), _json(KEPT))


def _origin(judged: Mapping[str, Any], profile: Mapping[str, Any]) -> Origin:
    """The header of the report: bundle, data and params."""
    split, champion = _json(SPLIT), str(judged["champion"])
    return Origin(
        source=str(_json(SOURCE)["source"]),
        n_rows=profile["n_rows"],
        n_users=profile["n_users"],
        n_items=profile["n_items"],
        first_event=None if profile["artificial_time"] else profile["first_event"],
        last_event=None if profile["artificial_time"] else profile["last_event"],
        test_cut=split["test_cut"] if split["scheme"] == "global_time" else None,
        bundle_hash=judged["bundle_hash"],
        champion_hash=None if champion.startswith("popular") else champion,
        release=judged.get("live_release"),
    )


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def check_metrics(params: Params, columns: Sequence[str]) -> None:
    """Refuses metrics that were not computed; columns: of per_query.parquet."""
    wanted = {check.metric for check in params.checks() if not check.metric.startswith("coverage@")}
    if unknown := sorted(wanted - set(columns)):
        there = sorted(name for name in columns if "@" in name or name == "mrr")
        raise ContractError(f"params.yaml: section 'decide' names metrics {unknown}; there are {there}")


def check_slices(params: Params) -> None:
    """Refuses unknown segments, and coverage of a history size, whose lists are not kept."""
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
