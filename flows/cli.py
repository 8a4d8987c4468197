"""`recops`: the command line. It acts on the nearest folder upward that holds dvc.yaml."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import RefusedError, UserError
from features.settings import Settings, quiet_telemetry

app = typer.Typer(
    name="recops",
    help="From raw interactions to a judged, released and served recommender.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="What can be imported, and importing it.", no_args_is_help=True, rich_markup_mode=None)
events_app = typer.Typer(help="The durable event log.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
app.add_typer(events_app, name="events")

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the result.")]


def main() -> None:
    """Entry point: exit 0 done, 1 the answer is no, 2 the caller's mistake in one readable paragraph."""
    command: Callable[..., Any] = typer.main.get_command(app)
    try:
        sys.exit(command(standalone_mode=False) or 0)
    except UserError as error:
        _end(2, str(error))
    except RefusedError as error:
        _end(1, str(error))
    except typer.Abort:
        _end(130, "stopped")
    except KeyboardInterrupt:
        _end(130, "stopped")
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")) and hasattr(error, "format_message"):
            _end(2, f"recops: {error.format_message()} (`recops --help` lists the commands)")
        raise


def _end(code: int, message: str) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)


def _begin(quiet: bool = False) -> Settings:
    """Settings of this process, telemetry off, logging by the person's wish."""
    from pydantic import ValidationError

    try:
        settings = Settings()
    except ValidationError as error:
        faults = "; ".join(f"RECOPS_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise UserError(f"environment: {faults}; unset it or give it a fitting value") from None
    quiet_telemetry(settings)
    level = logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for package in ("flows", "models", "features"):
        logging.getLogger(package).setLevel(level)
    return settings


def _project() -> tuple[Path, Settings]:
    from flows.dag import project_root

    root = project_root(Path.cwd())
    os.chdir(root)
    return root, _begin()


@data_app.command("sources")
def data_sources() -> None:
    """List what can be imported."""
    from features.importing import sources_table

    _begin()
    for name, what in sources_table():
        print(f"{name:<12} {what}")


@data_app.command("import")
def data_import(
    source: Annotated[str, typer.Argument(help="One of `recops data sources`.")],
    path: Annotated[Path | None, typer.Option(help="File or folder; without it the data cache is searched.")] = None,
    append: Annotated[bool, typer.Option("--append", help="Lengthen data/raw instead of replacing it.")] = False,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="csv, parquet: our column = theirs, e.g. user_id=customer.")
    ] = None,
    bad_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of bad rows that stops the import.")] = 0.05,
    quiet: Quiet = False,
) -> None:
    """Replace data/raw (and its .dvc) by a source's tables; section `source` of params.yaml says so."""
    given = path.absolute() if path else None
    root, settings = _project()
    from flows.sources import import_into_project

    options: dict[str, Any] = {"bad_share": bad_share}
    for pair in map_ or []:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise UserError(f"--map '{pair}' is not of the form ours=theirs, e.g. --map user_id=customer")
        options.setdefault("columns", {})[ours.strip()] = theirs.strip()
    report = import_into_project(root, settings, source, given, append=append, options=options)
    if not quiet:
        print(report.text())


@app.command()
def run(
    until: Annotated[str | None, typer.Option(help="Last stage to run.")] = None,
    quiet: Quiet = False,
) -> None:
    """Run the flow `train`: every stale stage of dvc.yaml, with or without a Prefect server."""
    root, settings = _project()
    from flows.dag import Dag

    logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
    from flows.server import choose_server
    from flows.upkeep import wanted_and_stale

    dag = Dag(root)
    wanted, stale = wanted_and_stale(dag, until)
    if not stale:
        print(f"nothing to do: all {len(wanted)} stages are up to date")
        return
    choose_server(settings)
    from flows.train import begin

    outcome = begin(dag, until, 0)
    print(f"ran {len(outcome.ran)} stages, {len(outcome.skipped)} were up to date")
    if until is None and not quiet:
        _print_verdict(root)


def _print_verdict(root: Path) -> None:
    report = root / "data" / "reports" / "decision.md"
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
    root, settings = _project()
    from flows.recommend import recommend_batch

    n_users, n_rows = recommend_batch(
        root, settings, out, users=users, user=user, bundle=bundle, k=k, at=at, include_seen=include_seen
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
    root, settings = _project()
    if task == "rating":
        if given:
            raise UserError("--task rating judges the raters of params.yaml; a bundle holds none: leave --bundle out")
        logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
        from flows.rating import evaluate_ratings

        print(evaluate_ratings(root))
        return
    if task != "ranking":
        raise UserError(f"--task '{task}' is not known; there are ['ranking', 'rating']")
    from flows.report import evaluation_text

    print(evaluation_text(root, given))


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
    root, settings = _project()
    from flows.tuning_proposal import accept as apply
    from flows.tuning_proposal import tasks_of, tune_params

    if accept:
        print(f"params.yaml: {apply(root)} values changed; `recops run` trains and judges with them")
        return
    from flows.tuning_data import check_there

    tasks_of(root, retriever or [])  # mistakes are told before a server is started
    tune_params(root, horizon)
    check_there(root)
    from flows.server import choose_server

    logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
    choose_server(settings)
    from flows.tune import tune_flow

    print(tune_flow(str(root), retriever or [], minutes, trials, horizon))


@app.command()
def release(
    force: Annotated[bool, typer.Option("--force", help="Put a refused bundle live; needs --why.")] = False,
    why: Annotated[str | None, typer.Option(help="The reason, kept in the history.")] = None,
    quiet: Quiet = False,
) -> None:
    """Put the judged bundle live: materialize, build the Bento, replay, swap."""
    root, settings = _project()
    if force and not why:
        raise UserError("--force needs --why: the reason that the history will show")
    from flows.server import choose_server

    logging.getLogger("flows").setLevel(logging.WARNING if quiet else logging.INFO)
    choose_server(settings)
    from flows.release import release as release_bundle
    from models.releases import ReleaseStore

    before = ReleaseStore(settings.home).live()
    done = release_bundle(root, settings, who=_who(), force=force, why=why)
    said = "live already: nothing released," if done.release == before else "released"
    fitted = f", fitted anew on all data from {done.judged[:12]}" if done.refit else ""
    print(f"{said} {done.release} (bundle {done.bundle_hash[:12]}{fitted})")


@app.command()
def rollback(
    release: Annotated[str | None, typer.Argument(help="A release; default: the one before.")] = None,
    why: Annotated[str, typer.Option(help="The reason, kept in the history.")] = "rolled back by hand",
) -> None:
    """Bring back the release before the live one, or a named one."""
    _, settings = _project()
    from flows.rollback import rollback as roll_back

    done = roll_back(settings, release, who=_who(), why=why)
    print(f"rolled back to {done.release} (bundle {done.bundle_hash[:12]})")


@app.command()
def releases(
    at: Annotated[str | None, typer.Option(help="What was live at this instant, ISO-8601 with zone.")] = None,
    pin: Annotated[str | None, typer.Option(help="Keep this release from `recops gc`.")] = None,
    unpin: Annotated[str | None, typer.Option(help="Keep it no longer.")] = None,
) -> None:
    """History: what was live when."""
    _, settings = _project()
    from models.releases import ReleaseStore

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


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Any host but loopback needs RECOPS_API_KEYS.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
) -> None:
    """The Bento service on the live release; it follows the pointer."""
    _project()
    arguments = [sys.executable, "-m", "services.serve", "--host", host, "--port", str(port)]
    os.execv(sys.executable, arguments)


@events_app.command("export")
def events_export() -> None:
    """Add the events since the last export to data/raw, exactly once."""
    root, settings = _project()
    from flows.retrain import export_events

    print(f"{export_events(root, settings)} events exported to data/raw")


@events_app.command("compact")
def events_compact() -> None:
    """Write the event log's new events into parquet shards under RECOPS_HOME."""
    _, settings = _project()
    from flows.compaction import compact_events

    print(compact_events(settings))


@events_app.command("verify")
def events_verify() -> None:
    """Check the event log and its shards against each other."""
    _, settings = _project()
    from flows.compaction import verify_events

    print(verify_events(settings))


@app.command()
def gc(dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False) -> None:
    """Remove old releases, Bentos and online namespaces; keeps live, previous and pinned."""
    _, settings = _project()
    from flows.gc import gc as collect

    for line in collect(settings, dry_run=dry_run) or ["nothing to remove"]:
        print(line)


def _who() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


if __name__ == "__main__":
    main()
