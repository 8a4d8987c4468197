"""parquet: a folder with interactions.parquet and optionally items users relations item_vectors; or one file."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import UserError
from features.reading.archive import Archive
from features.reading.raw_tables import Options, RawTables
from features.reading.sheet import FILE, LINE, Sheet
from features.reading.table_folder import read_tables

ENDINGS = (".parquet",)


def read(path: Path, options: Options) -> RawTables:
    """Tables as the design names them; `rating` for `value`, `user_friends` for `relations`, a|b|c for lists."""
    return read_tables(Archive.open(path), ENDINGS, _sheet, options)


def _sheet(box: Archive, name: str) -> Sheet | None:
    """One file; None where it holds a table without rows (our own exports do)."""
    shown = box.shown(name)
    data = box.read(name)
    if not data:
        raise UserError(f"{shown}: the file is empty; expected a parquet file; write it again")
    try:  # arrow's reader refuses damaged files with an error, where polars' panics on the terminal
        frame = pl.DataFrame(pq.ParquetFile(io.BytesIO(data)).read())
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError) as error:
        said = str(error).split("\n", 1)[0]
        raise UserError(
            f"{shown}: no readable parquet file ({said}); write it again, or use `csv` for text files"
        ) from error
    if not frame.width or not frame.height:
        return None
    clash = [column for column in frame.columns if column.startswith("_")]
    frame = frame.drop(clash).with_row_index(LINE, offset=1)
    return Sheet(frame.with_columns(pl.col(LINE).cast(pl.Int64), pl.lit(name).alias(FILE)), shown)
