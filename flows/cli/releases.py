"""Commands on what is live: `recops release | rollback | releases | serve | gc`."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from features.errors import UserError
from flows.cli.app import Quiet, Verbose, app, open_project, user_name
from flows.cli.stopping import stoppable
from flows.terminal.completion import release_ids
from flows.terminal.screen import duration


@app.command()
def release(
    force: Annotated[bool, typer.Option("--force", help="Put a refused bundle live; needs --why.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, kept in the history.")] = None,
    canary: Annotated[
        float | None, typer.Option(min=0, max=100, help="Try it: this share of the users, in per cent, gets its lists.")
    ] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Try it: it answers too, and nobody sees it.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="End the trial that is under way.")] = False,
    of: Annotated[
        str | None,
        typer.Option(help="Try this recorded release instead of data/bundle.", autocompletion=release_ids),
    ] = None,
    max_error_rate: Annotated[
        float, typer.Option(min=0, max=1, help="A canary ends by itself when more of its lists fail.")
    ] = 0.01,
    max_p99_ratio: Annotated[
        float, typer.Option(min=1, help="Or when its p99 is more than so many times the live release's.")
    ] = 2.0,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Put the judged bundle live, or try it beside the live release.

    Its steps: fill the online store, build the Bento, replay test queries against it, replace the live pointer. Until
    the last one nothing that is served changes; running services follow within seconds.

    \b
      recops release
      recops release --force --why "the gate has too few queries"
      recops release --canary 5
      recops release --shadow
      recops release --abort --why "fewer clicks"
    """
    started = time.monotonic()
    project, settings = open_project(verbose=verbose)
    if force and not why:
        raise UserError("--force needs --why: the reason that the history will show")
    if abort + shadow + (canary is not None) > 1:
        raise UserError("--canary, --shadow and --abort exclude each other")
    if of is not None and not shadow and canary is None:
        raise UserError("--of names the release to try: say --canary PERCENT or --shadow too")
    from flows.cli import promotion
    from models.release.trial import TrialOptions

    if abort:
        promotion.abort(settings, who=user_name(), why=why)
        return
    options = None
    if shadow or canary is not None:
        options = TrialOptions(
            mode="shadow" if shadow else "canary",
            percent=100.0 if canary is None else canary,
            max_error_rate=max_error_rate,
            max_p99_ratio=max_p99_ratio,
        )
    if of is not None and options is not None:
        promotion.begin(settings, of, options, who=user_name(), why=why)
        return
    from flows.preflight.preflight import preflight
    from flows.terminal.activity import activity
    from models.release.store import ReleaseStore

    preflight(project, settings)
    before = ReleaseStore(settings.home).live()
    with (
        stoppable("what is live has not changed: `recops release` starts again"),
        activity("releasing", verbose=verbose, silent=quiet),
    ):
        from flows.orchestration.server import choose_server

        choose_server(settings)
        from flows.release import release as release_bundle

        done = release_bundle(project, settings, who=user_name(), force=force, why=why, trial=options)
    bundle = f"bundle {done.bundle_hash[:12]}"
    if options is not None:
        promotion.print_trial(settings)
        return
    if done.release == before:
        print(f"nothing to do: {bundle} is live already as {done.release}")
        return
    fitted = f", fitted anew on all data from {done.judged[:12]}" if done.refit else ""
    print(f"released {done.release} ({bundle}{fitted}) in {duration(time.monotonic() - started)}")
    if not quiet:
        from flows.releasing.sharing import shared_file

        print("Next: `recops serve` answers requests; a service that runs already has it within seconds")
        shared = shared_file(project, done.release)
        if shared.is_file():
            print(f"      commit {shared.relative_to(project.root)} and `dvc push` to share the release")


@app.command()
def rollback(
    release: Annotated[
        str | None, typer.Argument(help="A release's id.", show_default="the one before", autocompletion=release_ids)
    ] = None,
    why: Annotated[str, typer.Option(help="The reason, kept in the history.")] = "rolled back by hand",
) -> None:
    """Bring back the release before the live one, or another.

    It ends when all running services have loaded it: exit 0, else 1 with the name and the reason of each that has not.

    \b
      recops rollback
      recops rollback 20260131-120000-1a2b3c4d --why "clicks fell"
    """
    _, settings = open_project()
    from flows.releasing.followers import require_followed
    from flows.releasing.rollback import rollback as roll_back

    done = roll_back(settings, release, who=user_name(), why=why)
    live = f"{done.release.release} (bundle {done.release.bundle_hash[:12]})"
    print(f"rolled back to {live}" if done.changed else f"nothing changed: {live} is live")
    print(require_followed(settings.home, done.release.release))


history = typer.Typer(name="releases", invoke_without_command=True, rich_markup_mode=None)
app.add_typer(history)


@history.callback()
def releases(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(help="What was live at this instant, ISO-8601 with zone.")] = None,
    pin: Annotated[
        str | None, typer.Option(help="Keep this release from `recops gc`.", autocompletion=release_ids)
    ] = None,
    unpin: Annotated[str | None, typer.Option(help="Keep this release no longer.", autocompletion=release_ids)] = None,
) -> None:
    """Print what was live when, by whom and why.

    \b
      recops releases
      recops releases --at 2026-01-31T12:00:00+00:00
      recops releases show 20260131-120000-1a2b3c4d
      recops releases pull 20260131-120000-1a2b3c4d --live
    """
    if context.invoked_subcommand is not None:
        return
    _, settings = open_project()
    from models.release.store import ReleaseStore

    store = ReleaseStore(settings.home)
    for name, pinned in ((pin, True), (unpin, False)):
        if name:
            store.pin(name, pinned=pinned)
    if at:
        print(store.at(at) or f"nothing was live at {at}")
        return
    if not store.history():
        print("nothing was released yet (`recops release`)")
    from flows.cli import promotion

    for span in store.history():
        print(f"{span.release}  {span.live_from} → {span.live_to or 'now':<32}  {span.who}: {span.why}")
    promotion.print_trial(settings)


@history.command()
def show(release: Annotated[str, typer.Argument(help="A release's id.", autocompletion=release_ids)]) -> None:
    """Print what a release was made from, and how to make it again."""
    _, settings = open_project()
    from flows.releasing.lineage import described
    from models.release.store import ReleaseStore

    store = ReleaseStore(settings.home)
    spans = [span for span in store.history() if span.release == release]
    for line in described(store.read(release), spans):
        print(line)


@history.command()
def pull(
    release: Annotated[str, typer.Argument(help="The id of a release in data/releases.")],
    live: Annotated[bool, typer.Option("--live", help="Put it live.")] = False,
) -> None:
    """Restore a release that was shared with `dvc push`."""
    project, settings = open_project()
    from flows.releasing.sharing import pull as restore
    from models.release.store import ReleaseStore

    for line in restore(project, settings, release):
        print(line)
    if live:
        ReleaseStore(settings.home).swap(release, who=user_name(), why="restored from DVC")
        print(f"{release} is live")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Any host but loopback needs RECOPS_API_KEYS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
    working_tree: Annotated[
        bool, typer.Option("--working-tree", help="Serve the code of this project instead of the release's Bento.")
    ] = False,
) -> None:
    """Answer requests from the live release, and follow it.

    It runs the Bento that was built and replayed. Settings and stores are checked before it starts.

    \b
      recops serve
      RECOPS_API_KEYS=… recops serve --host 0.0.0.0 --port 8080
    """
    open_project()
    arguments = [sys.executable, "-m", "services.serve", "--host", host, "--port", str(port)]
    arguments += ["--working-tree"] if working_tree else []
    os.execv(sys.executable, arguments)


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
) -> None:
    """Remove old releases, their Bentos and online namespaces.

    The live, the previous and pinned releases are kept.

    \b
      recops gc --dry-run
    """
    project, settings = open_project()
    from flows.releasing.gc import gc as collect

    for line in collect(settings, project, dry_run=dry_run) or ["nothing to remove"]:
        print(line)
