"""FieldError: what a request or a message from outside has wrong, and in which field."""

from __future__ import annotations


class FieldError(ValueError):
    """A sender's fault. code: `malformed` where it is not JSON, else `invalid`; field: its path, None: the whole."""

    def __init__(self, message: str, *, field: str | None = None, code: str = "invalid") -> None:
        super().__init__(message)
        self.message, self.field, self.code = message, field, code
