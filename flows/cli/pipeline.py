"""Commands on what is trained and judged: `recops run | recommend | evaluate | tune`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UserError
from flows.cli.app import Quiet, Verbose, app, open_project
from flows.cli.stopping import stoppable
from flows.terminal.completion import retriever_names, stage_names

if TYPE_CHECKING:
    from features.settings import Settings
    from flows.project.dataset import Project

MOST_TABLES = 20  # users whose lists are printed; more belong into a file


@app.command()
def run(
    until: Annotated[
        str | None,
        typer.Option(
            help="Last stage to run, e.g. `split` or `train_retriever`.",
            show_default="all stages",
            autocompletion=stage_names,
        ),
    ] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Run every stage that is not up to date; print the verdict.

    The stages and their order stand in dvc.yaml. Before the first one params.yaml and the inputs are checked. With a
    Prefect server running, the run shows up there as flow `train`; without one it works the same.

    \b
      recops run
      recops run --until train_retriever
      recops run -v                            every line of every stage
    """
    started = time.monotonic()
    project, settings = open_project(verbose=verbose)
    from flows.preflight.goal import check_until
    from flows.preflight.preflight import preflight

    preflight(project, settings)
    if until is not None:
        check_until(project, until)
    with stoppable("nothing lost: `recops run` goes on where it stopped"):
        from flows.asking.in_runs import asks_something
        from flows.orchestration.server import choose_server
        from flows.project.dag import Dag
        from flows.project.resolve import stale_here
        from flows.project.running.run_lock import refuse_if_held
        from flows.terminal.run_display import RunDisplay

        refuse_if_held(project.root)
        with RunDisplay(verbose=verbose, silent=quiet) as display:
            dag = Dag(project.root)
            names, stale = stale_here(dag, until, settings)
            if stale or asks_something(dag, settings, names):
                choose_server(settings)
                from flows.train import begin

                begin(dag, until, 0, listener=display)
                from flows.judging.plots_page import refresh_plots_page

                refresh_plots_page(project.root)
    seconds = time.monotonic() - started
    _print_end(project, settings, display.n_ran, len(names), seconds, until=until, quiet=quiet)


def _print_end(
    project: Project, settings: Settings, n_ran: int, n_stages: int, seconds: float, *, until: str | None, quiet: bool
) -> None:
    """What was done, in what time, the verdict, and what comes next."""
    from flows.terminal.screen import duration
    from flows.terminal.verdict import next_step, verdict_lines

    if n_ran:
        others = f", {n_stages - n_ran} were up to date" if n_ran < n_stages else ""
        print(f"{n_ran} stage{'s' * (n_ran > 1)} ran in {duration(seconds)}{others}")
    else:
        print(f"nothing to do: all {n_stages} stages are up to date")
    if quiet:
        return
    if until is None:
        for line in verdict_lines(project) if n_ran else []:
            print(line)
    print(f"Next: {next_step(project, settings) if until is None else '`recops run` runs the stages that follow'}")


@app.command()
def recommend(
    user: Annotated[str | None, typer.Option(help="The id of one user.")] = None,
    users: Annotated[
        Path | None, typer.Option(help="Many users: a text file with an id a line, or csv or parquet with `user_id`.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write a parquet file (user_id, item_id, rank, score, reason; propensity where places are drawn) "
            "instead of printing tables."
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="A bundle's folder.", show_default="data/bundle, else the live release's")
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=500, help="Items a user.")] = 10,
    at: Annotated[
        str | None,
        typer.Option(help="Use what was known at this instant, ISO-8601 UTC.", show_default="the last event"),
    ] = None,
    include_seen: Annotated[bool, typer.Option("--include-seen", help="Offer items of the history again.")] = False,
    verbose: Verbose = False,
) -> None:
    """Recommend items to one user or to many, without a service.

    One user's list is printed with titles and reasons; `--out` writes the lists of any number of users.

    \b
      recops recommend --user u42
      recops recommend --user u42 --k 5 --at 2026-01-31T12:00:00Z
      recops recommend --users users.csv --out lists.parquet
    """
    out, users, bundle = (path.absolute() if path else None for path in (out, users, bundle))
    project, settings = open_project(verbose=verbose)
    from flows.terminal.activity import activity

    with activity("recommending", verbose=verbose):
        from flows.recommend import read_users, recommend_batch

        user_ids = read_users(users, user)
        if out is None and len(user_ids) > MOST_TABLES:
            raise UserError(
                f"--users names {len(user_ids)} users, and at most {MOST_TABLES} lists are printed; "
                "give a file for them: --out lists.parquet"
            )
        batch = recommend_batch(project, settings, user_ids, bundle=bundle, k=k, at=at, include_seen=include_seen)
    if out is not None:
        batch.write(out)
        print(f"{batch.table.height} recommendations for {len(user_ids)} users in {out}")
        return
    from flows.asking.item_text import with_clauses
    from flows.terminal.lists import print_lists

    print_lists(with_clauses(project, batch.with_titles()), user_ids)


@app.command()
def evaluate(
    bundle: Annotated[Path | None, typer.Option(help="A bundle's folder.", show_default="what was judged last")] = None,
    task: Annotated[
        str, typer.Option(help="`ranking`: the lists; `rating`: how well values (stars) are predicted.")
    ] = "ranking",
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Print the metrics of the judged bundle.

    Each metric has its interval; segments of users and items have their own figures.

    \b
      recops evaluate
      recops evaluate --bundle .recops/releases/20260131-120000-1a2b3c4d/bundle
      recops evaluate --task rating
    """
    given = bundle.absolute() if bundle else None
    project, settings = open_project(verbose=verbose)
    from flows.terminal.activity import activity

    if task not in ("ranking", "rating"):
        raise UserError(f"--task '{task}' does not exist; choose ranking or rating")
    if task == "rating" and given:
        raise UserError("--task rating judges the raters of params.yaml; a bundle holds none: leave --bundle out")
    with stoppable("nothing lost: `recops evaluate` starts again"), activity("judging", verbose=verbose, silent=quiet):
        if task == "rating":
            from flows.preflight.preflight import preflight
            from flows.rating.judge_raters import evaluate_ratings

            preflight(project, settings)
            text = evaluate_ratings(project)
        else:
            from flows.judging.printing import evaluation_text

            text = evaluation_text(project, given)
    print(text)


@app.command()
def tune(
    retriever: Annotated[
        list[str] | None,
        typer.Option(
            help="A retriever in use; may be repeated.",
            show_default="all but the slow `sequence`",
            autocompletion=retriever_names,
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.0, help="Time for all of them; what was begun is ended.")] = 10.0,
    trials: Annotated[int, typer.Option(min=2, help="Trials of each retriever; those of earlier calls count.")] = 30,
    horizon: Annotated[
        str | None, typer.Option(help="`frozen` or `rolling`.", show_default="tune.horizon of params.yaml")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Apply what was proposed last; searches nothing.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Search for better params of the retrievers.

    The result is a diff of params.yaml. It is judged on the valid part, never on test, and nothing changes until you
    accept it.

    \b
      recops tune --minutes 20
      recops tune --retriever ease --retriever als
      recops tune --accept && recops run
    """
    project, settings = open_project(verbose=verbose)
    from flows.preflight.preflight import preflight

    preflight(project, settings)
    from flows.tuning.proposal import accept as apply
    from flows.tuning.proposal import tasks_of, tune_params

    if accept:
        from flows.project.under_dvc import TUNING, make_writable, put_under_dvc

        make_writable(project.root, TUNING)
        n_changed = apply(project)
        put_under_dvc(project.root, TUNING)
        print(f"params.yaml: {n_changed} values changed\nNext: `recops run` trains and judges with them")
        return
    from flows.terminal.activity import activity
    from flows.tuning.inputs import check_there

    tasks_of(project, retriever or [])  # mistakes are reported before a server is started
    tune_params(project, horizon)
    check_there(project)
    with (
        stoppable("nothing lost: finished trials are kept, and `recops tune` goes on with them"),
        activity("searching for better params", verbose=verbose, silent=quiet),
    ):
        from flows.orchestration.server import choose_server

        choose_server(settings)
        from flows.tune import tune_flow

        text = tune_flow(str(project.root), retriever or [], minutes, trials, horizon)
    print(text)
