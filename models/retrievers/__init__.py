"""Retrievers by name; a new one is one file here, one line below and its section in params.yaml."""

RETRIEVERS = {
    "ease": "models.retrievers.ease:Ease",
    "item_knn": "models.retrievers.item_knn:ItemKnn",
    "popular": "models.retrievers.popular:Popular",
    "sequence": "models.retrievers.sequence:Sequence",
    "text": "models.retrievers.text:Text",
    "user_knn": "models.retrievers.user_knn:UserKnn",
}
