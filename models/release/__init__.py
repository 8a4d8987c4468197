"""Bundles, their plan, the refit and the store of releases; nothing here calls a recommender."""
