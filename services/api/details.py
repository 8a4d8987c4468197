"""Details of an item beside its title, and what a request can filter by."""

from __future__ import annotations

import numpy as np

from services.api.answers import CategoryCount, FiltersAnswer
from services.live.release import Serving


def details_of(serving: Serving, position: int) -> tuple[str | None, float | None, str | None]:
    """Category, price and picture (an https address) of the item at a position; None for each that is not known."""
    catalogue = serving.recommender.catalogue
    code = catalogue.categories[position]
    picture = serving.pictures[position] if serving.pictures else None
    return catalogue.category_names[code] if code >= 0 else None, _price(catalogue.prices[position]), picture


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
