"""Training: fits the network's weights to a log with AdamW and a one-cycle learning rate."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from features.arrays import Float32, Int64
from models.compute.optimizer import Descent
from models.compute.precision import Precision, type_of
from models.data.types import Log
from models.transformer.batches import Batch, Histories
from models.transformer.loss import SoftmaxLoss
from models.transformer.negatives import Classes
from models.transformer.network import Hiding, Network
from models.transformer.shape import Shape

logger = logging.getLogger(__name__)

WARM_UP = 0.1  # share of the steps with a rising learning rate
FEWEST_TOKENS, STEPS_AN_EPOCH = 256, 256  # small logs use smaller steps, to have enough of them


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training settings; the fields are those of the retriever's Params."""

    epochs: int
    learning_rate: float
    weight_decay: float
    dropout: float
    hidden_text: float
    batch_tokens: int
    negatives: int
    full_softmax_items: int
    seed: int
    threads: int
    precision: Precision


def train(
    log: Log,
    n_items: int,
    text: Float32 | None,
    shape: Shape,
    recipe: Recipe,
    start: Mapping[str, Float32] | None = None,
) -> dict[str, Float32]:
    """Trains the network and returns its arrays; `ids` has a row per item of the catalogue, zero if not in the log.

    start: arrays of an earlier training on the same catalogue and shape, to continue from. The same input gives the
    same bytes on any number of cores.
    """
    histories = Histories.of(log)
    learned = np.unique(histories.items)
    learned_text = None if text is None else torch.from_numpy(text[learned])
    network = Network(len(learned), learned_text, shape, recipe.seed)
    if start is not None:
        _go_on(network, start, learned)
    if len(learned):
        row_of_item = np.full(n_items, -1, dtype=np.int64)
        row_of_item[learned] = np.arange(len(learned))
        _learn(network, replace(histories, items=row_of_item[histories.items]), recipe)
    arrays = {name: value.detach().numpy() for name, value in network.named_parameters()}
    ids = np.zeros((n_items, shape.size), dtype=np.float32)
    ids[learned] = arrays["ids"]
    return {**arrays, "ids": ids}


def _learn(network: Network, histories: Histories, recipe: Recipe) -> None:
    """Runs all epochs; the histories hold positions of the network's items."""
    rng = np.random.default_rng(recipe.seed)
    tokens = min(recipe.batch_tokens, max(FEWEST_TOKENS, len(histories) // STEPS_AN_EPOCH))
    classes = Classes.of(histories, len(network.ids), recipe.full_softmax_items, recipe.negatives)
    parameters = dict(network.named_parameters())
    decaying = [name for name, value in parameters.items() if value.ndim > 2 and name != "distances"]
    descent = Descent(parameters, [*decaying, "projection"], recipe.weight_decay)
    with _workers(recipe.threads) as workers:
        for epoch in range(recipe.epochs):
            began = time.monotonic()
            steps = list(histories.epoch(rng, network.shape.length, tokens, recipe.threads))
            losses = []
            for step, batches in enumerate(steps):
                rate = recipe.learning_rate * _cycle((epoch + step / len(steps)) / recipe.epochs)
                loss, gradients = _gradients(network, classes, recipe, workers, batches, rng)
                descent.step(gradients, rate)
                losses.append(loss)
            loss = float(np.mean(losses)) if losses else math.nan
            seconds = time.monotonic() - began
            logger.info("sequence epoch=%d steps=%d loss=%.4f seconds=%.1f", epoch + 1, len(steps), loss, seconds)


@contextmanager
def _workers(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Worker threads, one core each: they synchronize once per step, torch's own threads at every product."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as workers:
            yield workers
    finally:
        torch.set_num_threads(before)


def _gradients(
    network: Network,
    classes: Classes,
    recipe: Recipe,
    workers: ThreadPoolExecutor,
    batches: list[Batch],
    rng: np.random.Generator,
) -> tuple[float, list[Tensor]]:
    """The batches' mean loss and its gradient for each parameter; sums do not depend on the order of completion."""
    chosen, offsets = None, None
    if classes.drawn is not None:
        items = np.concatenate([part for batch in batches for part in (batch.items.ravel(), batch.targets)])
        chosen, corrections = classes.draw(items, rng)
        batches = [_translated(batch, chosen) for batch in batches]
        offsets = torch.from_numpy(corrections)
    vectors = network.vectors(Hiding(recipe.hidden_text, rng), None if chosen is None else torch.from_numpy(chosen))
    total = np.float32(sum(batch.weights.sum(dtype=np.float64) for batch in batches))
    hidings = [Hiding(recipe.dropout, chance) for chance in rng.spawn(len(batches))]
    kind = type_of(recipe.precision)
    work = partial(_share, network, vectors.detach(), offsets, total, kind)
    (loss, (to_vectors, *gradients)), *others = list(workers.map(work, batches, hidings))
    for more, further in others:
        loss += more
        for gradient, other in zip([to_vectors, *gradients], further, strict=True):
            gradient += other
    product = (
        vectors * to_vectors
    ).sum()  # as grad_outputs it would trigger an import of a compiler's algebra, which takes seconds
    entry = torch.autograd.grad(product, [network.ids, network.projection], allow_unused=True, materialize_grads=True)
    return loss, [*(gradient.contiguous() for gradient in entry), *gradients]


def _translated(batch: Batch, chosen: Int64) -> Batch:
    """The batch with item positions replaced by those of the log's items."""
    return replace(batch, items=np.searchsorted(chosen, batch.items), targets=np.searchsorted(chosen, batch.targets))


def _share(
    network: Network,
    vectors: Tensor,
    offsets: Tensor | None,
    total: np.float32,
    kind: torch.dtype,
    batch: Batch,
    hiding: Hiding,
) -> tuple[float, list[Tensor]]:
    """A batch's part of the loss and of its gradients for the item vectors and each parameter of the layers."""
    vectors = vectors.detach().requires_grad_()
    embedded = functional.embedding(torch.from_numpy(batch.items), vectors)
    states = network(embedded, torch.from_numpy(batch.gaps), hiding)
    states = states.view(-1, states.shape[-1])[torch.from_numpy(batch.places)]
    weights, targets = torch.from_numpy(batch.weights / total), torch.from_numpy(batch.targets)
    loss = SoftmaxLoss.apply(states, vectors, offsets, targets, weights, kind)  # type: ignore[no-untyped-call]
    gradients = torch.autograd.grad(loss, [vectors, *network.layers()])
    return loss.item(), [gradient.contiguous() for gradient in gradients]


def _cycle(share: float) -> float:
    """The learning-rate factor at a share of the training: linear warm-up, then cosine decay."""
    if share < WARM_UP:
        return (share + 0.01) / (WARM_UP + 0.01)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))) / 2


def _go_on(network: Network, start: Mapping[str, Float32], learned: Int64) -> None:
    """Copies the learned weights; new items keep their random initialization."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            earlier = torch.from_numpy(np.ascontiguousarray(start[name]))
            if name == "ids":
                earlier = earlier[torch.from_numpy(learned)]
                earlier = torch.where(earlier.any(dim=1, keepdim=True), earlier, value)
            value.copy_(earlier)
