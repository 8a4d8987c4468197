"""The rules for fields: the same answer for one text as for a column, and the answer that people expect."""

from __future__ import annotations

import random
import re

import polars as pl
import pytest

from features.fields import (
    BLANKS,
    ID_PATTERN,
    MAX_ID,
    NAME_PATTERN,
    first_fault,
    id_fault,
    id_faults,
    name_fault,
    name_faults,
    trim,
    trimmed,
    value_fault,
    value_fits,
)

ALPHABET = [*"abcXYZ019/._-", "ü", "東", "😀", *BLANKS, *map(chr, range(0x20)), "\x7f", "\x85", "\u200b", "null"]
WORDS = ["", "NULL", "None", "nan", "N/A", "\\N", "<NA>", "undefined", "na", "nil", "x" * 512, "x" * 513, "é" * 512]


def texts(n: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    drawn = ["".join(draw.choices(ALPHABET, k=draw.randint(0, 8))) for _ in range(n)]
    return [*WORDS, *(f" {word}\u3000" for word in WORDS), *drawn]


def test_a_column_is_judged_as_each_of_its_texts():
    given = texts(3000, 1)
    frame = pl.DataFrame({"text": given}).with_columns(trim(pl.col("text")))
    assert frame["text"].to_list() == [trimmed(text) for text in given]
    judged = frame.select(id=first_fault(id_faults(pl.col("text"))), name=first_fault(name_faults(pl.col("text"))))
    assert judged["id"].to_list() == [id_fault(trimmed(text)) for text in given]
    assert judged["name"].to_list() == [name_fault(trimmed(text)) for text in given]


def test_a_pattern_matches_what_is_trimmed_and_breaks_no_rule():
    given = texts(3000, 2)
    for pattern, fault in ((ID_PATTERN, id_fault), (NAME_PATTERN, name_fault)):
        for text in given:
            fits = re.search(pattern, text) is not None
            assert fits == (text == trimmed(text) and fault(text) is None), (text, pattern)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("u1", None),
        ("a b\u2028c", None),  # blanks inside stay
        ("nil", None),  # a name that people have
        ("x" * MAX_ID, None),
        ("x" * (MAX_ID + 1), "is longer than 512 characters"),
        ("", "is blank"),
        ("i\t2", "holds a control character"),
        ("\ud800", "holds a control character"),
    ],
)
def test_what_an_id_is(text, fault):
    assert id_fault(text) == fault


@pytest.mark.parametrize("word", ["NULL", "None", "nan", "\\N"])
def test_words_for_nothing_are_no_ids_but_may_name_an_event(word):
    assert "word for no value" in id_fault(word)
    assert name_fault(word) is None


def test_a_value_is_a_number_that_32_bits_hold():
    values = [0.0, -5.0, 3.4e38, 3.5e38, -1e300, float("inf"), float("nan")]
    expected = [True, True, True, False, False, False, False]
    assert [value_fault(value) is None for value in values] == expected
    fits = pl.DataFrame({"value": [*values, None]}).select(value_fits(pl.col("value"))).to_series().to_list()
    assert fits == [*expected, None]
