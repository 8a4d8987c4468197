"""Faults that Feast's command line shows as one paragraph."""

from __future__ import annotations

import click

from features.errors import UserError


class RepositoryError(UserError, click.ClickException):
    """The caller's mistake in the use of the Feast repository; `feast` prints the message instead of a traceback."""

    exit_code = 2
