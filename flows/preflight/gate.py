"""The gate's checks: whether what section `decide` names is measured at all, asked before hours of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from flows.preflight.mistakes import Mistake, rename
from flows.preflight.params_text import ParamsText
from models.evaluation.evaluate import HISTORY_SIZES, SLICES, history_slice
from models.evaluation.evaluate import Params as EvaluateParams
from models.evaluation.metrics import metric_names
from models.gate.decision import Params as DecideParams

OF_LISTS = ("novelty", "arp", "head_share", "pop_lift", "miscalibration", "ild", "serendipity")
"""Properties of lists, which are judged at the first k (models/evaluation/beyond_accuracy.py)."""


def measured_names(cutoffs: Sequence[int]) -> list[str]:
    """Metrics of each query at the cutoffs of `evaluate.k`; some properties of lists need tags or categories."""
    return [*metric_names(cutoffs), *(f"{name}@{cutoffs[0]}" for name in OF_LISTS)]


def check_gate(text: ParamsText, chosen: dict[str, Any]) -> Iterator[Mistake]:
    """Metrics and segments of section `decide`; nothing where a section does not fit its class, which is told already.

    chosen: the file's values with the choices by profile made.
    """
    try:
        cutoffs = EvaluateParams.model_validate(chosen.get("evaluate") or {}).k
        params = DecideParams.model_validate(chosen.get("decide") or {})
    except ValidationError:
        return
    measured = [*measured_names(cutoffs), f"coverage@{cutoffs[0]}"]
    histories = [history_slice(n) for n in HISTORY_SIZES]
    for number, check in enumerate(params.checks(), start=-1):
        keys: tuple[str | int, ...] = ("decide",) if number < 0 else ("decide", "guards", number)
        if check.metric not in measured and not check.metric.startswith("coverage@"):
            remedy = rename(check.metric, measured, "name one that evaluate.k measures")
            yield Mistake(text.where(*keys, "metric"), f"no metric '{check.metric}' is measured", remedy)
        if check.segment not in SLICES:
            remedy = rename(check.segment, SLICES, "name another segment")
            yield Mistake(text.where(*keys, "segment"), f"there is no segment '{check.segment}'", remedy)
        elif check.segment in histories and check.metric.startswith("coverage@"):
            what = f"{check.metric} is not measured on segment '{check.segment}', whose lists are not kept"
            yield Mistake(text.where(*keys), what, "name an accuracy metric, such as ndcg@10.")
