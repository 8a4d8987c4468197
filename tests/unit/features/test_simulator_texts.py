"""Texts of the simulated items: natural, varied, and telling what the item is."""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier

from features.simulation.scenario import small
from features.simulation.tables import truth
from features.simulation.words import GENRES, STYLES, THEMES
from features.sources.simulator import read

PARAMS = small(2, n_items=600, n_users=20)
TABLES = read(PARAMS)
TRUTH = truth(PARAMS)
ORDER = TRUTH.items(TABLES.items.get_column("item_id").to_list())
PROSE = (TABLES.items.get_column("title") + ". " + TABLES.items.get_column("description")).to_list()


def _probe(labels: np.ndarray) -> tuple[float, float]:
    """Accuracy of a linear probe on the second half of the items, and of always saying the commonest label."""
    half = len(labels) // 2
    words = TfidfVectorizer().fit(PROSE[:half])
    probe = RidgeClassifier().fit(words.transform(PROSE[:half]), labels[:half])
    chance = np.bincount(labels[half:]).max() / half
    return float((probe.predict(words.transform(PROSE[half:])) == labels[half:]).mean()), float(chance)


def test_a_linear_probe_reads_genre_theme_and_style_from_the_prose():
    items = TRUTH.world.items
    for labels in (items.genres, items.themes[:, 0], items.styles):
        accuracy, chance = _probe(labels[ORDER])
        assert accuracy > 3 * chance, (accuracy, chance)


def test_the_hidden_circle_cannot_be_read():
    accuracy, chance = _probe(TRUTH.world.items.circles[ORDER])
    assert accuracy < chance + 0.08


def test_category_is_the_genre_and_tags_are_themes_and_styles():
    assert set(TABLES.items.get_column("category")) <= {genre.name for genre in GENRES}
    known = {theme.tag for theme in THEMES} | {style.tag for style in STYLES}
    tags = TABLES.items.get_column("tags")
    assert set(tags.explode()) <= known
    assert tags.list.len().min() >= 1
    assert (tags.list.len() == tags.list.n_unique()).all()


def test_texts_are_varied_and_clean():
    assert TABLES.items.get_column("description").n_unique() > 0.97 * PARAMS.n_items
    assert TABLES.items.get_column("title").n_unique() > 0.6 * PARAMS.n_items
    for text in PROSE:
        assert "{" not in text
        assert "  " not in text
        assert text.endswith(".")


def test_prices_are_positive_and_differ_by_genre():
    prices = TABLES.items.group_by("category").agg(pl.col("price").median())
    assert TABLES.items.get_column("price").min() > 0
    by_genre = dict(prices.iter_rows())
    assert by_genre["business"] > by_genre["poetry"]
