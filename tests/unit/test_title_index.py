"""Titles are found by the beginnings of their words, also with one letter wrong."""

from __future__ import annotations

import pytest

from services.api.search.title_index import TitleIndex

TITLES = ["The Matrix", "Matrix Reloaded", None, "Der Größte", "红楼梦", "Toy Story (1995)"]


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return TitleIndex(TITLES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mat", {0, 1}),
        ("MATRIX rel", {1}),
        ("rel matrix", {1}),
        ("grösste", {3}),
        ("红楼", {4}),
        ("199", {5}),
        ("", set()),
        ("?!", set()),
        ("toy matrix", set()),
    ],
)
def test_each_word_begins_a_word_of_the_title(index, text, found):
    assert index.find(text) == (found, False)


@pytest.mark.parametrize("text", ["matix", "mattrix", "matrux", "martix"])
def test_one_letter_may_be_missing_too_many_another_or_swapped(index, text):
    assert index.find(text) == ({0, 1}, True)


@pytest.mark.parametrize("text", ["tyo", "natrix", "mtaxri"])
def test_short_words_the_first_letter_and_two_mistakes_are_not_mended(index, text):
    assert index.find(text) == (set(), False)
