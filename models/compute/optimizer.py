"""Optimizer: AdamW with gradient clipping.

torch.optim has it too, but imports a compiler on first use. That takes four seconds, more than
training on a small log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

BETAS = (0.9, 0.98)
CLIP = 1.0  # maximum norm of a step's gradient
TINY = 1e-8


class Descent:
    """AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101); weight decay applies only to the parameters in `decaying`."""

    def __init__(self, parameters: Mapping[str, Tensor], decaying: Sequence[str], weight_decay: float) -> None:
        self.values = [value.detach() for value in parameters.values()]
        self.decays = [weight_decay if name in decaying else 0.0 for name in parameters]
        self.means = [torch.zeros_like(value) for value in self.values]
        self.squares = [torch.zeros_like(value) for value in self.values]
        self.steps = 0

    def step(self, gradients: Sequence[Tensor], learning_rate: float) -> None:
        """Updates the parameters in place; `gradients` have the same order and are overwritten."""
        self.steps += 1
        length = math.sqrt(sum(float((gradient * gradient).sum()) for gradient in gradients))
        first, second = (1 - beta**self.steps for beta in BETAS)
        for value, decay, mean, square, gradient in zip(
            self.values, self.decays, self.means, self.squares, gradients, strict=True
        ):
            if length > CLIP:
                gradient.mul_(CLIP / length)
            mean.lerp_(gradient, 1 - BETAS[0])
            square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            value.mul_(1 - learning_rate * decay)
            value.addcdiv_(mean, (square / second).sqrt_().add_(TINY), value=-learning_rate / first)
