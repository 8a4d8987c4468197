"""Commands between releases: `recops update`, `recops promote`, and what `recops release` does with --canary, --shadow
and --abort."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import RefusedError, UserError
from features.settings import Settings
from flows.cli.app import Quiet, Verbose, app, open_project, user_name
from flows.cli.stopping import stoppable
from flows.terminal.completion import release_ids

if TYPE_CHECKING:
    from models.release.trial import TrialOptions


@app.command()
def update(
    base: Annotated[
        str | None,
        typer.Option("--from", help="The release to update.", show_default="the live one", autocompletion=release_ids),
    ] = None,
    until: Annotated[
        int | None, typer.Option(min=0, help="The last event of the log that it learns.", show_default="the newest")
    ] = None,
    put_live: Annotated[
        bool, typer.Option("--release/--no-release", help="Put it live if it is not worse, or only make and judge it.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Put it live even if it is worse; needs --why.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, kept in the history.")] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Let the live release learn what was recorded since.

    Its retrievers learn the event log up to now; ranker, catalogue and texts stay. Each recent event is asked before it
    is learned, of the live parts and of the updated ones, and the update goes live when it is not worse. The same
    release, position and params give the same bundle. Exit 1: it was judged, and did not go live.

    \b
      recops update
      recops update --no-release
      recops update --from 20260131-120000-1a2b3c4d --until 5120 --no-release
    """
    project, settings = open_project(verbose=verbose)
    if force and not why:
        raise UserError("--force needs --why: the reason that the history will show")
    from flows.preflight.preflight import preflight
    from flows.terminal.activity import activity

    preflight(project, settings)
    with (
        stoppable("what is live has not changed: `recops update` starts again"),
        activity("updating", verbose=verbose, silent=quiet),
    ):
        from flows.orchestration.server import choose_server

        choose_server(settings)
        from flows.update import update as update_release

        done = update_release(
            project,
            settings,
            who=user_name(),
            base=base,
            until=until,
            put_live=put_live,
            force=force,
            why=why,
        )
    if put_live and done.verdict is not None and done.release is None and not done.bundle_hash:
        raise RefusedError(done.text())
    print(done.text())


@app.command()
def promote(
    why: Annotated[str, typer.Option(help="The reason, kept in the history.")] = "promoted after its trial",
) -> None:
    """Put the release on trial live.

    It ends when all running services have it: exit 0, else 1 with the name and the reason of each that has not.

    \b
      recops promote
      recops promote --why "as many clicks, and fresher"
    """
    _, settings = open_project()
    from flows.releasing.followers import require_followed
    from models.release.store import ReleaseStore
    from models.release.trial import promote_trial

    print_trial(settings, ended=False)
    release = promote_trial(ReleaseStore(settings.home), who=user_name(), why=why)
    print(f"promoted: {release} is live")
    print(require_followed(settings.home, release))


def begin(settings: Settings, release: str, options: TrialOptions, *, who: str, why: str | None) -> None:
    """Tries a recorded release."""
    from dataclasses import asdict

    from models.release.store import ReleaseStore
    from models.release.trial import begin_trial

    begin_trial(ReleaseStore(settings.home), release, who=who, why=why or "tried by hand", **asdict(options))
    print_trial(settings)


def abort(settings: Settings, *, who: str, why: str | None) -> None:
    """Ends the trial that is under way."""
    from models.release.store import ReleaseStore
    from models.release.trial import abort_trial

    print_trial(settings, ended=False)
    trial = abort_trial(ReleaseStore(settings.home), who=who, reason=why or "ended by hand")
    print(f"{trial.release} is on trial no longer; {trial.against} answers everybody")


def print_trial(settings: Settings, *, ended: bool = True) -> None:
    """Prints the trial that is under way; with `ended` else how the last one of the live release ended."""
    from flows.health.on_trial import last_trial

    for line in last_trial(settings, ended=ended):
        print(line)
