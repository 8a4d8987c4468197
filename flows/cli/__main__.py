"""`recops`: the command line. It acts on the nearest folder upward that holds dvc.yaml."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from features.errors import RefusedError, UserError
from flows.cli import (  # noqa: F401  each adds its commands
    datasets,
    health,
    language,
    pipeline,
    promotion,
    records,
    releases,
    streams,
    visitors,
)
from flows.cli.app import app
from flows.cli.stopping import INTERRUPTED, StoppedError, end_soon

STOPPED = "stopped, nothing lost: what had finished stays, and the same command goes on from there"


def main() -> None:
    """Entry point: exit 0 done, 1 the answer is no, 2 the caller's mistake in one readable paragraph, 130 stopped."""
    command: Callable[..., Any] = typer.main.get_command(app)
    try:
        code = command(standalone_mode=False) or 0
    except UserError as error:
        _end(2, str(error))
    except RefusedError as error:
        _end(1, str(error))
    except StoppedError as error:
        end_soon()
        _end(INTERRUPTED, str(error))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        if type(error).__module__.startswith(("click", "typer")) and hasattr(error, "format_message"):
            _end(2, f"recops: {error.format_message()} (`recops --help` lists the commands)")
        raise
    if code == INTERRUPTED:  # Ctrl-C, which typer turns into this code without a word
        _end(code, STOPPED)
    sys.exit(code)


def _end(code: int, message: str) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
