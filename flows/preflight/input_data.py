"""Inputs: data and models that params.yaml names and that must be there before the first stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.importing.raw_folder import SIDECAR
from features.settings import Settings
from features.sources import SOURCES
from flows.preflight.mistakes import Mistake, rename
from flows.preflight.params_text import ParamsText
from flows.project.dataset import Project
from flows.project.under_dvc import RAW


def check_inputs(project: Project, settings: Settings, text: ParamsText, chosen: dict[str, Any]) -> Iterator[Mistake]:
    """The source, the imported tables, the reference data, the answers and the encoder.

    chosen: the file's values with the choices by profile made.
    """
    source = chosen.get("source")
    if isinstance(source, dict):
        yield from _source(project, text, source)
    language = chosen.get("language")
    answers = language.get("answers") if isinstance(language, dict) else None
    if isinstance(answers, str) and not (_there(project.root / answers) and (project.root / answers).is_dir()):
        remedy = _pull(project.root, answers, "set it to data/initial/answers: then the ledger of this home fills it.")
        yield Mistake(text.where("language", "answers"), f"the folder {answers} is missing", remedy)
    embed = chosen.get("embed")
    encoder = embed.get("encoder") if isinstance(embed, dict) else None
    for name, where in ((encoder, text.where("embed", "encoder")), (settings.encoder, "RECOPS_ENCODER")):
        if isinstance(name, str) and _is_path(name) and not (project.root / name).is_dir():
            yield Mistake(where, f"there is no folder '{name}'", "correct the path, or use the default: null.")


def _source(project: Project, text: ParamsText, source: dict[str, Any]) -> Iterator[Mistake]:
    name, given, reference = source.get("name"), source.get("input"), source.get("reference")
    if isinstance(name, str) and name not in SOURCES:
        remedy = rename(name, SOURCES, "`recops data import` writes this name")
        yield Mistake(text.where("source", "name"), f"there is no source '{name}'", remedy)
    if isinstance(given, str):
        yield from _input(project.root, text, given, simulated=name == "simulator" or str(name) not in SOURCES)
    if isinstance(reference, str) and not (_there(project.root / reference) and (project.root / reference).is_dir()):
        remedy = _pull(project.root, reference, "set it to data/initial: the next release makes it anew.")
        yield Mistake(text.where("source", "reference"), f"the folder {reference} is missing", remedy)


def _there(path: Path) -> bool:
    """Whether a path exists; False for a name that no file can have."""
    try:
        return path.exists()
    except OSError:
        return False


def _input(root: Path, text: ParamsText, given: str, *, simulated: bool) -> Iterator[Mistake]:
    path, where = root / given, text.where("source", "input")
    if not _there(path):
        importing = "run `recops data import SOURCE --path FILES` (`recops data sources` lists the sources)."
        yield Mistake(where, f"the input {given} is missing", _pull(root, given, importing))
    elif path.is_file() and not simulated:
        what = f"the input is the file {given}, which stands for the simulated world, but source.name is another"
        yield Mistake(where, what, f"set source.input to {RAW}, or source.name to simulator.")
    elif path.is_dir():
        gone = [name for name in ("interactions.parquet", SIDECAR) if not (path / name).is_file()]
        if gone:
            importing = "run `recops data import SOURCE --path FILES` again."
            yield Mistake(where, f"{given} lacks {' and '.join(gone)}", _pull(root, given, importing))


def _pull(root: Path, given: str, otherwise: str) -> str:
    """DVC knows the folder: it can be fetched."""
    if _there(root / f"{given}.dvc"):
        return f"run `dvc pull {given}.dvc` to fetch it from the DVC remote, or {otherwise}"
    return otherwise


def _is_path(encoder: str) -> bool:
    """Whether an encoder is named by a path: a name is `model` or `owner/model`."""
    return encoder.startswith((".", "/", "~")) or encoder.count("/") > 1
