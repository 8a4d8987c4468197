"""The encoder of words: any script, clipped repetition and length, a sealed fit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from features.errors import UserError
from models.language.encoders.imported import imported
from models.language.encoders.words import Words, parts_of, words_of
from models.language.encoding.embed_params import WordsParams

TEXTS = ["Red garden lamp", "Blue garden lamp", "Red kitchen clock", "Blue kitchen clock", None, "", "garden garden"]


def fitted(texts=TEXTS, **params) -> Words:
    return Words.fit(texts, WordsParams(n_directions=8, **params))


def test_words_are_lower_case_and_scripts_without_spaces_give_characters_and_pairs():
    assert list(words_of("Café-Bar, 3D!")) == ["café", "bar", "3d"]
    assert list(words_of("红色台灯 LED")) == ["红", "红色", "色", "色台", "台", "台灯", "灯", "led"]
    assert parts_of("ab") == Counter([" ab", "ab ", " ab "])


def test_texts_with_common_words_are_alike_and_empty_ones_have_no_vector():
    vectors = fitted().encode(TEXTS)
    assert np.linalg.norm(vectors[:4], axis=1) == pytest.approx(1, abs=1e-3)
    assert not vectors[4:6].any()
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[3] + 0.3
    assert not fitted().encode(["zzz"]).any()


def test_a_catalogue_of_chinese_texts_is_told_apart():
    texts = ["红色台灯", "蓝色台灯", "厨房时钟", "红色时钟"]
    vectors = fitted(texts).encode(texts)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


def test_a_misspelt_word_shares_its_parts():
    vectors = fitted().encode(["garden", "gardenn", "clock"])
    assert vectors[1] @ vectors[0] > vectors[1] @ vectors[2] + 0.3


def test_a_word_counts_no_more_often_than_texts_of_the_catalogue_repeat_words():
    words = fitted(repeats_quantile=0.5)
    assert words.most_repeats == 1
    assert np.array_equal(words.encode(["garden lamp"]), words.encode(["garden lamp lamp lamp"]))


def test_what_is_longer_than_any_text_of_the_catalogue_is_not_read():
    words = fitted()
    assert words.longest == 3 and words.longest_of_parts == 3
    assert np.array_equal(words.encode(["red garden lamp"]), words.encode(["red garden lamp blue clock"]))


def test_parts_are_thirds_and_of_a_short_text_all_of_it():
    words = fitted()
    parts = words.encode_parts(["red garden lamp", "lamp"])
    assert parts.shape == (2, 3, words.size)
    assert np.allclose(parts[0], words.encode(["red", "garden", "lamp"]), atol=1e-5)
    assert np.allclose(parts[1], words.encode(["lamp"] * 3), atol=1e-5)


def test_a_saved_encoder_gives_the_same_vectors_and_the_same_texts_the_same_bytes(tmp_path):
    words = fitted()
    words.save(tmp_path / "a")
    fitted().save(tmp_path / "b")
    assert np.array_equal(Words.load(tmp_path / "a").encode(TEXTS), words.encode(TEXTS))
    for name in ("words.parquet", "words.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_catalogue_without_texts_has_vectors_of_zeros():
    assert not Words.fit([None, ""], WordsParams()).encode([None, "word"]).any()


def test_imported_vectors_are_kernels_by_modality():
    frame = pl.DataFrame(
        {"item_id": ["a", "b", "x"], "modality": ["image"] * 3, "vector": [[3.0, 0.0], [1.0, 0.0], [9.0, 9.0]]},
        schema_overrides={"vector": pl.List(pl.Float32)},
    )
    assert imported(frame.clear(), ["a"]) == {}
    rows = imported(frame, ["c", "a", "b"])["imported.image"]  # mean (2, 0)
    assert rows.tolist() == [[0, 0], [1, 0], [-1, 0]]
    uneven = pl.concat(
        [frame, frame.head(1).with_columns(item_id=pl.lit("c"), vector=pl.lit([1.0], pl.List(pl.Float32)))]
    )
    with pytest.raises(UserError, match="expected one length"):
        imported(uneven, ["a", "b", "c"])
