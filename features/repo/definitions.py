"""The objects that `feast apply` and `feast plan` find in this folder; the views are derived in views.py."""

from __future__ import annotations

from pathlib import Path

from features.repo.views import (
    CATEGORY_SERVICE,
    ITEM_VIEW,
    ONLINE_SERVICE,
    PROJECT,
    SERVICE,
    entities,
    project_of,
    services_of,
    views_of,
)

# relative to this folder, so that a project can be moved and its registry shared
FEATURES = Path("../../data/features")
HISTORIES = (
    FEATURES / "user_history.parquet"
)  # a release has it while it fills its namespace, from then on it is online

project = project_of(PROJECT)

user, item, category = (entities()[key] for key in ("user_id", "item_id", "category"))

_views = views_of(FEATURES, HISTORIES)
user_stats = _views["user_stats"]
item_stats = _views["item_stats"]
user_category_stats = _views["user_category_stats"]
user_history = _views["user_history"]
item_stats_online = _views[ITEM_VIEW]

_services = services_of(_views)
ranking_v1 = _services[SERVICE]
ranking_online_v1 = _services[ONLINE_SERVICE]
category_online_v1 = _services[CATEGORY_SERVICE]
