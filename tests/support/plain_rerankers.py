"""The rerankers word for word as their formulas stand, item after item: slow, and what the quick ones must equal."""

from __future__ import annotations

import numpy as np

from features.arrays import Bool, Float32, Float64, Int32, Int64
from models.data.types import Catalogue
from models.interfaces import Reranker
from models.rerankers.calibrated import Calibrated
from models.rerankers.dpp import NOTHING_NEW, Dpp
from models.rerankers.greedy import VarietyParams
from models.rerankers.mmr import Mmr


def plain_order(reranker: Reranker, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
    """What `reranker.order` gives, with every step made of whole arrays anew."""
    for kind, order in ((Mmr, _mmr), (Dpp, _dpp), (Calibrated, _calibrated)):
        if isinstance(reranker, kind):
            return order(reranker, items, scores, catalogue, k)  # type: ignore[operator, no-any-return]
    raise TypeError(f"no plain form of {type(reranker).__name__}")


def _unit(scores: Float32) -> Float64:
    low, high = float(scores.min()), float(scores.max())
    return (scores.astype(np.float64) - low) / (high - low) if high > low else np.ones(len(scores))


def _and_the_rest(chosen: list[int], n_items: int, k: int) -> Int64:
    others = [index for index in range(n_items) if index not in chosen]
    return np.array((chosen + others)[:k], dtype=np.int64)


def _unchanged(params: VarietyParams, items: Int32, k: int) -> bool:
    return (params.relevance >= 1 and params.category_share >= 1) or min(params.depth, k, len(items)) < 2


def _allowed(free: Bool, categories: Int32, chosen: list[int], most: int) -> Bool:
    shown = categories[chosen]
    full = [category for category in np.unique(shown) if category >= 0 and (shown == category).sum() >= most]
    allowed: Bool = free & ~np.isin(categories, full)
    return allowed if allowed.any() else free


def _alike(pool: Int32, index: int, catalogue: Catalogue) -> Float64:
    if catalogue.vectors is not None:
        products = (catalogue.vectors[pool] @ catalogue.vectors[pool[index]]).astype(np.float64)
        clipped: Float64 = np.clip(products, -1.0, 1.0)
        return clipped
    tags = [set(catalogue.tags[item]) for item in pool]
    given = tags[index]
    return np.array([len(given & other) / len(given | other) if given or other else 0.0 for other in tags])


def _mmr(mmr: Mmr, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
    params, n_places = mmr.params, min(mmr.params.depth, k, len(items))
    if _unchanged(params, items, k):
        return np.arange(min(k, len(items)), dtype=np.int64)
    pool = items[: max(params.pool, n_places)]
    gain = params.relevance * _unit(scores[: len(pool)])
    most, unlike = int(np.ceil(params.category_share * n_places)), 1 - params.relevance
    free, nearest, chosen = np.ones(len(pool), dtype=np.bool_), np.zeros(len(pool)), list[int]()
    while len(chosen) < n_places:
        allowed = _allowed(free, catalogue.categories[pool], chosen, most)
        taken = int(np.argmax(np.where(allowed, gain - unlike * nearest, -np.inf)))
        chosen.append(taken)
        free[taken] = False
        nearest = np.maximum(nearest, np.maximum(_alike(pool, taken, catalogue), 0.0)) if unlike > 0 else nearest
    return _and_the_rest(chosen, len(items), k)


def _dpp(dpp: Dpp, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
    params, n_places = dpp.params, min(dpp.params.depth, k, len(items))
    if _unchanged(params, items, k):
        return np.arange(min(k, len(items)), dtype=np.int64)
    pool = items[: max(params.pool, n_places)]
    gain = params.relevance * _unit(scores[: len(pool)])
    most, unlike = int(np.ceil(params.category_share * n_places)), 1 - params.relevance
    free, residuals, chosen = np.ones(len(pool), dtype=np.bool_), np.ones(len(pool)), list[int]()
    factor = np.zeros((n_places, len(pool)))
    while len(chosen) < n_places:
        allowed = _allowed(free, catalogue.categories[pool], chosen, most)
        if unlike > 0 and (allowed & (residuals > NOTHING_NEW)).any():
            allowed = allowed & (residuals > NOTHING_NEW)
        values = gain + unlike * np.log(np.maximum(residuals, NOTHING_NEW))
        taken = int(np.argmax(np.where(allowed, values, -np.inf)))
        if residuals[taken] > NOTHING_NEW and unlike > 0:
            row = _alike(pool, taken, catalogue)
            row = row if catalogue.vectors is None else (1.0 + row) / 2.0
            row[taken] = 1.0
            shown = factor[: len(chosen)]
            row = (row - (shown * shown[:, taken, None]).sum(axis=0)) / np.sqrt(residuals[taken])
            factor[len(chosen)] = row
            residuals = np.maximum(residuals - row**2, 0.0)
        chosen.append(taken)
        free[taken] = False
    return _and_the_rest(chosen, len(items), k)


def _calibrated(calibrated: Calibrated, items: Int32, scores: Float32, catalogue: Catalogue, k: int) -> Int64:
    params, n_places = calibrated.params, min(calibrated.params.depth, k, len(items))
    if not len(items):
        return np.zeros(0, dtype=np.int64)
    relevance = _unit(scores)
    gain = relevance + calibrated._start(items, catalogue)
    best = np.argsort(-gain, kind="stable")
    if params.calibration <= 0 or n_places < 2:
        return best[:k].astype(np.int64)
    kinds, kind = np.unique(catalogue.categories[items], return_inverse=True)
    target = np.bincount(kind, relevance, minlength=len(kinds)) / relevance.sum()
    pool = best[: max(params.pool, n_places)]
    free, shown, chosen = np.ones(len(pool), dtype=np.bool_), np.zeros(len(kinds)), list[int]()
    while len(chosen) < n_places:
        costs = params.calibration * _divergences(target, shown, params.smoothing)[kind[pool]]
        taken = int(np.argmax(np.where(free, gain[pool] - costs, -np.inf)))
        chosen.append(taken)
        free[taken] = False
        shown[kind[pool[taken]]] += 1
    return best[_and_the_rest(chosen, len(items), k)]


def _divergences(target: Float64, shown: Float64, smoothing: float) -> Float64:
    def terms(counts: Float64) -> Float64:
        mixed = (1.0 - smoothing) * counts / (shown.sum() + 1.0) + smoothing * target
        ratio = np.divide(target, mixed, out=np.ones(len(target)), where=target > 0)
        parts: Float64 = target * np.log(ratio)
        return parts

    without = terms(shown)
    total: Float64 = without.sum() - without + terms(shown + 1.0)
    return total
