"""What the flows leave to look at in Prefect: metrics against the champion, the gate's verdict, links, the release."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.settings import Settings
from flows.orchestration.pages.headline import DATA_DOCS, REPORT, headline_text, page_url
from models.release.store import Release

logger = logging.getLogger(__name__)


def flow_run_id() -> str | None:
    """Id of the flow run that is under way, which leads to its page; None outside of one."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return str(context.flow_run.id) if context and context.flow_run else None


def publish_train(
    reports: Path,
    ran: Sequence[Mapping[str, str]],
    origin: Mapping[str, str | None] | None = None,
    *,
    reports_url: str | None = None,
) -> list[str]:
    """Artifacts of a `train` run inside its flow run; the keys of those that were made.

    Prefect's pages show artifacts in no order that could be chosen, those of the run before those of its tasks. So the
    run itself has one, the headline, with all that a person reads in its order; a task `report` has the others.

    reports: data/reports. Files that are not there yet (a run that stopped early) are left out. ran: a row a stage,
    with the hashes of what it wrote; with none there is nothing new to show but the headline; origin: hashes of bundle,
    dvc.lock and commit; reports_url: the base of links, RECOPS_REPORTS_URL by default.
    """
    from prefect.context import FlowRunContext

    if FlowRunContext.get() is None:
        return []
    base_url = Settings().reports_url if reports_url is None else reports_url
    text = headline_text(reports, [row["stage"] for row in ran], base_url)
    made = _publish("markdown", "headline", markdown=text, description="how this run ended")
    if not ran:
        return made
    from flows.orchestration.decorators import recops_task

    details = recops_task(name="report")(lambda: _publish_details(reports, ran, origin or {}, base_url))
    return made + details()


def _publish_details(
    reports: Path, ran: Sequence[Mapping[str, str]], origin: Mapping[str, str | None], base_url: str
) -> list[str]:
    """What the headline leaves out, each under its own key."""
    made = []
    metrics, verdict = reports / "metrics.json", reports / "decision.md"
    if verdict.is_file():
        text = verdict.read_text(encoding="utf-8")
        made += _publish("markdown", "verdict", markdown=text, description="what the gate said, and why")
    if metrics.is_file():
        made += _publish("table", "metrics", table=metric_table(_read(metrics)), description="challenger and champion")
    for key, page, title in (("report", REPORT, "Report"), ("data-docs", DATA_DOCS, "Data Docs")):
        link = page_url(base_url, page)
        if link and (reports / page).is_file():
            made += _publish("link", key, link=link, link_text=title, description=f"{title} of the latest run")
    made += _publish("table", "stages", table=list(ran), description="stages that this run ran")
    text = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value or 'none'} |" for name, value in origin.items())])
    return made + _publish("markdown", "lineage", markdown=text, description="what this run left, by hash")


def publish_release(release: Release, why: str) -> list[str]:
    """The artifact of a release: what went live, from what, with which numbers."""
    return _publish("markdown", "release", markdown=release_text(release, why), description="what went live")


def publish_tune(text: str) -> list[str]:
    """The artifact of a search: what was tried, and the diff that it proposes."""
    return _publish("markdown", "tuning", markdown=f"```diff\n{text}\n```\n", description="what was found on valid")


def publish_text(key: str, text: str, description: str) -> list[str]:
    """An artifact of text that is laid out by its spaces, such as a printed table."""
    return _publish("markdown", key, markdown=f"```\n{text}\n```\n", description=description)


def publish_lines(key: str, lines: Sequence[str], description: str) -> list[str]:
    """An artifact of one point a line."""
    return _publish("markdown", key, markdown="\n".join(f"- {line}" for line in lines), description=description)


def release_text(release: Release, why: str) -> str:
    """A release in markdown."""
    lines = [f"# {release.release}", "", why, "", "| | |", "|---|---|"]
    facts = {"bundle": release.bundle_hash, "Bento": release.bento_tag, "made": release.created_at, **release.source}
    lines += [f"| {name} | {_in_words(value)} |" for name, value in facts.items() if value not in (None, "")]
    lines += [f"| {name} | {value:.4f} |" for name, value in sorted(release.metrics.items())]
    return "\n".join(lines) + "\n"


def _in_words(value: Any) -> str:
    """A value for a cell of a table."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_in_words(part)}" for key, part in value.items() if part not in (None, "", [], ()))
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def metric_table(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a metric, one column a model, challenger and champion first; the difference with its interval where
    there is one."""
    models = models_of(metrics)
    order: list[str] = [name for name in ("challenger", "champion") if name in models]
    order += sorted(set(models) - set(order))
    names = [name for model in order for name in models[model]]
    apart = (metrics.get("challenger_against") or {}).get("champion") or {}
    rows = []
    for metric in dict.fromkeys(names):
        row: dict[str, Any] = {"metric": metric}
        row |= {model: _rounded(models[model].get(metric)) for model in order}
        row["challenger - champion"] = _with_interval(apart.get(metric))
        rows.append(row)
    return rows


def models_of(metrics: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Model → metric → value from data/reports/metrics.json."""
    models = metrics.get("models") or {}
    return {model: {name: float(value) for name, value in values.items()} for model, values in models.items()}


def _with_interval(apart: dict[str, float] | None) -> str | None:
    if not apart or not {"difference", "low", "high"} <= apart.keys():
        return None
    return f"{apart['difference']:+.4f} [{apart['low']:+.4f}, {apart['high']:+.4f}]"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _publish(kind: str, key: str, **content: Any) -> list[str]:
    """Makes one artifact of the run that is under way; [] when no run is, or the server does not take it.

    What a run did must not fail because it could not be shown.
    """
    import httpx
    from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
    from prefect.context import FlowRunContext
    from prefect.exceptions import PrefectException

    make = {"link": create_link_artifact, "markdown": create_markdown_artifact, "table": create_table_artifact}[kind]
    if FlowRunContext.get() is None:
        return []
    try:
        make(key=key, **content)  # type: ignore[operator]
    except (httpx.HTTPError, PrefectException, OSError) as error:
        logger.warning("artifact=%s was not taken by the Prefect server: %s", key, error)
        return []
    return [key]
