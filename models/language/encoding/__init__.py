"""How texts and pictures become vectors: fixed batches, vectors by text hash, what encoders are given; no encoder."""
