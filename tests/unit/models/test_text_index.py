"""The text index: BM25 by hand, phrases, and items that join later."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.language.search.item_search import ItemSearch
from models.language.search.stems import english_stem, german_stem
from models.language.search.text_index import ItemTexts, TextIndex

ITEMS = [
    ItemTexts(title="Red tents", description="for two"),
    ItemTexts(title="Blue kettle", labels=["camping"], description="a kettle"),
    ItemTexts(),
]


def test_a_score_is_bm25_of_the_weighted_words():
    index = TextIndex.of(ITEMS)
    # lengths 3·2 + 1·2 = 8, 3·2 + 2·1 + 1·2 = 10, 0: their mean over items with a text is 9
    rarity = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    expected = rarity * 3 * 2.2 / (3 + 1.2 * (0.25 + 0.75 * 8 / 9))
    assert index.scores("TENT") == pytest.approx([expected, 0, 0])
    often = rarity * 4 * 2.2 / (4 + 1.2 * (0.25 + 0.75 * 10 / 9))
    assert index.scores("kettles") == pytest.approx([0, often, 0])
    assert index.scores("tent kettle") == pytest.approx([expected, often, 0])
    assert not index.scores("unknown").any()


def test_a_phrase_is_mentioned_where_all_its_words_are():
    index = TextIndex.of(ITEMS)
    assert index.mentions("two tents").tolist() == [True, False, False]
    assert index.mentions("blue tent").tolist() == [False, False, False]
    assert index.mentions("").tolist() == [False, False, False]
    assert index.has("blue tent")
    assert not index.has("green tent")


def test_items_that_join_are_found_and_change_no_score_of_the_others():
    index = TextIndex.of(ITEMS)
    grown = index.with_items([ItemTexts(title="Green tent")])
    np.testing.assert_array_equal(grown.scores("tent")[:3], index.scores("tent"))
    assert grown.scores("tent")[3] > 0
    assert grown.scores("green").tolist()[:3] == [0, 0, 0]
    assert grown.scores("green")[3] > 0
    assert grown.n_items == 4


def test_without_an_encoder_the_words_alone_answer():
    fit = ItemSearch(TextIndex.of(ITEMS)).fit("blue kettle")
    assert fit.scores.tolist() == [0, 1, 0]
    assert not fit.by_vectors.any()


@pytest.mark.parametrize(
    ("word", "stem"),
    [("tents", "tent"), ("berries", "berry"), ("glasses", "glass"), ("glass", "glass"), ("bus", "bus"), ("gas", "gas")],
)
def test_a_plural_is_its_singular(word, stem):
    assert english_stem(word) == stem


@pytest.mark.parametrize("word", ["lustig", "lustige", "lustiger", "lustigen", "lustiges", "lustigem"])
def test_endings_of_a_case_do_not_count(word):
    assert german_stem(word) == "lustig"
