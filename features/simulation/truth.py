"""Truth of a simulated world: what each person would really choose; kept beside the tables, never in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from features.arrays import Float32, Float64, Int64
from features.errors import UserError
from features.simulation.log import instants
from features.simulation.parameters import Params
from features.simulation.visits import Shelf, examination
from features.simulation.world import World, click_probability


@dataclass(frozen=True)
class Truth:
    """Answers about users and items by their ids, at an instant [µs since 1970]."""

    world: World

    @property
    def user_ids(self) -> list[str]:
        """Every user, bots included."""
        return [str(user_id) for user_id in self.world.users.ids]

    @property
    def item_ids(self) -> list[str]:
        """Every item, in the order of the columns of `preferences` and `demand`."""
        return [str(item_id) for item_id in self.world.items.ids]

    @property
    def bots(self) -> list[str]:
        """Users that are no people, in ascending order."""
        return sorted(str(user_id) for user_id in self.world.users.ids[self.world.users.is_bot])

    def preference(self, user_ids: Sequence[str], item_ids: Sequence[str], at: int | Int64) -> Float64:
        """(n,) probability that user n, looking at item n at the instant, chooses it: no position, no fashion."""
        users, items = self.users(user_ids), self.items(item_ids)
        tastes = self.world.tastes(users, at)
        return click_probability(self.world.utilities(tastes, users, items[:, None])[:, 0])

    def preferences(self, user_ids: Sequence[str], at: int | Int64) -> Float64:
        """(n_users, n_items): `preference` of all items."""
        return click_probability(self._utilities(self.users(user_ids), at))

    def demand(self, user_ids: Sequence[str], at: int) -> Float64:
        """(n_users, n_items) expected choices of an item in one visit by a person who has not chosen it yet.

        This is what a recommender could know at best: preference, popularity and fashion of that day, and what
        the home page will show. 0 for items that are not on sale then. Bots: as if they were people.
        """
        users = self.users(user_ids)
        params = self.world.params
        shelf = Shelf.of(self.world, at)
        drawn = shelf.probability(users, np.arange(params.n_items)[None, :])
        utilities = self._utilities(users, at)
        looked_up = drawn * np.exp(utilities.astype(np.float64))
        looked_up *= params.searches / looked_up.sum(axis=1, keepdims=True)
        return np.asarray(
            drawn * click_probability(utilities) * examination(self.world).sum() + looked_up, dtype=np.float64
        )

    def popularity(self, at: int) -> Float64:
        """(n_items,) share of attention of each item on sale then, for everybody alike; sums to 1."""
        shelf = Shelf.of(self.world, at)
        share = np.zeros(self.world.params.n_items)
        share[shelf.items] = shelf.share
        return share

    def users(self, user_ids: Sequence[str]) -> Int64:
        """Positions of users in the world."""
        return _positions(user_ids, self._user_position, "user")

    def items(self, item_ids: Sequence[str]) -> Int64:
        """Positions of items in the world."""
        return _positions(item_ids, self._item_position, "item")

    def tables(self) -> dict[str, pl.DataFrame]:
        """The truth as parquet files for other tools: users, items and params (one JSON row)."""
        users, items = self.world.users, self.world.items
        return {
            "truth/users": pl.DataFrame(
                {
                    "user_id": self.user_ids,
                    "is_bot": users.is_bot,
                    "visits_a_day": users.visits,
                    "thrift": users.thrift,
                    "start_taste": users.start_tastes,
                    "end_taste": users.end_tastes,
                }
            ),
            "truth/items": pl.DataFrame(
                {
                    "item_id": self.item_ids,
                    "quality": items.quality,
                    "fame": items.fame,
                    "circle": items.circles,
                    "vector": np.ascontiguousarray(items.vectors.T),
                    "created_at": instants(items.created_at),
                }
            ),
            "truth/params": pl.DataFrame({"params": [self.world.params.model_dump_json()]}),
        }

    @classmethod
    def of(cls, params: Params) -> Truth:
        """The truth of the world of these params."""
        return cls(World.make(params))

    @classmethod
    def from_table(cls, params: pl.DataFrame) -> Truth:
        """The truth again from the table `truth/params`."""
        return cls.of(Params.model_validate_json(params.item(0, "params")))

    @cached_property
    def _user_position(self) -> dict[str, int]:
        return {user_id: position for position, user_id in enumerate(self.user_ids)}

    @cached_property
    def _item_position(self) -> dict[str, int]:
        return {item_id: position for position, item_id in enumerate(self.item_ids)}

    def _utilities(self, users: Int64, at: int | Int64) -> Float32:
        items = np.arange(self.world.params.n_items)[None, :]
        return self.world.utilities(self.world.tastes(users, at), users, items)


def _positions(ids: Sequence[str], known: dict[str, int], word: str) -> Int64:
    try:
        return np.fromiter((known[str(key)] for key in ids), dtype=np.int64, count=len(ids))
    except KeyError as error:
        raise UserError(
            f"simulator: no {word} {error} in this world; ask with the ids and params of one world"
        ) from None
