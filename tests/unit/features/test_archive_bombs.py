"""Archive bombs: what unpacks to far too much ends in one paragraph that names the limit, in little memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import UserError
from features.importing.importer import import_source
from features.reading.packed.compression import LEAST_LIMIT, MOST_RATIO, check_size

MIB = 1 << 20
N = (LEAST_LIMIT >> 20) + 1  # MiB
HEADER = b"user_id,item_id\n"
BLOCK = b"0" * MIB


def joined(compress: Callable[[bytes], bytes]) -> bytes:
    """Compressed streams one behind the other, which unpack to N MiB."""
    return compress(HEADER) + compress(BLOCK) * N


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("interactions.csv", HEADER + BLOCK * N)
    return out.getvalue()


def zip_of_many() -> bytes:
    """No part of the table is large, all together are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(3):
            archive.writestr(f"interactions/part-{part}.csv", HEADER + BLOCK * (N // 2))
    return out.getvalue()


def tar_bomb() -> bytes:
    member = tarfile.TarInfo("interactions.csv")
    member.size = N * MIB
    return gzip.compress(member.tobuf()) + gzip.compress(BLOCK) * N + gzip.compress(bytes(1024))


def parquet_bomb() -> bytes:
    """A hundred million equal cells in some kilobytes."""
    out = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(N * MIB // 8, dtype=np.int8)), pa.array(["u"]))
    pq.write_table(pa.table({"user_id": column, "item_id": column}), out)
    return out.getvalue()


BOMBS = {
    "interactions.csv.gz": lambda: joined(gzip.compress),
    "interactions.csv.bz2": lambda: joined(bz2.compress),
    "interactions.csv.xz": lambda: joined(lzma.compress),
    "interactions.csv.zst": lambda: joined(lambda data: pa.Codec("zstd").compress(data, asbytes=True)),
    "data.zip": zip_bomb,
    "parts.zip": zip_of_many,
    "data.tar.gz": tar_bomb,
    "interactions.parquet": parquet_bomb,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_one_paragraph_with_the_limit(tmp_path: Path, name: str) -> None:
    bomb = BOMBS[name]()
    assert len(bomb) < N * MIB // MOST_RATIO
    (tmp_path / name).write_bytes(bomb)
    source = "parquet" if name.endswith("parquet") else "csv"
    with pytest.raises(UserError, match=f"{name}.*more than {MOST_RATIO} times as much.*archive bomb") as error:
        import_source(source, tmp_path / name, {}, tmp_path / "raw", False, None)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "raw").exists()


def test_a_file_of_honest_size_and_a_small_one_of_any_ratio_pass() -> None:
    check_size(LEAST_LIMIT, 1, "small")
    check_size(LEAST_LIMIT + MOST_RATIO, LEAST_LIMIT, "honest")
    with pytest.raises(UserError, match="takes of one file here"):
        check_size(1 << 50, 1 << 50, "larger than any memory")


def test_memory_that_runs_out_is_told_in_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / "interactions.csv").write_bytes(HEADER + b"u,i\n" * (60 * MIB // 4))
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from features.errors import UserError\n"
        "from features.importing.importer import import_source\n"
        "import features.sources.csv\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20),) * 2)\n"
        "try:\n"
        "    import_source('csv', Path(sys.argv[1]), {}, Path(sys.argv[1]) / 'raw', False, None)\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert "takes more memory than is free here" in done.stdout, done.stderr[-2000:]
