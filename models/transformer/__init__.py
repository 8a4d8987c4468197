"""The network of the retriever `sequence`: batches, loss, training and inference; no access to bundles."""
