"""Code shared by the retrievers: top-k, candidates, sparse and latent factors; no retriever (models/retrievers)."""
