"""Softmax loss over all classes with its gradients, in blocks, so that the full logits are never stored."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

CELLS = 1 << 20  # size of a block of logits (tokens × classes): 2 or 4 MiB, fits a processor's cache


class SoftmaxLoss(torch.autograd.Function):
    """Weighted sum of -log softmax(hidden · classesᵀ + offsets)[target]; no offset is added to the target's logit.

    Matrix products and logits have the dtype `kind`, sums are float32. Offsets of 0 give the softmax over the classes;
    offsets of -log(sampling probability) give its importance-weighted estimate over all items (Bengio & Senécal 2008,
    doi:10.1109/TNN.2007.912312).
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        classes: Tensor,
        offsets: Tensor | None,
        targets: Tensor,
        weights: Tensor,
        kind: torch.dtype,
    ) -> Tensor:
        """hidden (n, size), classes (n_classes, size), offsets (n_classes,), targets (n,) int64, weights (n,)."""
        shares = weights.to(kind)
        states, vectors = hidden.to(kind), classes.to(kind)
        corrections = None if offsets is None else offsets.to(kind)
        to_hidden, to_classes = torch.empty_like(hidden), torch.zeros_like(classes)
        loss = torch.zeros((), dtype=torch.float32)
        step = max(1, CELLS // len(classes))
        for start in range(0, len(hidden), step):
            part = slice(start, start + step)
            wanted, share = targets[part, None], shares[part, None]
            cells = states[part] @ vectors.T
            if corrections is not None:
                logits_of_targets = cells.gather(1, wanted)
                cells.add_(corrections).scatter_(1, wanted, logits_of_targets)
            cells = torch.softmax(cells, 1)
            chance = cells.gather(1, wanted)
            loss -= (chance.float().clamp_min(1e-30).log() * share.float()).sum()
            cells.mul_(share).scatter_(1, wanted, (chance.float() - 1.0).to(kind) * share)
            to_hidden[part] = (cells @ vectors).float()
            to_classes += (cells.T @ states[part]).float()
        ctx.save_for_backward(to_hidden, to_classes)
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        to_hidden, to_classes = ctx.saved_tensors
        return grad * to_hidden, grad * to_classes, None, None, None, None
