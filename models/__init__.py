"""Everything that is learned or judged: retrievers, rankers, rerankers, the recommender, metrics, the gate, releases."""
