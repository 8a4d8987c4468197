"""Features of a request: Feast's online store and what a release carries; no training here."""
