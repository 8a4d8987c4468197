"""Everything that is learned or judged: retrievers, rankers, rerankers, recommender, metrics, gate, releases."""
