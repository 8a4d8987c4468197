"""What retrievers share: the best k, candidates, sparse and latent factors; the retrievers are in models/retrievers."""
