"""Stage validate: checks the tables against every rule; a broken one stops the pipeline, after the reports."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import ContractError, UserError
from features.files import write_text
from features.params import read_params, section
from features.schema import RAW_TABLES
from features.validation.expectations import Params
from features.validation.validate import validate
from flows.stages.entry import stage

TABLES = Path("data/tables")
STAMP = Path("data/validated.json")
PROFILE = Path("data/profile.json")
DOCS = Path("data/reports/docs")
CONTEXT = Path("data/gx")
REPORT = Path("data/reports/validation.json")

logger = logging.getLogger(__name__)


def main() -> None:
    """Reads tables and accepted profile; writes Data Docs and validation.json, then profile and stamp, or fails."""
    params = section("validate", Params)
    source = _json(TABLES / "source.json")
    validation = validate(
        {name: _read(TABLES / f"{name}.parquet") for name in RAW_TABLES},
        params,
        _json(Path(read_params()["source"]["reference"]) / "profile.json"),
        artificial_time=bool(source["artificial_time"]),
        goes_on=bool(source.get("events_through")),
        docs=DOCS,
        context=CONTEXT,
    )
    _write(validation.report(), REPORT)
    logger.info(
        "n_rules=%d n_failed=%d n_warnings=%d",
        len(validation.findings),
        len(validation.failed),
        len(validation.warned),
    )
    for finding in validation.warned:
        logger.warning("warning: %s", finding.sentence())
    validation.refuse(str(TABLES), f"{DOCS}/index.html")
    _write(validation.profile, PROFILE)
    _write({"accepted": True, "tables": _fingerprint(TABLES)}, STAMP)


def _fingerprint(folder: Path) -> str:
    """sha256 over the tables' names and contents: equal data give an equal stamp."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        total.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _read(path: Path) -> pl.DataFrame:
    """A table as it is: the schema suite checks its columns."""
    try:
        return pl.read_parquet(path)
    except FileNotFoundError:
        raise ContractError(f"no file {path}; run the stage that writes it (`dvc repro ingest`)") from None
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{path} is no readable parquet file: {error}; run `dvc repro -f ingest`") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no file {path}; run `dvc repro`, or `dvc pull` for what others made") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not readable as JSON: {error}; run `dvc checkout`") from None
    return loaded


def _write(content: dict[str, Any], path: Path) -> None:
    write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", path)


if __name__ == "__main__":
    stage(main)
