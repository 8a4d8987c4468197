"""Ingest: the tables that the pipeline starts from, imported or simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from features.errors import UserError
from features.importing.raw_folder import read_raw, read_sidecar
from features.params import parse
from features.schema import RAW_TABLES
from features.simulation.parameters import Params as SimulatorParams
from features.sources.simulator import read


class Params(BaseModel):
    """Section `source`, which `recops data import` writes."""

    model_config = ConfigDict(extra="forbid")

    name: str = "simulator"
    """Which source the tables come from (`recops data sources`)."""
    input: str = "data/raw"
    """The folder of imported tables; a file: nothing was imported, the simulated world takes their place."""
    line: str = ""
    """A mark of this line of data: an import without --append starts a new one."""
    reference: str = "data/initial"
    """The folder with the champion and the profile of the data accepted last."""
    simulator: dict[str, Any] = {}
    """Parameters of the simulated world (features/simulation/parameters.py)."""


def ingest(params: Params) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """The tables by name, and what source.json says of them.

    Raises:
        UserError: nothing was imported though another source than the simulator is named, or a table is broken.
    """
    folder = Path(params.input)
    if folder.is_dir():
        raw, sidecar = read_raw(folder), read_sidecar(folder)
        counts, through, id_key = dict(sidecar.counts), sidecar.events_through, sidecar.id_key
    elif params.name == "simulator":
        raw = read(parse("source.simulator", params.simulator, SimulatorParams))
        counts, through, id_key = dict(raw.counts), 0, ""
    else:
        raise UserError(
            f"params.yaml: source.name is '{params.name}', but source.input '{params.input}' is no folder of imported "
            f"tables; run `recops data import {params.name}`, or `dvc pull` for data that others imported"
        )
    tables: dict[str, pl.DataFrame] = {name: getattr(raw, name) for name in RAW_TABLES}
    info = {
        "source": params.name,
        "artificial_time": raw.artificial_time,
        "events_through": through,
        "n_rows": tables["interactions"].height,
        "n_side_rows": {name: frame.height for name, frame in tables.items() if name != "interactions"},
        "import_counts": counts,
        "quarantined": raw.quarantine.height,
    }
    if id_key:
        info["id_key"] = id_key
    return tables, info
