"""Details of an item beside its title, and what a request can filter by."""

from __future__ import annotations

import numpy as np

from services.api.answers import CategoryCount, FiltersAnswer, UserProfileAnswer
from services.errors import ApiError
from services.live.serving import Serving
from services.live.users.session import Session


def details_of(serving: Serving, position: int) -> tuple[str | None, float | None, str | None]:
    """Category, price and picture (an https address) of the item at a position; None for each that is not known."""
    catalogue = serving.recommender.catalogue
    code = catalogue.categories[position]
    picture = serving.pictures[position] if serving.pictures else None
    return catalogue.category_names[code] if code >= 0 else None, _price(catalogue.prices[position]), picture


def user_profile(serving: Serving, session: Session, user_id: str) -> UserProfileAnswer:
    """The answer of GET /users/{user_id}/profile; user_id: as the request names it.

    Raises:
        ApiError: 503, the online store does not answer: a part of a history tells of somebody else.
    """
    if session.fault is not None:
        raise ApiError(503, f"{session.fault}; try again in a moment")
    items, times = session.items[::-1].tolist(), session.times[::-1].tolist()
    said, by_model = serving.texts.profile(session.user_id, items, times)
    return UserProfileAnswer(
        user_id=user_id,
        profile=said.profile if said else None,
        likes=said.likes if said else [],
        dislikes=said.dislikes if said else [],
        new=said.new if said else [],
        written_by="model" if by_model else "local",
        release=serving.release.release,
    )


def filters(serving: Serving, limit: int) -> FiltersAnswer:
    """The answer of GET /filters: the `limit` largest categories, and the range of the prices."""
    catalogue = serving.recommender.catalogue
    counts = np.bincount(catalogue.categories[catalogue.categories >= 0], minlength=len(catalogue.category_names))
    largest = np.argsort(-counts, kind="stable")[:limit].tolist()
    prices = catalogue.prices[~np.isnan(catalogue.prices)]
    return FiltersAnswer(
        release=serving.release.release,
        categories=[CategoryCount(catalogue.category_names[code], int(counts[code])) for code in largest],
        n_categories=len(catalogue.category_names),
        n_items_with_price=len(prices),
        price_min=_price(prices.min()) if len(prices) else None,
        price_max=_price(prices.max()) if len(prices) else None,
    )


def _price(price: np.float32) -> float | None:
    """The shortest number that is this price: 12.99, not 12.989999771118164."""
    return None if np.isnan(price) else float(str(price))
