"""Renamed params: the one table of old and new names, for the hint of a refusal and for parts saved under old names."""

from __future__ import annotations

from typing import Any

RENAMED = {
    "retrievers.cold_items.most_taught": "most_exact",
    "clean.burst_times": "burst_factor",
    "decide.guards.slice": "segment",
    "decide.slice": "segment",
    "evaluate.ladder_users": "cold_start_users",
    "ranker.draws": "n_seeds",
    "ranker.horizons.away": "returning",
    "ranker.horizons.in_session.draws": "n_seeds",
    "ranker.horizons.live": "in_session",
    "ranker.horizons.returning.draws": "n_seeds",
    "ranker.lightgbm.draws": "n_seeds",
    "retrieve.cuts": "n_cutoffs",
    "retrieve.live_queries": "rolling_queries",
    "retrieve.short_queries": "truncated_queries",
    "retrievers.als.size": "embedding_size",
    "retrievers.bpr.size": "embedding_size",
    "retrievers.sequence.size": "embedding_size",
    "retrievers.social.likeness": "similarity_weight",
    "retrievers.svd.size": "n_components",
}
"""Old path in params.yaml (positions in lists left out, sections by their new names) → the key's new name."""

UNSEEN_BY_DVC = ("size", "nfiles")
"""DVC's run cache leaves out keys of these names at any depth (dvc/stage/cache.py, treeverse/dvc#10296): after a change
of such a param it would check out what the old value made."""


def hint(path: str) -> str:
    """Half a sentence with the new name of a renamed param; empty for other names."""
    return f"it is called {RENAMED[path]} now" if path in RENAMED else ""


def with_new_names(section: str, values: dict[str, Any]) -> dict[str, Any]:
    """A section's values under today's names, at any depth; their order stays."""
    renamed = {}
    for name, value in values.items():
        current = RENAMED.get(f"{section}.{name}", name)
        renamed[current] = with_new_names(f"{section}.{current}", value) if isinstance(value, dict) else value
    return renamed


def unseen_by_dvc(values: Any, path: str = "") -> list[str]:
    """Dotted paths of all keys at any depth that DVC's run cache would not see."""
    if isinstance(values, list):
        return [unseen for item in values for unseen in unseen_by_dvc(item, path)]
    if not isinstance(values, dict):
        return []
    paths = []
    for name, value in values.items():
        key = f"{path}.{name}" if path else str(name)
        paths += [key] if name in UNSEEN_BY_DVC else []
        paths += unseen_by_dvc(value, key)
    return paths
