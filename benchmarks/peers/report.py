"""What benchmarks.peers prints and writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from benchmarks.peers.answers import Answer
from benchmarks.peers.judging import Standing, relative_leads, verdict
from benchmarks.peers.past import Array, Int64


def table(shown: Mapping[str, Standing], given: Mapping[str, Answer], metrics: tuple[str, ...], level: float) -> str:
    """A row a model, best first; level: confidence of the intervals."""
    heads = "".join(f"{_head(name):>11}" for name in metrics)
    lines = [f"{'model':20}{heads}{'fit s':>8}{'MiB':>7}{'of recops':>11}  recops' lead, {level:.0%} interval"]
    for model in sorted(shown, key=lambda model: -shown[model].values[0]):
        one = shown[model]
        cost = f"{given[model].fit:8.1f}{given[model].memory:7.0f}" if model in given else f"{'-':>8}{'-':>7}"
        ahead = f"{one.lead.value:+.4f} [{one.lead.low:+.4f}, {one.lead.high:+.4f}]" if model in given else "-"
        figures = "".join(f"{value:11.4f}" for value in one.values)
        lines.append(f"{model:20}{figures}{cost}{one.share:11.3f}  {ahead}")
    return "\n".join(lines)


def as_json(
    shown: Mapping[str, Standing],
    given: Mapping[str, Answer],
    values: Mapping[str, Array],
    *,
    metrics: tuple[str, ...],
    protocol: str,
    judge: str,
    owners: Int64 | None = None,
) -> str:
    """All of it for a program; see `relative_leads`."""
    best, word = verdict(shown)
    leads = relative_leads(values, best, owners)
    models: dict[str, dict[str, object]] = {}
    for model, one in shown.items():
        models[model] = {**dict(zip(metrics, one.values, strict=True)), "of_recops": one.share}
        if model in given:
            cost = {"setting": dict(given[model].setting), "fit_seconds": given[model].fit}
            models[model] |= cost | {"peak_mib": given[model].memory, "recops_lead": asdict(one.lead)}
    asked = {"protocol": protocol, "judge": judge, "n_users": len(leads), "n_queries": len(values["recops"])}
    found = asked | {"models": models, "best_peer": best, "recops_is": word}
    return json.dumps(found | {"relative_leads": leads.round(6).tolist()}, indent=1, sort_keys=True) + "\n"


def _head(metric: str) -> str:
    return metric.replace("recall", "Recall").replace("ndcg", "NDCG").replace("hr", "HR")
