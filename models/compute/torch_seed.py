"""Torch with a fixed number of threads and a fixed seed; restores the process's settings afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def steady(seed: int, threads: int) -> Iterator[None]:
    """A context in which torch uses `seed` and `threads`, so that the same input gives the same bits."""
    import torch

    before, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_rng_state(state)
