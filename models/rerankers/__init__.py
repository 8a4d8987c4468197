"""Rerankers by name; a new one needs a file in this folder and a line below."""

RERANKERS = {
    "calibrated": "models.rerankers.calibrated:Calibrated",
    "dpp": "models.rerankers.dpp:Dpp",
    "mmr": "models.rerankers.mmr:Mmr",
}
