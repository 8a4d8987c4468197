"""Network: the causal transformer in torch, for training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.transformer.shape import EPSILON, GAPS, Shape

SPREAD = 0.05  # standard deviation of an item vector's initial entries


@dataclass(frozen=True)
class Hiding:
    """Dropout of a training step, with a separate generator so that steps can be split over threads.

    share: of a state's entries or of items, in steps of 1/256; torch's float samples take four times as long.
    """

    share: float
    chance: np.random.Generator

    def __call__(self, state: Tensor) -> Tensor:
        """Sets random entries of a state to 0 and scales the others up."""
        hidden = round(256 * self.share)
        return state * self._kept(state.shape, hidden) * (256 / (256 - hidden)) if hidden else state

    def rows(self, vectors: Tensor) -> Tensor:
        """Sets random rows to 0."""
        hidden = round(256 * self.share)
        return vectors * self._kept((len(vectors), 1), hidden) if hidden else vectors

    def _kept(self, shape: Sequence[int], hidden: int) -> Tensor:
        drawn = np.frombuffer(self.chance.bytes(math.prod(shape)), dtype=np.uint8)
        return torch.from_numpy(drawn >= hidden).view(*shape)


class Network(nn.Module):
    """Next item from a history (Kang & McAuley 2018, doi:10.1109/ICDM.2018.00035) with later improvements.

    RMS normalization before each layer (arXiv 1910.07467), attention biased by distance in events (arXiv 1910.10683).
    Each event's input includes the time until the next event. An item's vector is a learned one plus a projection of
    its text; input and output share it.
    """

    def __init__(self, n_items: int, text: Tensor | None, shape: Shape, seed: int) -> None:
        super().__init__()
        size = shape.size
        self.shape, self.text = shape, text
        chance = torch.Generator().manual_seed(seed)

        def random(*sizes: int, spread: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*sizes, generator=chance) * spread)

        self.ids = random(n_items, size, spread=SPREAD)
        self.projection = random(0 if text is None else text.shape[1], size, spread=SPREAD)
        self.gaps = nn.Parameter(torch.zeros(GAPS, size))
        self.distances = nn.Parameter(torch.zeros(shape.layers, shape.heads, shape.length))
        self.norms = nn.Parameter(torch.ones(2 * shape.layers + 1, size))
        self.attend = random(shape.layers, size, 3 * size, spread=size**-0.5)
        self.merge = random(shape.layers, size, size, spread=(2 * shape.layers * size) ** -0.5)
        self.widen = random(shape.layers, size, 4 * size, spread=size**-0.5)
        self.narrow = random(shape.layers, 4 * size, size, spread=(8 * shape.layers * size) ** -0.5)

    def layers(self) -> list[nn.Parameter]:
        """All parameters except those of the item vectors, which come first."""
        return list(self.parameters())[2:]

    def vectors(self, hiding: Hiding, items: Tensor | None = None) -> Tensor:
        """(n, size) vectors of the given items or of all."""
        ids = self.ids if items is None else functional.embedding(items, self.ids)
        if self.text is None:
            return ids
        return hiding.rows(ids) + (self.text if items is None else self.text[items]) @ self.projection

    def forward(self, embedded: Tensor, gaps: Tensor, hiding: Hiding) -> Tensor:
        """(n, length, size) states after each event, from (n, length, size) vectors and (n, length) buckets of gaps."""
        n, length, size = embedded.shape
        state = hiding(embedded * size**0.5 + functional.embedding(gaps, self.gaps))
        places = torch.arange(length)
        apart = places[:, None] - places[None, :]
        later = torch.zeros(length, length).masked_fill(apart < 0, -torch.inf)
        for layer in range(self.shape.layers):
            bias = self.distances[layer][:, apart.clamp_min(0)] + later
            parts = self._norm(state, 2 * layer) @ self.attend[layer]
            query, key, value = parts.view(n, length, 3, self.shape.heads, -1).permute(2, 0, 3, 1, 4)
            weights = torch.softmax(query @ key.transpose(2, 3) * (size / self.shape.heads) ** -0.5 + bias, -1)
            merged = (weights @ value).transpose(1, 2).reshape(n, length, size)
            state = state + hiding(merged @ self.merge[layer])
            wide = torch.relu(self._norm(state, 2 * layer + 1) @ self.widen[layer])
            state = state + hiding(wide @ self.narrow[layer])
        return self._norm(state, 2 * self.shape.layers)

    def _norm(self, state: Tensor, number: int) -> Tensor:
        return functional.rms_norm(state, (state.shape[-1],), self.norms[number], EPSILON)
