"""The result of a search: a report, and a diff of params.yaml to accept or reject."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from features.errors import UserError
from features.files import write_text
from features.params import parse, section
from flows.project.dataset import Project
from flows.project.params_file import edited, read_text, unified_diff
from flows.project.resolve import check_precisions
from flows.project.under_dvc import TUNING
from flows.tuning.study import Found
from flows.tuning.trials import Task
from models.registry import load_retriever
from models.reports.summary import aligned
from models.tuning.objective import METRIC, Params
from models.tuning.search_space import SLOW, SPACES, axes_of

REPORT, DIFF, PROPOSED = "report.json", "params.diff", "params.yaml"


def tune_params(project: Project, horizon: str | None) -> Params:
    """The optional section `tune` of params.yaml; `horizon` overrides its own."""
    values = dict(project.params().get("tune") or {})
    return parse("tune", values | ({"horizon": horizon} if horizon else {}), Params)


def tasks_of(project: Project, names: Sequence[str]) -> list[Task]:
    """The retrievers to tune: those named, or all in use but the slow ones.

    Raises:
        UserError: one is not in use, nothing of it is tuned, or this machine would train it with another precision than
            `recops run` did.
    """
    in_use = list(project.params().get("retrievers") or {})
    unknown = sorted(set(names) - set(in_use))
    if unknown:
        raise UserError(f"--retriever {unknown}: params.yaml has no such section in 'retrievers'; there are {in_use}")
    aimless = sorted(set(names) - set(SPACES))
    if aimless:
        raise UserError(
            f"--retriever {aimless}: there is no search space; add one to SPACES of models/tuning/search_space.py"
        )
    chosen = [name for name in in_use if name in names or (not names and name in SPACES and name not in SLOW)]
    if not chosen:
        raise UserError(f"params.yaml: no retriever in use is tuned by default; name one of {in_use} with --retriever")
    check_precisions(project, chosen)
    tasks = []
    for name in chosen:
        retriever = load_retriever(name)
        present = project.section(f"retrievers.{name}", retriever.Params)
        tasks.append(Task(name, retriever, present, axes_of(name, retriever.Params)))
    return tasks


def propose(project: Project, tasks: Sequence[Task], found: Sequence[Found], params: Params) -> str:
    """Writes data/tuning/report.json and, where a gain is beyond chance, params.diff; the report as text.

    Raises:
        UserError: params.yaml writes a value in a way that cannot be edited (an anchor).
    """
    changes = [
        {"param": f"retrievers.{task.name}.{name}", "from": getattr(task.present, name), "to": value}
        for task, ended in zip(tasks, found, strict=True)
        if ended.is_gain(params)
        for name, value in ended.values.items()
        if value != getattr(task.present, name)
    ]
    profile = _profile(project)
    report = {
        "metric": METRIC,
        "horizon": params.horizon,
        "profile": profile,
        "retrievers": {ended.retriever: asdict(ended) for ended in found},
        "changes": changes,
    }
    folder = project.paths.tuning
    for name in (REPORT, DIFF, PROPOSED):
        (folder / name).unlink(missing_ok=True)
    diff = ""
    if changes:
        before = read_text(project)
        after = edited(before, {str(change["param"]): change["to"] for change in changes}, profile)
        write_text(after, folder / PROPOSED)
        _check(folder / PROPOSED, tasks, changes)
        diff = unified_diff(before, after)
        write_text(diff, folder / DIFF)
    write_text(json.dumps(report, indent=1, sort_keys=True) + "\n", folder / REPORT)
    return report_text(found, params, diff)


def accept(project: Project) -> int:
    """Writes the last proposal into params.yaml; returns the number of changed values.

    Raises:
        UserError: nothing is proposed, or params.yaml has other values than those that the search began from.
    """
    path = project.paths.tuning / REPORT
    report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"changes": []}
    if not report["changes"]:
        raise UserError(f"{project.paths.tuning}: nothing is proposed; run `recops tune` first")
    changes = report["changes"]
    profile = _profile(project)
    if profile != report["profile"]:
        raise UserError(
            f"params.yaml: profile is '{profile}', the search was done with '{report['profile']}'; run `recops tune` "
            "again"
        )
    for task in tasks_of(project, sorted({change["param"].split(".")[1] for change in changes})):
        for change in changes:
            _, retriever, name = change["param"].split(".")
            if retriever == task.name and getattr(task.present, name, None) != change["from"]:
                raise UserError(
                    f"params.yaml: {change['param']} is {getattr(task.present, name, None)!r}, the search began from "
                    f"{change['from']!r}; run `recops tune` again"
                )
    write_text(
        edited(read_text(project), {change["param"]: change["to"] for change in changes}, profile), project.paths.params
    )
    for name in (REPORT, DIFF, PROPOSED):
        (project.paths.tuning / name).unlink(missing_ok=True)
    return len(changes)


def report_text(found: Sequence[Found], params: Params, diff: str) -> str:
    """The report as text: results of the trials, importance of the params, and the diff."""
    rows = [["retriever", "trials", "pruned", "now", "best", "gain", ""]]
    rows += [_row(ended, params) for ended in found]
    lines = [
        f"{METRIC} of each retriever alone on valid, {params.horizon}; gains with {params.confidence * 100:g} % bounds "
        "that allow for the best of many trials",
        "",
        aligned(rows),
        "",
    ]
    for ended in found:
        if ended.importance:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in ended.importance.items() if share >= 0.005)
            lines.append(f"what matters in {ended.retriever}: {shares}")
    if diff:
        lines += ["", diff, f"`recops tune --accept` applies it ({TUNING}/{DIFF}); then `recops run`"]
    else:
        lines += ["", "nothing is proposed: no gain is beyond chance"]
    return "\n".join(lines)


def _row(ended: Found, params: Params) -> list[str]:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    gain, verdict = "", ""
    if ended.silent:
        verdict = "offers nothing here"
    elif ended.present is None:
        verdict = "no time was left"
    elif ended.gain is None:
        verdict = "nothing better was found"
    else:
        gain = f"{ended.gain.value:+.4f} [{ended.gain.low:+.4f}, {ended.gain.high:+.4f}]"
        verdict = "better" if ended.is_gain(params) else "within noise"
        if ended.gain.low > 0 and ended.n_users < params.min_users:
            verdict = f"{ended.n_users} users are too few to tell"
    counts = [str(ended.n_trials), str(ended.n_pruned)]
    return [ended.retriever, *counts, number(ended.present), number(ended.best), gain, verdict]


def _check(path: Path, tasks: Sequence[Task], changes: Sequence[dict[str, Any]]) -> None:
    """Checks that the edited text parses to the proposed values."""
    by_name = {task.name: section(f"retrievers.{task.name}", task.retriever.Params, path) for task in tasks}
    for change in changes:
        _, retriever, name = change["param"].split(".")
        if (value := getattr(by_name[retriever], name)) != change["to"]:
            raise UserError(
                f"params.yaml: {change['param']} is written in a way that cannot be edited (an anchor?); it would "
                f"become {value!r}, expected {change['to']!r}: set it by hand"
            )


def _profile(project: Project) -> str:
    return str(project.params().get("profile", "default"))
