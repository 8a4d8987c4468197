"""Rankers by name; a new one is one file here, one line below and its section under `ranker` in params.yaml."""

RANKERS = {
    "fusion": "models.rankers.fusion:Fusion",
    "horizons": "models.rankers.horizons:Horizons",
    "lightgbm": "models.rankers.lightgbm:LightGbm",
    "linear": "models.rankers.linear:Linear",
    "mlp": "models.rankers.mlp:Mlp",
}
