"""Rerankers by name; a new one is one file here and one line below."""

RERANKERS = {
    "calibrated": "models.rerankers.calibrated:Calibrated",
    "dpp": "models.rerankers.dpp:Dpp",
    "mmr": "models.rerankers.mmr:Mmr",
}
