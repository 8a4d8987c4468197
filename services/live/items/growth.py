"""Growth: a release's recommender with the items that were posted and the counts that were learned since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from features.arrays import Float32
from features.catalogue_changes.item_tables import as_catalogue, shown_fields
from features.events.event_log import EventLog
from features.states.growing_items import GrowingItemStates
from models.interfaces import Retriever
from models.language.encoders.words import Words
from models.learning.learner import Learned
from models.new_items.grown import Growing, NewRows
from models.new_items.released_part import ReleasedPart
from models.online.best_products import MakeSearch, exact
from models.online.online_recommender import OnlineRecommender
from models.recommender import Recommender
from services.live.items.live_items import LiveItems
from services.live.learning.release_learning import ReleaseLearning
from services.live.online import online_form


@dataclass(frozen=True)
class Mark:
    """What a recommender was made from: two that are alike are the same. content_seq: the newest change of what an item
    is; with_vectors: added items with a vector; learned: number of the learned state, 0: none."""

    content_seq: int = 0
    with_vectors: frozenset[str] = frozenset()
    learned: int = 0


@dataclass(frozen=True)
class Grown:
    """A recommender, its form for one query, what it was made from, and the log position of what it has learned."""

    recommender: Recommender
    online: OnlineRecommender
    mark: Mark
    learned_position: int | None = None


class Growth:
    """Makes the grown recommenders of one release; one thread at a time."""

    def __init__(
        self,
        released: Recommender,
        online: OnlineRecommender,
        states: GrowingItemStates,
        items: LiveItems,
        log: EventLog,
        make_search: MakeSearch = exact,
        learning: ReleaseLearning | None = None,
        words: Words | None = None,
    ) -> None:
        """learning: what the release learns between releases; None: nothing; words: the bundle's encoder of words."""
        self._words = words
        self.items, self.released, self.learning = items, released, learning
        self._make_search, self._online = make_search, online
        self._growing, self._states, self._log = Growing(released, online), states, log
        self._with_items = Grown(released, online, Mark())

    def mark(self, vectors: Mapping[str, Float32]) -> Mark:
        """What a recommender would now be made from."""
        version = self.learning.version if self.learning is not None else None
        return Mark(self.items.content_seq, frozenset(vectors), version.number if version is not None else 0)

    def grown(self, vectors: Mapping[str, Float32]) -> Grown:
        """vectors: of the texts of the items that were added, as far as they are there."""
        mark = Mark(self.items.content_seq, frozenset(vectors))
        if mark != self._with_items.mark:
            self._with_items = self._with_new_items(vectors, mark)
        grown, version = self._with_items, self.learning.version if self.learning is not None else None
        if version is None:
            return grown
        parts, online = self._learned_parts(version.learned, grown)
        return Grown(
            replace(grown.recommender, retrievers={**grown.recommender.retrievers, **parts}),
            online,
            replace(mark, learned=version.number),
            version.learned.position,
        )

    def as_of(self, recommender: Recommender, position: int) -> Recommender:
        """One of its recommenders with what was learned up to an earlier position of the log; that takes a moment."""
        if self.learning is None:
            return recommender
        parts, _ = self._learned_parts(self.learning.as_of(position), self._with_items)
        return replace(recommender, retrievers={**recommender.retrievers, **parts})

    def _learned_parts(self, learned: Learned, grown: Grown) -> tuple[dict[str, Retriever], OnlineRecommender]:
        """What has learned knows no newer items and steps aside for them, as it did before; and all in one form."""
        n_items, parts = self.released.catalogue.n_items, dict(learned.parts)
        if grown.recommender.catalogue.n_items > n_items:
            forms = self._online.with_parts(parts)
            parts = {name: ReleasedPart(part, n_items, *forms.forms_of(name)) for name, part in parts.items()}
        return parts, grown.online.with_parts(parts)

    def _with_new_items(self, vectors: Mapping[str, Float32], mark: Mark) -> Grown:
        added_ids = list(self.items.added)
        states = dict(self.items.states)
        added = as_catalogue([states[item_id] for item_id in added_ids], category_from_tags=True)
        vocabulary = self.released.catalogue.vocabulary
        changed = [state for item_id, state in sorted(states.items()) if item_id in vocabulary and shown_fields(state)]
        rows = NewRows(
            added=added,
            changed=as_catalogue(changed, category_from_tags=False),
            cleared={
                state.item_id: [name for name, value in state.fields.items() if value is None] for state in changed
            },
            vectors=vectors,
            words=self._words,
        )
        recommender = self._growing.grown(rows)
        self._add_states(recommender)
        return Grown(recommender, online_form(recommender, self._states, self._states.info, self._make_search), mark)

    def _add_states(self, recommender: Recommender) -> None:
        """States and facts of what is new in the vocabulary: an item of which nothing is known, until events come.

        Categories that the release's features do not know are unknown to them.
        """
        catalogue, start = recommender.catalogue, len(self._states.item_ids)
        new_ids = catalogue.vocabulary.item_ids[start:]
        if not new_ids:
            return
        codes = self._states.info.category_names
        code_of = {name: code for code, name in enumerate(codes)}
        names = catalogue.item_categories[start:]
        self._states.add(
            new_ids,
            np.array([-1 if name is None else code_of.get(name, -1) for name in names], dtype=np.int32),
            catalogue.prices[start:],
            catalogue.created_at[start:],
            self._log.read,
        )
