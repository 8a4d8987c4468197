"""Training of the mlp ranker: one hidden layer in torch, cross-entropy of each objective, one thread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from features.arrays import Float32
from models.compute.optimizer import Descent

LEAST_STEPS = 50  # per epoch: small data sets use smaller batches
LEAST_ROWS = 32


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training settings: a subset of the fields of the ranker's Params."""

    hidden: int
    epochs: int
    batch_rows: int
    learning_rate: float
    weight_decay: float
    seed: int


def train(inputs: Float32, labels: Float32, log_odds: Float32, recipe: Recipe) -> dict[str, Float32]:
    """Arrays `first` (n_inputs, hidden), `first_bias`, `second` (hidden, n_objectives), `second_bias`.

    inputs: (n_rows, n_inputs); labels: (n_rows, n_objectives) in {0, 1}; log_odds: (n_objectives,) of the base rates,
    from which the network starts. Random numbers come from numpy, sums run in one thread: equal inputs give equal
    bytes.
    """
    rng = np.random.default_rng(recipe.seed)
    n_inputs, n_objectives = inputs.shape[1], labels.shape[1]

    def drawn(rows: int, columns: int, scale: float) -> torch.Tensor:
        values = rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(scale)
        return torch.from_numpy(values).requires_grad_()

    network = {
        "first": drawn(n_inputs, recipe.hidden, max(n_inputs, 1) ** -0.5),
        "first_bias": torch.zeros(recipe.hidden, requires_grad=True),
        "second": drawn(recipe.hidden, n_objectives, 0.01),
        "second_bias": torch.from_numpy(log_odds.copy()).requires_grad_(),
    }
    descent = Descent(network, ["first", "second"], recipe.weight_decay)
    table, wanted = torch.from_numpy(inputs), torch.from_numpy(labels)
    size = min(recipe.batch_rows, max(len(inputs) // LEAST_STEPS, LEAST_ROWS))
    n_steps, step, before = recipe.epochs * -(-len(inputs) // size), 0, torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(recipe.epochs if len(inputs) else 0):
            for batch in torch.split(torch.from_numpy(rng.permutation(len(inputs))), size):
                hidden = torch.relu(table[batch] @ network["first"] + network["first_bias"])
                logits = hidden @ network["second"] + network["second_bias"]
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted[batch])
                gradients = torch.autograd.grad(loss, list(network.values()))
                rate = recipe.learning_rate * (0.02 + 0.98 * (1 + math.cos(math.pi * step / n_steps)) / 2)
                descent.step([gradient.contiguous() for gradient in gradients], rate)
                step += 1
    finally:
        torch.set_num_threads(before)
    return {name: value.detach().numpy() for name, value in network.items()}
