"""Resolved: the values of null and `auto` in params.yaml at training time, in a file that stages depend on.

The weights file and the arithmetic may differ between machines where params.yaml leaves the choice to the machine.
`recops run` records this machine's choice; a stage whose choice would differ from the file stops.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import UserError
from features.files import write_text
from models.compute.precision import Exact, Precision, resolve

REMEDY = (
    "The results would be others than the file and dvc.lock say. Run `recops run`: it writes what this machine chooses "
    "and reruns what depends on it"
)


class Resolved(BaseModel):
    """A machine's choices where params.yaml leaves them open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str
    """Name of the encoder of item texts."""
    encoder_sha256: str
    """Hash of its files."""
    precision: Exact
    """Value of `auto`."""


def read_resolved(path: Path) -> Resolved:
    """Reads the recorded values.

    Raises:
        UserError: the file is missing or was not written by `recops run`.
    """
    try:
        return Resolved.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        reason = "there is no such file" if isinstance(error, OSError) else "it is not what `recops run` writes"
        raise UserError(f"{path}: {reason}; run `recops run`, which writes it anew") from None


def write_resolved(resolved: Resolved, path: Path) -> None:
    """Writes the file atomically."""
    write_text(resolved.model_dump_json(indent=1) + "\n", path)


def check_precision(path: Path, recorded: Resolved, precision: Precision, param: str) -> None:
    """Stops a stage if `auto` resolves to another precision than the recorded one.

    Raises:
        UserError: the precisions differ.
    """
    resolved = resolve("auto")
    if precision == "auto" and resolved != recorded.precision:
        raise UserError(
            f"{path}: precision {recorded.precision} is recorded, on this machine `auto` stands for {resolved}. "
            f"{REMEDY}; or name one of the two in params.yaml ({param})"
        )


def check_precision_of(path: Path, params: BaseModel, section: str) -> None:
    """Calls `check_precision` for a part's params if they have a precision; else `path` is not read.

    Raises:
        UserError: `auto` resolves to another precision than the recorded one.
    """
    precision = getattr(params, "precision", None)
    if precision is not None:
        check_precision(path, read_resolved(path), precision, f"{section}.precision")


def check_encoder(path: Path, recorded: Resolved, name: str, sha256: str) -> None:
    """Stops a stage if its encoder's weights differ from the recorded ones.

    Raises:
        UserError: the weights differ.
    """
    if sha256 != recorded.encoder_sha256:
        raise UserError(
            f"{path}: encoder '{recorded.encoder}' (sha256 {recorded.encoder_sha256[:12]}…) is recorded, embed.encoder "
            f"(params.yaml) and RECOPS_ENCODER choose '{name}' (sha256 {sha256[:12]}…) on this machine. {REMEDY}; or "
            "choose the encoder that is recorded"
        )
