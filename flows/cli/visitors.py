"""Commands that use a running service: `recops simulate | chat`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from features.errors import UserError
from flows.cli.app import Quiet, Verbose, app, begin, open_project
from flows.cli.stopping import stoppable

SECONDS = 30.0


@app.command()
def simulate(
    url: Annotated[str, typer.Option(help="The running service.")] = "http://127.0.0.1:3000",
    rate: Annotated[float, typer.Option(min=0.01, max=1000, help="Visits a second, at random instants.")] = 5.0,
    seconds: Annotated[float | None, typer.Option(min=1, help="How long visitors arrive; 30 by default.")] = None,
    visits: Annotated[int | None, typer.Option(min=1, help="Instead of --seconds: so many visits.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other visits, choices and new items.")] = 1,
    key: Annotated[
        str, typer.Option(envvar="RECOPS_SIMULATE_KEY", show_envvar=True, help="Key of the service's API.")
    ] = "",
    new_items: Annotated[int, typer.Option(min=0, max=100, help="Items that are announced at /items meanwhile.")] = 0,
    json_: Annotated[Path | None, typer.Option("--json", help="Write every list and count there.")] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Let the simulated people act against a running service.

    They come at planned instants, ask for lists, choose by the world's truth and send events. The service must serve a
    release of this project's simulated world; what it is told stays in its event log.

    \b
      recops simulate --rate 20 --seconds 60
      recops simulate --visits 500 --new-items 10 --json visits.json
    """
    if seconds is not None and visits is not None:
        raise UserError("--seconds and --visits are given; leave out one of them")
    target = json_.absolute() if json_ else None
    project, _ = open_project(verbose=verbose)
    from flows.simulating.simulation import simulate as run
    from flows.simulating.simulation import world_params
    from flows.terminal.activity import activity

    params = world_params(project.source())
    for_s = None if visits is not None else seconds or SECONDS
    with (
        stoppable("what the service recorded so far stays in its event log"),
        activity("simulating", verbose=verbose, silent=quiet),
    ):
        tally = run(params, url, rate=rate, seconds=for_s, n_visits=visits, seed=seed, key=key, n_new=new_items)
    print(tally.text())
    if target is not None:
        from features.files import write_text

        write_text(json.dumps(tally.as_json(), indent=1) + "\n", target)


@app.command()
def chat(
    user: Annotated[str, typer.Option(help="Whose list it is; one who is not known will do.")],
    message: Annotated[str | None, typer.Argument(help="One message; without it you are asked for them.")] = None,
    url: Annotated[str, typer.Option(help="The running service.")] = "http://127.0.0.1:3000",
    k: Annotated[int, typer.Option(min=1, max=500, help="Items of a list.")] = 10,
    key: Annotated[
        str, typer.Option(envvar="RECOPS_CHAT_KEY", show_envvar=True, help="Key of the service's API.")
    ] = "",
) -> None:
    """Talk to a running service about what you look for.

    In English, German or Chinese; each message builds on those before it, and an empty line ends.

    \b
      recops chat --user u-17
      recops chat --user u-17 "a funny mystery under 15 euros, no horses"
    """
    begin()
    from flows.conversing.talking import Talk

    talk = Talk(url, user, k, key)
    if message is not None:
        print("\n".join(talk.say(message)))
        return
    asks = sys.stdin.isatty()
    if asks:
        print("What are you looking for? (an empty line ends)", file=sys.stderr)
    with stoppable("the conversation is kept by the service"):
        while line := _read(asks):
            try:
                print("\n".join(talk.say(line)), flush=True)
            except UserError as error:
                if not asks:
                    raise
                print(error, file=sys.stderr)


def _read(asks: bool) -> str:
    """The next line that was typed, "" at the end."""
    try:
        return input("> " if asks else "").strip()
    except EOFError:
        return ""
