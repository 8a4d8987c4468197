"""Resolved: what null and `auto` in params.yaml stood for when the models were trained, a file that stages depend on.

Params name the same file of weights and the same arithmetic on no two machines as long as they leave the choice to the
machine. `recops run` writes what this one chooses; a stage that would choose otherwise than the file says stops.
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
    """What a machine chooses where params.yaml leaves it the choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str
    """Name of the encoder of item texts."""
    encoder_sha256: str
    """Of its files."""
    precision: Exact
    """What `auto` stands for."""


def read_resolved(path: Path) -> Resolved:
    """What was recorded.

    Raises:
        UserError: there is no such file, or it is not what `recops run` writes.
    """
    try:
        return Resolved.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        reason = "there is no such file" if isinstance(error, OSError) else "it is not what `recops run` writes"
        raise UserError(f"{path}: {reason}; run `recops run`, which writes it anew") from None


def write_resolved(resolved: Resolved, path: Path) -> None:
    """The file, whole or not at all."""
    write_text(resolved.model_dump_json(indent=1) + "\n", path)


def check_precision(path: Path, recorded: Resolved, precision: Precision, param: str) -> None:
    """Stops a stage whose `auto` is another precision here than the one that is recorded.

    Raises:
        UserError: it is.
    """
    resolved = resolve("auto")
    if precision == "auto" and resolved != recorded.precision:
        raise UserError(
            f"{path}: precision {recorded.precision} is recorded, on this machine `auto` stands for {resolved}. "
            f"{REMEDY}; or name one of the two in params.yaml ({param})"
        )


def check_precision_of(path: Path, params: BaseModel, section: str) -> None:
    """`check_precision` of the params of a part, where it has a precision; `path` is read for no other.

    Raises:
        UserError: `auto` is another precision here than the one that is recorded.
    """
    precision = getattr(params, "precision", None)
    if precision is not None:
        check_precision(path, read_resolved(path), precision, f"{section}.precision")


def check_encoder(path: Path, recorded: Resolved, name: str, sha256: str) -> None:
    """Stops a stage whose encoder has other weights than the one that is recorded.

    Raises:
        UserError: it has.
    """
    if sha256 != recorded.encoder_sha256:
        raise UserError(
            f"{path}: encoder '{recorded.encoder}' (sha256 {recorded.encoder_sha256[:12]}…) is recorded, embed.encoder "
            f"(params.yaml) and RECOPS_ENCODER choose '{name}' (sha256 {sha256[:12]}…) on this machine. {REMEDY}; or "
            "choose the encoder that is recorded"
        )
