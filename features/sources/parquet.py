"""parquet: a folder with interactions.parquet and optionally items users relations item_vectors; or one file."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.packed.compression import check_size
from features.reading.packed.foreign import PARQUET, foreign_data
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, Sheet
from features.reading.table_folder import read_tables

ENDINGS = (".parquet",)
CELL = 4  # bytes


def read(path: Path, options: Options) -> RawTables:
    """Tables as the design names them; `rating` for `value`, `user_friends` for `relations`, a|b|c for lists."""
    return read_tables(path, ENDINGS, _sheet, options)


def _sheet(box: Archive, name: str, *, part: bool) -> Sheet | None:
    """One file; None where it holds a table without rows (our own exports and parts of tables do)."""
    shown = box.shown(name)
    data = box.read(name)
    if not data:
        if part:
            return None
        raise UserError(f"{shown}: the file is empty; expected a parquet file; write it again")
    if not data.startswith(PARQUET) and (foreign := foreign_data(data)):
        raise UserError(f"{shown}: this is {foreign}")
    try:  # arrow's reader refuses damaged files with an error, where polars' panics on the terminal
        file = pq.ParquetFile(io.BytesIO(data))
        check_size(_least_size(file), len(data), shown, at_least=True)
        frame = pl.DataFrame(file.read())
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        reason = str(error).split("\n", 1)[0]
        raise UserError(
            f"{shown}: no readable parquet file ({reason}); write it again, or use `csv` for text files"
        ) from error
    if not frame.width or not frame.height:
        return None
    clash = [column for column in frame.columns if column.startswith("_")]
    frame = frame.drop(clash).with_row_index(LINE, offset=1)
    return Sheet(frame.with_columns(pl.col(LINE).cast(pl.Int64), pl.lit(name).alias(FILE)), shown)


def _least_size(file: pq.ParquetFile) -> int:
    """Bytes that its columns take in memory at least: a few bytes of a file can stand for billions of equal cells."""
    return int(file.metadata.num_rows) * len(file.schema_arrow.names) * CELL
