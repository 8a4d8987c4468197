"""Threads, precision, seeds and optimizers; independent of items and users."""
