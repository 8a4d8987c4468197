"""The nearest term of a word: misspelled and derived words find theirs, others none."""

from __future__ import annotations

from models.language.encoders.words import Words, WordsParams
from models.language.search.term_vectors import TermVectors

TEXTS = [
    *["gardens and roses, a garden", "gardens in the rain", "the garden gate"],
    *["a mystery in the fog", "mystery at sea", "one more mystery"],
    *["poetry for winter", "poetry of trains", "his poetry"],
]


def test_a_word_finds_the_term_whose_parts_it_shares_and_a_stranger_finds_none():
    near = TermVectors(Words.fit(TEXTS, WordsParams(n_directions=16)), ["gardens", "mystery", "poetry"])
    assert near.nearest(["gardn", "mystery", "xylophone", "a"]) == ["gardens", "mystery", None, None]
    assert near.nearest([]) == []
    assert near.nearest(["zzz"] * 20) == [None] * 20


def test_a_catalogue_without_terms_has_none_to_find():
    assert TermVectors(Words.fit(TEXTS, WordsParams(n_directions=16)), []).nearest(["gardens"]) == [None]
