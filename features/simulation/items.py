"""Items of the simulated bookshop: true attributes, fame, and the instant from which each is on sale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import MICROSECONDS_A_DAY, Float32, Float64, Int64
from features.simulation.parameters import Params, stream
from features.simulation.words import GENRES, STYLES, THEMES

N_CIRCLES = 12
N_ATTRIBUTES = len(GENRES) + len(THEMES) + len(STYLES) + N_CIRCLES
FIRST_THEME = len(GENRES)
FIRST_STYLE = FIRST_THEME + len(THEMES)
FIRST_CIRCLE = FIRST_STYLE + len(STYLES)
NOVELTY_DAYS = 5 / np.log(2)
WEIGHTS = {"genre": 1.0, "theme": 1.0, "style": 0.6}


@dataclass(frozen=True, kw_only=True)
class Items:
    """Arrays in the order of `ids`.

    themes: (n_items, 3), -1 pads; circles: the readership that no text tells;
    vectors: (taste_size, n_items) unit columns; quality, fame: log scale; prices and their z-score within the shop.
    """

    ids: npt.NDArray[np.str_]
    genres: Int64
    themes: Int64
    styles: Int64
    circles: Int64
    vectors: Float32
    quality: Float32
    fame: Float64
    prices: Float64
    price_z: Float32
    created_at: Int64


@dataclass(frozen=True)
class Waves:
    """Fashions of the themes: (n_themes, n_waves) centres [days from the start], widths [days], heights (log scale)."""

    centres: Float64
    widths: Float64
    heights: Float64

    def at(self, day: float) -> Float64:
        """(n_themes,) extra attention on the log scale."""
        bumps = self.heights * np.exp(-0.5 * ((day - self.centres) / self.widths) ** 2)
        return np.asarray(bumps.sum(axis=1), dtype=np.float64)


def make_attributes(params: Params) -> Float32:
    """(n_attributes, taste_size) unit rows: genres, themes, styles, circles."""
    return unit_rows(stream(params, "attributes").standard_normal((N_ATTRIBUTES, params.taste_size)))


def make_waves(params: Params) -> Waves:
    """One fashion a theme every forty days, of random height up to `wave`."""
    rng = stream(params, "waves")
    shape = (len(THEMES), max(1, params.days // 40))
    return Waves(
        rng.uniform(0, params.days, shape), rng.uniform(3, 10, shape), params.wave * rng.uniform(0.2, 1, shape)
    )


def make_items(params: Params, attributes: Float32) -> Items:
    """The items; ids are in no order of anything."""
    rng = stream(params, "items")
    n_items = params.n_items
    genres = rng.choice(len(GENRES), n_items, p=_uneven(len(GENRES)))
    themes = _themes(rng, genres, n_items)
    styles = rng.choice(len(STYLES), n_items)
    circles = rng.choice(N_CIRCLES, n_items)
    theme_rows = np.where((themes >= 0)[..., None], attributes[FIRST_THEME + themes], np.float32(0))
    textual = (
        WEIGHTS["genre"] * attributes[genres]
        + WEIGHTS["theme"] * unit_rows(theme_rows.sum(axis=1))
        + WEIGHTS["style"] * attributes[FIRST_STYLE + styles]
    )
    hidden_part = unit_rows(
        attributes[FIRST_CIRCLE + circles] + 0.2 * unit_rows(rng.standard_normal((n_items, params.taste_size)))
    )
    hidden = params.hidden_share
    vectors = unit_rows((1 - hidden) * unit_rows(textual) + hidden * hidden_part)
    log_price = np.log([GENRES[genre].price for genre in genres]) + 0.35 * rng.standard_normal(n_items)
    return Items(
        ids=shuffled_ids("b", n_items, rng),
        genres=genres,
        themes=themes,
        styles=styles,
        circles=circles,
        vectors=np.ascontiguousarray(vectors.T),
        quality=(0.4 * rng.standard_normal(n_items)).astype(np.float32),
        fame=params.fame * rng.standard_normal(n_items),
        prices=np.exp(log_price).round(2).astype(np.float64),
        price_z=((log_price - log_price.mean()) / log_price.std()).astype(np.float32),
        created_at=_arrivals(params, rng, n_items),
    )


def attention(items: Items, waves: Waves, at: int, params: Params, subset: Int64 | None = None) -> Float64:
    """Popularity of each item (of `subset`) at the instant, log scale."""
    which = np.arange(len(items.ids)) if subset is None else subset
    by_theme = waves.at((at - params.start_at) / MICROSECONDS_A_DAY)
    themes = items.themes[which]
    fashion = np.where(themes >= 0, by_theme[themes], 0.0).sum(axis=1)
    age_days = np.maximum(at - items.created_at[which], 0) / MICROSECONDS_A_DAY
    log_weight = items.fame[which] + fashion + params.novelty * np.exp(-age_days / NOVELTY_DAYS)
    return np.asarray(log_weight, dtype=np.float64)


def unit_rows(rows: npt.NDArray[np.floating]) -> Float32:
    """Rows of length 1 (rows of zeros stay)."""
    lengths = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=-1, keepdims=True))
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def shuffled_ids(prefix: str, n: int, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    """n distinct ids of equal width in random order, so that an id tells nothing."""
    width = len(str(n - 1))
    return np.char.add(prefix, np.char.zfill(rng.permutation(n).astype(str), width))


def _uneven(n: int) -> Float64:
    share = 1 / (np.arange(n) + 4.0)
    return np.asarray(share / share.sum(), dtype=np.float64)


def _themes(rng: np.random.Generator, genres: Int64, n_items: int) -> Int64:
    """One to three different themes an item; a genre leans to some of them."""
    lean = rng.standard_normal((len(GENRES), len(THEMES)))
    noise = rng.gumbel(size=(n_items, len(THEMES)))
    best = np.argsort(-(lean[genres] + noise), axis=1, kind="stable")[:, :3]
    count = rng.choice([1, 2, 3], n_items, p=[0.25, 0.5, 0.25])
    return np.where(np.arange(3) < count[:, None], best, -1)


def _arrivals(params: Params, rng: np.random.Generator, n_items: int) -> Int64:
    """Instants [µs]: the stock of the last two years, then arrivals spread evenly over the simulated time."""
    is_new = rng.permutation(n_items) < round(params.new_item_share * n_items)
    back_days = rng.uniform(1, 730, n_items)
    forth_days = rng.uniform(0, params.days, n_items)
    days = np.where(is_new, forth_days, -back_days)
    return params.start_at + (days * 86_400).astype(np.int64) * 1_000_000
