"""Raters by name; a new one is one file here, one line below and its section in params.yaml."""

RATERS = {
    "autoencoder": "models.raters.autoencoder:Autoencoder",
    "bayesian_mf": "models.raters.bayesian_mf:BayesianMf",
    "biases": "models.raters.biases:Biases",
    "neural": "models.raters.neural:Neural",
    "neural_bce": "models.raters.neural:NeuralBce",
    "sgd_mf": "models.raters.sgd_mf:SgdMf",
    "svdpp": "models.raters.svdpp:Svdpp",
    "trees": "models.raters.trees:Trees",
}
