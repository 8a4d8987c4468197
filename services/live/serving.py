"""A release ready to answer."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from features.arrays import Bool
from features.online.online_lookup import OnlineLookup
from features.privacy.hashed_ids import IdHasher
from models.language.writing.released_texts import ReleasedTexts
from models.online.online_recommender import OnlineRecommender
from models.recommender import Recommender
from models.release.bundle import Manifest
from models.release.store import Release
from services.live.catalogue_texts import CatalogueTexts
from services.live.items.growth import Growth, Mark
from services.live.items.live_items import LiveItems
from services.live.items.text_vectors import TextVectors
from services.live.sessions import Sessions


@dataclass(frozen=True, kw_only=True)
class Serving:
    """One release ready to answer; a request takes the reference once and keeps it to its end.

    pictures: the https address of each item's picture, in the order of the vocabulary; empty where no item has one;
    texts: what is written of items and users; catalogue_texts: the search over its items;
    items, growth, vectors: of what was posted and learned since; mark: what of it the recommender holds;
    learned_position: the log position of what its retrievers have learned, None: they do not.
    """

    release: Release
    manifest: Manifest
    recommender: Recommender
    lookup: OnlineLookup
    online: OnlineRecommender
    sessions: Sessions
    items: LiveItems
    growth: Growth
    vectors: TextVectors | None
    mark: Mark = Mark()
    learned_position: int | None = None
    users: pl.DataFrame
    loaded_at: int
    pictures: list[str | None]
    texts: ReleasedTexts
    catalogue_texts: CatalogueTexts
    hasher: IdHasher | None = None

    def stored_id(self, user_id: str) -> str:
        """A user's id as data and log of this release hold it: a hash where its data were imported with --hash-ids."""
        return self.hasher(user_id) if self.hasher else user_id

    def is_form_of(self, other: Serving | None) -> bool:
        """Whether both are one loaded release, before and after items joined it."""
        return other is not None and self.sessions is other.sessions

    def unavailable(self, at: int) -> Bool | None:
        """(n_items,) which items must not be offered at an instant [µs], every acknowledged change of items taken in;
        None when all may. Not to be changed."""
        self.items.follow()
        return self.items.unavailable(at, self.recommender.catalogue.n_items)
