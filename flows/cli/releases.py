"""Commands on what is live: `recops release | rollback | releases | serve | gc`."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from features.errors import UserError
from flows.cli.app import Quiet, app, open_project


@app.command()
def release(
    force: Annotated[bool, typer.Option("--force", help="Put a refused bundle live; needs --why.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, kept in the history.")] = None,
    quiet: Quiet = False,
) -> None:
    """Put the judged bundle live: materialize, build the Bento, replay, swap."""
    project, settings = open_project()
    if force and not why:
        raise UserError("--force needs --why: the reason that the history will show")
    from flows.orchestration.server import choose_server

    logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
    choose_server(settings)
    from flows.release import release as release_bundle
    from models.release.store import ReleaseStore

    before = ReleaseStore(settings.home).live()
    done = release_bundle(project, settings, who=_who(), force=force, why=why)
    said = "live already: nothing released," if done.release == before else "released"
    fitted = f", fitted anew on all data from {done.judged[:12]}" if done.refit else ""
    print(f"{said} {done.release} (bundle {done.bundle_hash[:12]}{fitted})")


@app.command()
def rollback(
    release: Annotated[str | None, typer.Argument(help="A release; default: the one before.")] = None,
    why: Annotated[str, typer.Option(help="The reason, kept in the history.")] = "rolled back by hand",
) -> None:
    """Bring back the release before the live one, or a named one; done when the running services have loaded it."""
    _, settings = open_project()
    from flows.releasing.followers import require_followed
    from flows.releasing.rollback import rollback as roll_back

    done = roll_back(settings, release, who=_who(), why=why)
    live = f"{done.release.release} (bundle {done.release.bundle_hash[:12]})"
    print(f"rolled back to {live}" if done.changed else f"nothing changed: {live} is live")
    print(require_followed(settings.home, done.release.release))


history = typer.Typer(name="releases", invoke_without_command=True, rich_markup_mode=None)
app.add_typer(history)


@history.callback()
def releases(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(help="What was live at this instant, ISO-8601 with zone.")] = None,
    pin: Annotated[str | None, typer.Option(help="Keep this release from `recops gc`.")] = None,
    unpin: Annotated[str | None, typer.Option(help="Keep it no longer.")] = None,
) -> None:
    """History: what was live when; `show` says how a release is made again, `pull` restores one from DVC."""
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
    for span in store.history():
        print(f"{span.release}  {span.live_from} → {span.live_to or 'now':<32}  {span.who}: {span.why}")


@history.command()
def show(release: Annotated[str, typer.Argument(help="A release.")]) -> None:
    """What a release was made from, by hash, and how to make it again."""
    _, settings = open_project()
    from flows.releasing.lineage import described
    from models.release.store import ReleaseStore

    store = ReleaseStore(settings.home)
    spans = [span for span in store.history() if span.release == release]
    for line in described(store.read(release), spans):
        print(line)


@history.command()
def pull(
    release: Annotated[str, typer.Argument(help="A release of data/releases.")],
    live: Annotated[bool, typer.Option("--live", help="Put it live.")] = False,
) -> None:
    """Restore a release that was shared with `dvc push`."""
    project, settings = open_project()
    from flows.releasing.sharing import pull as restore
    from models.release.store import ReleaseStore

    for line in restore(project, settings, release):
        print(line)
    if live:
        ReleaseStore(settings.home).swap(release, who=_who(), why="restored from DVC")
        print(f"{release} is live")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Any host but loopback needs RECOPS_API_KEYS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    working_tree: Annotated[
        bool, typer.Option("--working-tree", help="Serve the code of this project instead of the release's Bento.")
    ] = False,
) -> None:
    """Serve the live release from the Bento that was built and replayed; follows the pointer."""
    open_project()
    arguments = [sys.executable, "-m", "services.serve", "--host", host, "--port", str(port)]
    arguments += ["--working-tree"] if working_tree else []
    os.execv(sys.executable, arguments)


@app.command()
def gc(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False) -> None:
    """Remove old releases, Bentos and online namespaces; keeps live, previous and pinned."""
    project, settings = open_project()
    from flows.releasing.gc import gc as collect

    for line in collect(settings, project, dry_run=dry_run) or ["nothing to remove"]:
        print(line)


def _who() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
