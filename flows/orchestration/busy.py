"""Busy: another run holds what this one needs. That is no failure of either."""

from __future__ import annotations

from features.errors import UserError


class BusyError(UserError):
    """Another run is under way in the same project or home; the flow run ends as `Skipped`, a command with code 2."""
