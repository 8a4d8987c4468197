"""Prefect and processes: servers, notices, restarts, artifacts; nothing here knows a recommender."""
