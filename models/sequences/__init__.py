"""A causal transformer over a user's history: its shape, its batches, its training in torch, its answers in numpy."""
