"""Ragged arrays against lists of lists."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.ragged import Ragged, offsets_of, offsets_of_lengths, owners_of

ROWS = [[3, 1], [], [4, 4, 9], [7]]


@pytest.fixture
def ragged() -> Ragged:
    return Ragged.of_rows([np.array(row, dtype=np.int32) for row in ROWS], np.int32)


def lists(ragged: Ragged) -> list[list[int]]:
    return [ragged[row].tolist() for row in range(len(ragged))]


def test_rows_come_back_as_they_were_given(ragged):
    assert lists(ragged) == ROWS
    assert ragged.offsets.tolist() == [0, 2, 2, 5, 6]
    assert ragged.values.dtype == np.int32
    assert lists(Ragged.of_rows([], np.int32)) == []


def test_lengths_and_owners_tell_the_same_as_the_offsets(ragged):
    assert ragged.lengths.tolist() == [2, 0, 3, 1]
    assert ragged.owners.tolist() == [0, 0, 2, 2, 2, 3]
    assert offsets_of(ragged.owners, 4).tolist() == ragged.offsets.tolist()
    assert offsets_of_lengths(ragged.lengths).tolist() == ragged.offsets.tolist()
    assert owners_of(ragged.offsets).tolist() == ragged.owners.tolist()
    assert offsets_of(np.zeros(0, dtype=np.int64), 3).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (1, 3), (2, 2), (3, 4)])
def test_a_part_is_a_slice_of_the_rows(ragged, start, stop):
    assert lists(ragged.part(start, stop)) == ROWS[start:stop]


@pytest.mark.parametrize("chosen", [[2, 0], [3, 3, 1], [-1, 2, -1], []])
def test_rows_are_taken_in_the_order_given_and_minus_one_is_empty(ragged, chosen):
    expected = [ROWS[row] if row >= 0 else [] for row in chosen]
    assert lists(ragged.rows(np.array(chosen, dtype=np.int64))) == expected


def test_nothing_is_taken_from_nothing():
    assert lists(Ragged.of_rows([], np.int32).rows(np.array([-1, -1]))) == [[], []]
