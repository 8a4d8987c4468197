"""Commands on streams: `recops events consume | dead-letters`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.errors import UserError
from flows.cli.app import Quiet, open_project
from flows.cli.datasets import events_app
from flows.cli.stopping import StoppedError


@events_app.command("consume")
def events_consume(
    source: Annotated[
        str, typer.Argument(envvar="RECOPS_STREAM_URL", help="redis://, nats:// or kafka:// URL of the stream.")
    ],
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Messages fetched at once.")] = 1_000,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing more is there.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two log lines.")] = 10.0,
    metrics_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of Prometheus metrics; 0: none.")] = 0,
    metrics_host: Annotated[str, typer.Option(help="Where the metrics are served.")] = "127.0.0.1",
    quiet: Quiet = False,
) -> None:
    """Consume a stream into the event log, each event once.

    Ends after the commit under way on SIGTERM (exit 0) or Ctrl-C; may be killed at any instant without a loss. What
    cannot be recorded becomes a dead letter.

    \b
      recops events consume 'redis://127.0.0.1:6379/0?stream=events&group=recops'
      recops events consume 'nats://127.0.0.1:4222?stream=SHOP&subject=shop.events&durable=recops'
      recops events consume 'kafka://127.0.0.1:9092/events?group=recops'
    """
    project, settings = open_project(verbose=not quiet)
    from features.streams.counts import Counts
    from flows.streams.consume import consume

    def start(counts: Counts) -> None:
        if metrics_port:
            from features.streams.metrics import serve

            serve(counts, metrics_host, metrics_port)

    totals, interrupted = consume(
        project, settings, source, batch=batch, report_s=every, until_empty=until_empty, on_start=start
    )
    print(totals)
    if interrupted:
        raise StoppedError("stopped, nothing lost: the same command goes on from there")


@events_app.command("dead-letters")
def events_dead_letters(
    retry: Annotated[bool, typer.Option("--retry", help="Judge them again; record those that pass.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Delete them.")] = False,
    id_: Annotated[list[str] | None, typer.Option("--id", help="Only this letter; may be repeated.")] = None,
    body: Annotated[
        Path | None, typer.Option(help="With --retry and one --id: a file with its mended content.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest are listed.")] = 100,
) -> None:
    """List messages of streams that could not be recorded.

    \b
      recops events dead-letters
      recops events dead-letters --retry
      recops events dead-letters --id 4f0c1d2e3a4b5c6d --retry --body mended.json
      recops events dead-letters --drop
    """
    if retry and drop:
        raise UserError("--retry and --drop: choose one")
    if body is not None and not retry:
        raise UserError("--body needs --retry and one --id")
    project, settings = open_project()
    from flows.streams import letters

    if retry:
        print(letters.retry(project, settings, id_ or [], _read(body)))
    elif drop:
        print(letters.drop(settings, id_ or []))
    else:
        for line in letters.listed(settings, id_ or [], limit):
            print(line)


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"--body {path}: {error.strerror}; name a file that can be read") from None
