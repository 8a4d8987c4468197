"""The network of the retriever `sequence`: batches, loss, training, inference; nothing here knows a bundle."""
