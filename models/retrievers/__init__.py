"""Retrievers by name; a new one needs a file in this folder, a line below and a section in params.yaml."""

RETRIEVERS = {
    "als": "models.retrievers.als:Als",
    "bpr": "models.retrievers.bpr:Bpr",
    "cold_items": "models.retrievers.cold_items:ColdItems",
    "ease": "models.retrievers.ease:Ease",
    "graph": "models.retrievers.graph:Graph",
    "item_knn": "models.retrievers.item_knn:ItemKnn",
    "markov": "models.retrievers.markov:Markov",
    "popular": "models.retrievers.popular:Popular",
    "sequence": "models.retrievers.sequence:Sequence",
    "social": "models.retrievers.social:Social",
    "svd": "models.retrievers.svd:Svd",
    "text": "models.retrievers.text:Text",
    "user_knn": "models.retrievers.user_knn:UserKnn",
}
