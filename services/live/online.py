"""The prepared form of a loaded recommender, which answers the requests of the service."""

from __future__ import annotations

from features.settings import Settings
from features.states.item_states import ItemInfo, ItemStates
from models.online.approximate import approximate
from models.online.best_products import MakeSearch, exact
from models.online.online_recommender import OnlineRecommender
from models.online.per_user.kept_hits import MAX_BYTES
from models.online.scoring.scorer import online_scorer
from models.recommender import Recommender


def online_form(
    recommender: Recommender,
    items: ItemStates,
    info: ItemInfo,
    make_search: MakeSearch = exact,
    kept_bytes: int = MAX_BYTES,
) -> OnlineRecommender:
    """items, info: those that its feature lookup reads; make_search: how products with all items are searched;
    kept_bytes: of retrievers' lists for users who ask again."""
    return OnlineRecommender(
        catalogue=recommender.catalogue,
        retrievers=dict(recommender.retrievers),
        score=online_scorer(recommender.ranker),
        reranker=recommender.reranker,
        k=recommender.k,
        explore=recommender.explore,
        bundle=recommender.bundle,
        items=items,
        info=info,
        make_search=make_search,
        kept_bytes=kept_bytes,
    )


def search_of(settings: Settings, bundle: str) -> MakeSearch:
    """How products with all items of a bundle (its hash) are searched: exactly, unless the settings say otherwise.

    At a fixed instant (replay) always exactly, as offline.
    """
    if settings.approximate_items is None or settings.at:
        return exact
    return approximate(settings.home / "cache" / "approximate", bundle, settings.approximate_items)
