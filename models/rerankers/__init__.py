"""Rerankers by name; a new one is one file here and one line below."""

RERANKERS = {
    "mmr": "models.rerankers.mmr:Mmr",
}
