"""Commands on what language models write: `recops ask | item`."""

from __future__ import annotations

from typing import Annotated

import typer

from features.errors import UserError
from flows.cli.app import Quiet, Verbose, app, open_project
from flows.cli.stopping import stoppable
from flows.terminal.completion import part_names

WAIT_S = 60.0  # for a run that holds the workspace


@app.command()
def ask(
    part: Annotated[
        str | None,
        typer.Argument(
            help="keywords, description, prior_popularity, profile, reason or vectors.",
            show_default="all of language.parts",
            autocompletion=part_names,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost; send nothing.")] = False,
    max_tokens: Annotated[
        int | None, typer.Option(min=0, help="Most tokens.", show_default="RECOPS_LLM_MAX_TOKENS")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Most money.", show_default="RECOPS_LLM_MAX_COST")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(min=0, help="Longest time.", show_default="RECOPS_LLM_MAX_SECONDS, 600")
    ] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Ask a language model what is open, into data/answers.

    params.yaml names the model (`language.model`), RECOPS_LLM_BASE_URL the server. What was answered once is never
    asked again; a limit stops between two questions, and the next call goes on. `recops run` asks too, before the stage
    that reads the answers.

    \b
      recops ask --dry-run
      recops ask keywords --max-tokens 200000
      recops ask && recops run
    """
    project, settings = open_project(verbose=verbose)
    from flows.asking.answer_shards import share
    from flows.asking.ask import ask as ask_server
    from flows.asking.ask import language_server, open_now, vectors_model
    from flows.asking.budget import Budget
    from flows.asking.telling import asked_lines, estimate_lines
    from flows.project.running.run_lock import hold
    from flows.terminal.activity import activity
    from models.language.writing.asking_params import Params

    params = project.section("language", Params)
    vectors = vectors_model(project)
    if params.model is None and vectors is None:
        raise UserError(
            "ask: language.model in params.yaml is null, so nobody's answers count; name a model there "
            "(docs/language.md), or embed.server.model and `server` among embed.encoders for vectors, or leave it: the "
            "local methods need none"
        )
    server = language_server(settings, params, vectors)
    if dry_run:
        for line in estimate_lines(open_now(project, settings, params, part), server):
            print(line)
        return
    if server is None:
        print("RECOPS_LLM_BASE_URL names no server: nothing was asked, the local methods write everything")
        return
    budget = Budget(
        max_tokens=settings.llm_max_tokens if max_tokens is None else max_tokens,
        max_cost=settings.llm_max_cost if max_cost is None else max_cost,
        max_seconds=settings.llm_max_seconds if max_seconds is None else max_seconds,
    )
    with (
        stoppable("nothing lost: what was answered is in the ledger"),
        activity("asking", verbose=verbose, silent=quiet),
    ):
        asked = ask_server(project, settings, params, server, budget, part)
    with hold(project.root, wait_s=WAIT_S):
        share(project, settings)
    for line in asked_lines(asked):
        print(line)


@app.command()
def item(item_id: Annotated[str, typer.Argument(help="The item's id.")]) -> None:
    """Print what is known and written of an item, and who wrote it.

    \b
      recops item b017
    """
    project, _ = open_project()
    from flows.asking.item_text import item_lines

    for line in item_lines(project, item_id):
        print(line)
