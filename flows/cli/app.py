"""The command line's frame: the app, settings of the process, and the project folder that a command acts on."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from features.settings import Settings, read_settings
from features.telemetry import quiet_telemetry
from flows.orchestration.server import OUR_LOGGERS
from flows.terminal.screen import ScreenHandler

if TYPE_CHECKING:
    from flows.project.dataset import Project

ORDER = (
    *(
        "data",
        "run",
        "ask",
        "item",
        "evaluate",
        "recommend",
        "tune",
        "release",
        "update",
        "serve",
        "simulate",
        "chat",
        "releases",
        "rollback",
    ),
    *("replay", "status", "doctor", "events", "forget", "gc"),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"recops {version('recops')}")
        raise typer.Exit


class _InOrder(TyperGroup):
    """Lists commands in the order in which a person needs them."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="recops",
    cls=_InOrder,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result, no progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every log line instead of one line of progress.")]


@app.callback()
def recops(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """From raw interactions to a judged, released and served recommender.

    A first session:

    \b
      recops data import csv --path FOLDER    your tables (without: a simulated shop)
      recops run                              train, judge, decide
      recops release                          put the judged bundle live
      recops serve                            answer requests on http://127.0.0.1:3000

    It acts on the nearest folder upward that holds dvc.yaml. Exit codes: 0 done, 1 the answer is no, 2 a mistake in
    the call, the params or the data, 130 stopped.
    """


def begin(*, verbose: bool = False) -> Settings:
    """Settings of this process, telemetry off, warnings (with `verbose` all log lines) to standard error.

    The loggers take all lines in any case: a Prefect server's page of the run and the line of progress show them.
    """
    settings = read_settings()
    quiet_telemetry()
    handler = ScreenHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for package in OUR_LOGGERS:
        logging.getLogger(package).setLevel(logging.INFO)
    return settings


def open_project(*, verbose: bool = False) -> tuple[Project, Settings]:
    """The project that a command acts on, which becomes the current folder, and the settings of this process."""
    from flows.project.dag import project_root
    from flows.project.dataset import Project

    root = project_root(Path.cwd())
    os.chdir(root)
    return Project(root), begin(verbose=verbose)


def user_name() -> str:
    """Who runs this process."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
