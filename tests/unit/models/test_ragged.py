"""Ragged arrays against lists of lists."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.ragged import Ragged, offsets_of, offsets_of_lengths, owners_of, ranges

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


def test_entries_that_are_sorted_by_row_are_grouped_by_it(ragged):
    assert lists(Ragged.grouped(ragged.owners, 4, ragged.values)) == ROWS
    assert lists(Ragged.grouped(ragged.owners, 6, ragged.values)) == [*ROWS, [], []]
    assert lists(Ragged.one_row(np.array([5, 6]))) == [[5, 6]]
    assert lists(Ragged.empty_rows(2, np.int32)) == [[], []]


def test_neither_one_row_nor_a_part_copies_its_entries(ragged):
    assert np.shares_memory(Ragged.one_row(ragged.values).values, ragged.values)
    assert np.shares_memory(ragged.part(2, 4).values, ragged.values)


def test_rows_are_made_of_entries_at_ranges_of_positions(ragged):
    last_two = ranges(np.array([3, 0]), np.array([2, 0]))
    assert lists(last_two) == [[3, 4], []]
    assert lists(ragged.take(last_two)) == [[4, 9], []]
    assert ragged.take(last_two).values.dtype == np.int32


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (1, 3), (2, 2), (3, 4)])
def test_a_part_is_a_slice_of_the_rows(ragged, start, stop):
    assert lists(ragged.part(start, stop)) == ROWS[start:stop]


@pytest.mark.parametrize("chosen", [[2, 0], [3, 3, 1], [-1, 2, -1], []])
def test_rows_are_taken_in_the_order_given_and_minus_one_is_empty(ragged, chosen):
    expected = [ROWS[row] if row >= 0 else [] for row in chosen]
    assert lists(ragged.rows(np.array(chosen, dtype=np.int64))) == expected


def test_nothing_is_taken_from_nothing():
    assert lists(Ragged.of_rows([], np.int32).rows(np.array([-1, -1]))) == [[], []]
