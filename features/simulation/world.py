"""The simulated world: users, items, and the utility of each item for each user at an instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Float64, Int64
from features.simulation.items import Items, Waves, make_attributes, make_items, make_waves, unit_rows
from features.simulation.parameters import Params
from features.simulation.users import Users, make_users

THRESHOLD = 3.0


@dataclass(frozen=True, kw_only=True)
class World:
    """Users, items and trends of one world. Utilities are on the logit scale."""

    params: Params
    attributes: Float32
    users: Users
    items: Items
    waves: Waves

    @classmethod
    def make(cls, params: Params) -> World:
        """The world of these params; the same params give the same world."""
        attributes = make_attributes(params)
        return cls(
            params=params,
            attributes=attributes,
            users=make_users(params, attributes),
            items=make_items(params, attributes),
            waves=make_waves(params),
        )

    def tastes(self, users: Int64, at: Int64 | int) -> Float32:
        """(n, taste_size) unit rows: the users' tastes at their instants (one for all, or one each) [µs]."""
        params = self.params
        passed = (np.asarray(at, dtype=np.float64) - params.start_at) / (params.end_at - params.start_at)
        moved = (np.clip(passed, 0, 1) * params.drift).astype(np.float32)
        moved = np.broadcast_to(moved, users.shape)[:, None]
        return unit_rows((1 - moved) * self.users.start_tastes[users] + moved * self.users.end_tastes[users])

    def utilities(self, tastes: Float32, users: Int64, items: Int64) -> Float32:
        """(n, m): how row n's user, having that taste now, likes items (n, m) or (1, m); no matrix product, so that
        the order of the additions, and with it every bit, is the same everywhere."""
        liking = np.zeros((len(users), items.shape[1]), dtype=np.float32)
        for dimension in range(self.params.taste_size):
            liking += tastes[:, dimension, None] * self.items.vectors[dimension][items]
        liking *= np.float32(self.params.taste_strength)
        liking += self.items.quality[items]
        liking -= self.users.thrift[users][:, None] * self.items.price_z[items]
        return liking


def click_probability(utilities: Float32) -> Float64:
    """Probability that a person who looks at the item chooses it."""
    return 1 / (1 + np.exp(THRESHOLD - utilities.astype(np.float64)))
