"""Params of the simulated world, and its named random streams."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.arrays import MICROSECONDS_A_DAY, MICROSECONDS_A_SECOND


class Params(BaseModel):
    """The simulated bookshop. The same values give the same bytes; another seed is another world."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(1, ge=0)
    """Another seed is another world of the same kind."""
    n_users: int = Field(2000, ge=20)
    """People and bots together, signed up before or during the simulated time."""
    n_items: int = Field(800, ge=20)
    """Books, put on sale before or during the simulated time."""
    days: int = Field(60, ge=2)
    """Length of the simulated time."""
    start: datetime = datetime(2025, 1, 6, tzinfo=UTC)
    """First instant of the simulated time (UTC)."""

    sessions_a_day: float = Field(0.14, gt=0)
    """Mean visits of a person a day; people differ widely around it."""
    page_size: int = Field(10, ge=1)
    """Slots of the home page that every visit shows."""
    searches: float = Field(3.0, ge=0)
    """Mean items that a visitor picks on their own initiative in a visit, beside the home page."""
    search_pool: int = Field(64, ge=2)
    """Items that a searcher weighs before picking one; more follows taste more closely and costs time."""

    taste_size: int = Field(24, ge=4)
    """Dimensions of the latent tastes."""
    taste_strength: float = Field(12.0, ge=0)
    """How much taste decides; 0 makes everybody alike, so that popularity is all there is to learn."""
    hidden_share: float = Field(0.25, ge=0, le=1)
    """Weight of what readers feel but no text tells; more favors behavior over text."""
    drift: float = Field(0.4, ge=0, le=1)
    """How much of a person's taste has been replaced by the end of the simulated time."""
    mood: float = Field(0.6, ge=0)
    """How much a visit leans towards one of the person's interests; makes sequences predictable."""

    fame: float = Field(0.6, ge=0)
    """Spread of the items' steady popularity (log scale)."""
    wave: float = Field(1.4, ge=0)
    """Height of the fashions that lift a theme for some days (log scale)."""
    novelty: float = Field(1.5, ge=0)
    """Extra attention for an item at its arrival (log scale), halved every five days."""
    new_item_share: float = Field(0.35, ge=0, le=0.9)
    """Share of the items that arrive during the simulated time."""
    new_user_share: float = Field(0.3, ge=0, le=0.9)
    """Share of the users that sign up during the simulated time."""

    position_bias: float = Field(0.7, ge=0)
    """Slot p is looked at with probability p ** -position_bias; 0: every slot alike."""
    home_uniform: float = Field(0.2, gt=0, le=1)
    """Share of home slots drawn uniformly: the exploration that keeps every propensity above 0."""
    home_genre: float = Field(0.6, ge=0, le=1)
    """Share of home slots drawn from the genres of the person's profile; the rest follows popularity."""

    bot_share: float = Field(0.01, ge=0, le=0.5)
    """Share of users that are bots: a quarter crawlers, the rest paid accounts that praise chosen items."""
    crawl_events: int = Field(600, ge=1)
    """Views of a crawler within its one day."""
    friends: float = Field(6.0, ge=0)
    """Mean friends of a person; friends are alike in taste."""
    late_share: float = Field(0.02, ge=0, le=1)
    """Share of events that become known hours after they happened."""
    impressions: bool = False
    """Whether shown but not chosen items also become `impression` rows of the interactions."""
    exposures: bool = True
    """Whether what was shown is kept, with propensities; leave out to save memory with millions of users."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Params:
        if self.home_uniform + self.home_genre > 1:
            raise ValueError("home_uniform + home_genre must not exceed 1; lower one of them")
        if self.start.tzinfo is None:
            raise ValueError("start needs a time zone, e.g. 2025-01-06T00:00:00Z")
        if self.impressions and not self.exposures:
            raise ValueError("impressions needs exposures; set exposures: true")
        return self

    @property
    def start_at(self) -> int:
        """First instant [µs since 1970]."""
        return int(self.start.timestamp()) * MICROSECONDS_A_SECOND

    @property
    def end_at(self) -> int:
        """First instant after the simulated time [µs since 1970]."""
        return self.start_at + self.days * MICROSECONDS_A_DAY


def stream(params: Params, name: str) -> np.random.Generator:
    """The world's random generator for one purpose, independent of how much other purposes draw."""
    return np.random.default_rng(np.random.SeedSequence([params.seed, zlib.crc32(name.encode())]))
