"""Answers to one query at a time: a bundle prepared once for the service, and the kernels that run it."""
