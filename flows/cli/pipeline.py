"""Commands on what is trained and judged: `recops run | recommend | evaluate | tune`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UserError
from flows.cli.app import Quiet, app, open_project

if TYPE_CHECKING:
    from flows.project.dataset import Project


@app.command()
def run(
    until: Annotated[str | None, typer.Option(help="Last stage to run.")] = None,
    quiet: Quiet = False,
) -> None:
    """Run the flow `train`: every stale stage of dvc.yaml, with or without a Prefect server."""
    project, settings = open_project()
    from flows.project.dag import Dag

    logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
    from flows.orchestration.server import choose_server
    from flows.project.resolve import stale_here

    dag = Dag(project.root)
    wanted, stale = stale_here(dag, until, settings)
    if not stale:
        print(f"nothing to do: all {len(wanted)} stages are up to date")
        return
    choose_server(settings)
    from flows.train import begin

    outcome = begin(dag, until, 0)
    from flows.judging.plots_page import refresh_plots_page

    refresh_plots_page(project.root)
    print(f"ran {len(outcome.ran)} stages, {len(outcome.skipped)} were up to date")
    if until is None and not quiet:
        _print_verdict(project)


def _print_verdict(project: Project) -> None:
    report = project.paths.reports / "decision.md"
    if report.is_file():
        print(report.read_text(encoding="utf-8").strip())
        print("The same for people who decide: data/reports/report.html")


@app.command()
def recommend(
    out: Annotated[
        Path, typer.Option(help="Parquet file: user_id, item_id, rank, score, reason; propensity too where drawn.")
    ],
    users: Annotated[Path | None, typer.Option(help="Text, csv or parquet with user_id.")] = None,
    user: Annotated[str | None, typer.Option(help="One user.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="Bundle folder; data/bundle, else the live one.")] = None,
    k: Annotated[int, typer.Option(min=1, max=500)] = 10,
    at: Annotated[str | None, typer.Option(help="ISO-8601 UTC; what was known then. Default: the last event.")] = None,
    include_seen: Annotated[bool, typer.Option("--include-seen")] = False,
) -> None:
    """Recommend to many users at once."""
    out, users, bundle = out.absolute(), users.absolute() if users else None, bundle.absolute() if bundle else None
    project, settings = open_project()
    from flows.recommend import recommend_batch

    n_users, n_rows = recommend_batch(
        project, settings, out, users=users, user=user, bundle=bundle, k=k, at=at, include_seen=include_seen
    )
    print(f"{n_rows} recommendations for {n_users} users in {out}")


@app.command()
def evaluate(
    bundle: Annotated[Path | None, typer.Option(help="Bundle folder; default: what was judged last.")] = None,
    task: Annotated[str, typer.Option(help="ranking, or rating: how well values are predicted.")] = "ranking",
    quiet: Quiet = False,
) -> None:
    """Print the table of metrics with intervals and slices."""
    given = bundle.absolute() if bundle else None
    project, settings = open_project()
    if task == "rating":
        if given:
            raise UserError("--task rating judges the raters of params.yaml; a bundle holds none: leave --bundle out")
        logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
        from flows.rating.judge_raters import evaluate_ratings

        print(evaluate_ratings(project))
        return
    if task != "ranking":
        raise UserError(f"--task '{task}' is not known; there are ['ranking', 'rating']")
    from flows.judging.printing import evaluation_text

    print(evaluation_text(project, given))


@app.command()
def tune(
    retriever: Annotated[
        list[str] | None, typer.Option(help="One in use, may be repeated; default: all but the slow `sequence`.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.0, help="For all of them; what was begun is ended.")] = 10.0,
    trials: Annotated[int, typer.Option(min=2, help="Of each retriever, those of earlier calls counted.")] = 30,
    horizon: Annotated[str | None, typer.Option(help="frozen or rolling; default: params.yaml's.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Apply what was proposed last; searches nothing.")] = False,
    quiet: Quiet = False,
) -> None:
    """Search for better params of the retrievers on valid; proposes a diff of params.yaml."""
    project, settings = open_project()
    from flows.tuning.proposal import accept as apply
    from flows.tuning.proposal import tasks_of, tune_params

    if accept:
        from flows.project.under_dvc import TUNING, make_writable, put_under_dvc

        make_writable(project.root, TUNING)
        n_changed = apply(project)
        put_under_dvc(project.root, TUNING)
        print(f"params.yaml: {n_changed} values changed; `recops run` trains and judges with them")
        return
    from flows.tuning.inputs import check_there

    tasks_of(project, retriever or [])  # mistakes are told before a server is started
    tune_params(project, horizon)
    check_there(project)
    from flows.orchestration.server import choose_server

    logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
    choose_server(settings)
    from flows.tune import tune_flow

    print(tune_flow(str(project.root), retriever or [], minutes, trials, horizon))
