"""Arrays are mapped from their file: shared by all who read it, private to who writes into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.data.storage import read_arrays, write_arrays

ARRAYS = {
    "weights": np.arange(12, dtype=np.float32).reshape(3, 4),
    "offsets": np.array([0, 3, 9], dtype=np.int64),
    "positions": np.array([7, 1, 2], dtype=np.int32),
    "marks": np.array([True, False, True]),
    "none": np.zeros((0, 5), dtype=np.float64),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_arrays(ARRAYS, tmp_path / "arrays.safetensors")
    return tmp_path / "arrays.safetensors"


def test_arrays_come_back_as_they_were_written_and_as_the_library_reads_them(file: Path) -> None:
    arrays, by_library = read_arrays(file), load_file(file)
    assert list(arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        for read in (arrays[name], by_library[name]):
            assert read.dtype == array.dtype
            np.testing.assert_array_equal(read, array)
        assert arrays[name].flags.aligned and arrays[name].flags.c_contiguous


def test_what_is_read_stands_in_a_mapping_of_the_file(file: Path) -> None:
    weights = read_arrays(file)["weights"]
    base: object = weights
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    assert type(base).__name__ == "mmap"


def test_writing_into_an_array_changes_neither_the_file_nor_another_reader(file: Path) -> None:
    before, other = file.read_bytes(), read_arrays(file)["weights"]
    read_arrays(file)["weights"][0, 0] = -1
    assert other[0, 0] == 0
    assert file.read_bytes() == before


def test_a_file_that_is_cut_short_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ValueError, match="cut short"):
        read_arrays(file)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "arrays.safetensors"
    path.write_bytes(b"not what it says" * 10)
    with pytest.raises(ValueError, match="no safetensors header"):
        read_arrays(path)
