"""Stage ingest: writes data/tables from the imported tables, or from the simulated world where nothing was imported."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from features.files import write_text
from features.importing.ingest import Params, ingest
from features.params import section
from features.schema import RAW_TABLES
from flows.stages.entry import stage

TABLES = Path("data/tables")

log = logging.getLogger(__name__)


def main() -> None:
    """Reads source.input, writes every table (empty ones too) and source.json."""
    tables, info = ingest(section("source", Params))
    shutil.rmtree(TABLES, ignore_errors=True)
    for name, table in RAW_TABLES.items():
        table.write(tables[name], TABLES / f"{name}.parquet")
    write_text(json.dumps(info, indent=2, sort_keys=True, ensure_ascii=False) + "\n", TABLES / "source.json")
    log.info("source=%s n_rows=%s artificial_time=%s", info["source"], info["n_rows"], info["artificial_time"])


if __name__ == "__main__":
    stage(main)
