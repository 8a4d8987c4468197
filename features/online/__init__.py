"""Features of a request: Feast's online store and the release's snapshot; no training here."""
