"""The command line's frame: the app, settings of the process, and the project folder that a command acts on."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.settings import Settings, read_settings
from features.telemetry import quiet_telemetry

if TYPE_CHECKING:
    from flows.project.dataset import Project

app = typer.Typer(
    name="recops",
    help="From raw interactions to a judged, released and served recommender.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the result.")]


def begin(quiet: bool = False) -> Settings:
    """Settings of this process, telemetry off, logging by the person's wish."""
    settings = read_settings()
    quiet_telemetry()
    level = logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for package in ("flows", "models", "features"):
        logging.getLogger(package).setLevel(level)
    return settings


def open_project() -> tuple[Project, Settings]:
    """The project that a command acts on, which becomes the current folder, and the settings of this process."""
    from flows.project.dag import project_root
    from flows.project.dataset import Project

    root = project_root(Path.cwd())
    os.chdir(root)
    return Project(root), begin()
