"""Commands on data: `recops data …` and `recops events …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import UserError
from flows.cli.app import Quiet, Verbose, app, begin, open_project
from flows.cli.stopping import stoppable
from flows.terminal.completion import source_names

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
    source: Annotated[str, typer.Argument(help="One of `recops data sources`.", autocompletion=source_names)],
    path: Annotated[Path | None, typer.Option(help="File or folder; without it the data cache is searched.")] = None,
    interactions: Annotated[
        Path | None, typer.Option(help="Instead of --path: the file of interactions or orders, whatever its name.")
    ] = None,
    items: Annotated[Path | None, typer.Option(help="With --interactions: the file of items or products.")] = None,
    users: Annotated[Path | None, typer.Option(help="With --interactions: the file of users.")] = None,
    append: Annotated[bool, typer.Option("--append", help="Lengthen data/raw instead of replacing it.")] = False,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="csv, parquet: our column = theirs, e.g. user_id=customer.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="csv, parquet: one value for all rows, e.g. event=purchase.")
    ] = None,
    fill_down: Annotated[
        str | None,
        typer.Option(help="csv, parquet: column that names the order; its further rows take user and time from above."),
    ] = None,
    hash_ids: Annotated[
        bool, typer.Option("--hash-ids", help="Keep keyed hashes of user ids (e-mails); the key is RECOPS_ID_KEY.")
    ] = False,
    bad_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of bad rows that stops the import.")] = 0.05,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Import your tables: they replace data/raw, and its .dvc file.

    Section `source` of params.yaml says so afterwards; a failed import changes nothing.

    \b
      recops data import csv --path FOLDER
      recops data import csv --path orders --map user_id=customer --map item_id=sku
      recops data import movielens --path ml-1m.zip
    """
    given = path.absolute() if path else None
    files = {"interactions": interactions, "items": items, "users": users}
    options: dict[str, Any] = {
        "bad_share": bad_share,
        "files": {name: file.absolute() for name, file in files.items() if file},
        "columns": _pairs(map_, "--map", "ours=theirs, e.g. --map user_id=customer"),
        "constants": _pairs(set_, "--set", "column=value, e.g. --set event=purchase"),
        "order_column": fill_down,
    }
    project, settings = open_project(verbose=verbose)
    from flows.terminal.activity import activity

    chosen = {key: value for key, value in options.items() if value or key == "bad_share"}
    with (
        stoppable("nothing changed: data/raw is as it was before"),
        activity(f"importing {source}", verbose=verbose, silent=quiet),
    ):
        from flows.project.imports import import_into_project

        report = import_into_project(project, settings, source, given, append=append, options=chosen, hash_ids=hash_ids)
    if not quiet:
        print(report.text())
        print("next: recops run")


@data_app.command("vectors")
def data_vectors(
    images: Annotated[Path, typer.Option(help="Folder of pictures, named ITEM_ID.jpg, .png or .webp.")],
    model: Annotated[str, typer.Option(help="Name or path of a CLIP-like model of sentence-transformers.")],
    modality: Annotated[str, typer.Option(help="What these vectors are called, beside those of others.")] = "image",
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Make vectors of pictures of items, into data/raw.

    They take the place of those of the same modality; the retriever of new items reads them. Needs the package Pillow.

    \b
      recops data vectors --images photos --model clip-ViT-B-32
    """
    folder = images.absolute()
    project, settings = open_project(verbose=verbose)
    from flows.terminal.activity import activity

    with (
        stoppable("nothing changed: data/raw is as it was before"),
        activity("encoding pictures", verbose=verbose, silent=quiet),
    ):
        from flows.project.imports import add_item_vectors
        from models.language.encoding.pictures import picture_vectors

        pictures = picture_vectors(folder, model, modality)
        n_known = add_item_vectors(project, settings, pictures.rows)
    if not quiet:
        print(
            f"{n_known:,} items have a vector '{modality}'; {pictures.rows.height - n_known:,} pictures of none "
            "left out"
        )
        if pictures.unreadable:
            print(f"{len(pictures.unreadable):,} files are no pictures, e.g. {pictures.unreadable[0]}")
        print("next: recops run")


def _pairs(given: list[str] | None, flag: str, form: str) -> dict[str, str]:
    """`left=right` of a repeated option.

    Raises:
        UserError: one is of another form, or two have the same left side.
    """
    pairs: dict[str, str] = {}
    for text in given or []:
        left, equals, right = (part.strip() for part in text.partition("="))
        if not equals or not left or not right:
            raise UserError(f"{flag} '{text}' is not of the form {form}")
        if left in pairs:
            raise UserError(f"{flag} {left} is given twice, as '{pairs[left]}' and as '{right}'; leave one of them")
        pairs[left] = right
    return pairs


@events_app.command("export")
def events_export() -> None:
    """Add the events since the last export to data/raw, exactly once."""
    project, settings = open_project()
    from flows.project.imports import export_events

    print(export_events(project, settings).text())


@events_app.command("compact")
def events_compact() -> None:
    """Write new events into parquet shards; remove old ones.

    The shards lie under RECOPS_HOME; RECOPS_EVENT_RETENTION_DAYS says when an event leaves the database.
    """
    project, settings = open_project()
    from flows.compaction import compact_events, retire_events

    print(compact_events(settings))
    print(retire_events(project, settings))


@events_app.command("restore")
def events_restore() -> None:
    """Put events that only the shards hold back into the database.

    The database may be a new one.
    """
    _, settings = open_project()
    from flows.compaction import restore_events

    print(restore_events(settings))


@events_app.command("verify")
def events_verify() -> None:
    """Check the event log and its shards against each other."""
    _, settings = open_project()
    from flows.compaction import verify_events

    print(verify_events(settings))
