"""Errors by cause; each message says where, what was found, what was expected and what to do."""

from __future__ import annotations


class UserError(Exception):
    """The caller's mistake: shown as one readable paragraph, exit code 2."""


class ContractError(UserError):
    """Data that does not fit its Table."""


class RefusedError(Exception):
    """The work ran and its result is a refusal (a failed expectation, a refused bundle): exit code 1."""
