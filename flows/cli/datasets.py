"""Commands on data: `recops data …` and `recops events …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import UserError
from flows.cli.app import Quiet, app, begin, open_project

data_app = typer.Typer(help="What can be imported, and importing it.", no_args_is_help=True, rich_markup_mode=None)
events_app = typer.Typer(help="The durable event log.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data_app, name="data")
app.add_typer(events_app, name="events")


@data_app.command("sources")
def data_sources() -> None:
    """List what can be imported."""
    from features.importing.importer import sources_table

    begin()
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
    project, settings = open_project()
    from flows.project.imports import import_into_project

    options: dict[str, Any] = {"bad_share": bad_share}
    for pair in map_ or []:
        ours, equals, theirs = pair.partition("=")
        if not equals or not ours or not theirs:
            raise UserError(f"--map '{pair}' is not of the form ours=theirs, e.g. --map user_id=customer")
        options.setdefault("columns", {})[ours.strip()] = theirs.strip()
    report = import_into_project(project, settings, source, given, append=append, options=options)
    if not quiet:
        print(report.text())


@events_app.command("export")
def events_export() -> None:
    """Add the events since the last export to data/raw, exactly once."""
    project, settings = open_project()
    from flows.project.imports import export_events

    print(export_events(project, settings).text())


@events_app.command("compact")
def events_compact() -> None:
    """Write the event log's new events into parquet shards under RECOPS_HOME, and remove old ones from the database."""
    project, settings = open_project()
    from flows.compaction import compact_events, retire_events

    print(compact_events(settings))
    print(retire_events(project, settings))


@events_app.command("restore")
def events_restore() -> None:
    """Put the events that only the shards hold back into the database, which may be a new one."""
    _, settings = open_project()
    from flows.compaction import restore_events

    print(restore_events(settings))


@events_app.command("verify")
def events_verify() -> None:
    """Check the event log and its shards against each other."""
    _, settings = open_project()
    from flows.compaction import verify_events

    print(verify_events(settings))
