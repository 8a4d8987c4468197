"""Neural rater: combines user and item embeddings with the item's text vector."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32, Int64
from models.compute.torch_seed import steady
from models.data.types import Catalogue, NotFittedError, Ratings

LEAST_STEPS = 50


class NeuralParams(BaseModel):
    """Params of the network."""

    model_config = ConfigDict(extra="forbid")

    loss: Literal["mse", "bce"] = "mse"
    """`mse`: squared error of the value; `bce`: cross-entropy of the value scaled to [0, 1], which never leaves the
    range of the values and is less drawn by its ends."""
    factors: int = Field(default=32, ge=1)
    """Width of the embeddings of users, items and texts."""
    layer: int = Field(default=64, ge=1)
    """Width of the layer between; its successor has half of it."""
    epochs: int = Field(default=8, ge=1)
    """Passes over the ratings; the learning rate falls to a twentieth on the way."""
    batch_rows: int = Field(default=8192, ge=1)
    """Ratings a step at most; more are quicker and learn less a pass. A pass has at least 50 steps."""
    learning_rate: float = Field(default=0.002, gt=0)
    """Higher learns faster and less finely."""
    regularization: float = Field(default=0.08, ge=0)
    """Pulls the embeddings that a step uses towards 0."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the layer's units silenced at a step."""
    threads: int = Field(default=2, ge=1)
    """Part of the result: another number may change the last bits."""
    seed: int = 0


class NeuralBceParams(NeuralParams):
    """Params of the cross-entropy variant."""

    loss: Literal["mse", "bce"] = "bce"
    regularization: float = Field(default=0.04, ge=0)


class Neural:
    """b_u + b_i + p_u · q_i + p'_u · T t_i + MLP(p_u, q_i, T t_i, p_u ∘ q_i), t_i the item's text vector (after He et
    al. 2017, doi:10.1145/3038912.3052569); without texts that term is left out."""

    Params: ClassVar[type[BaseModel]] = NeuralParams

    def __init__(self, params: NeuralParams | None = None) -> None:
        self.params = params or NeuralParams()
        self.network_: Any = None

    def fit(self, ratings: Ratings, catalogue: Catalogue) -> Self:
        import torch

        chosen = self.params
        self.low_, self.high_ = float(ratings.values.min()), float(ratings.values.max())
        texts = catalogue.vectors if catalogue.vectors is not None else np.zeros((catalogue.n_items, 1), np.float32)
        values = torch.from_numpy((ratings.values - self.low_) / (self.high_ - self.low_))
        weights = torch.from_numpy(ratings.weights)
        users, items = torch.from_numpy(ratings.users), torch.from_numpy(ratings.items)
        with steady(chosen.seed, chosen.threads):
            network = _network(ratings.n_users, catalogue.n_items, texts, chosen)
            with torch.no_grad():
                mean = float((values * weights).sum() / weights.sum())
                network["level"].fill_(np.log(mean / (1.0 - mean)) if chosen.loss == "bce" else mean)
            optimizer = torch.optim.Adam(_weights(network), lr=chosen.learning_rate)
            size = min(chosen.batch_rows, max(len(ratings) // LEAST_STEPS, 1))
            n_steps = chosen.epochs * -(-len(ratings) // size)
            schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, n_steps)
            for _ in range(chosen.epochs):
                for batch in torch.split(torch.randperm(len(ratings)), size):
                    predicted, length = _forward(network, users[batch], items[batch], chosen.dropout)
                    if chosen.loss == "bce":
                        losses = torch.nn.functional.binary_cross_entropy_with_logits(
                            predicted, values[batch], reduction="none"
                        )
                    else:
                        losses = (predicted - values[batch]) ** 2
                    loss = (weights[batch] * losses).mean() + chosen.regularization * length
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    schedule.step()
        self.network_ = network
        return self

    def predict(self, users: Int32, items: Int32, times: Int64) -> Float32:
        import torch

        if self.network_ is None:
            raise NotFittedError("neural: asked before it was fitted; call fit")
        answers = []
        with torch.no_grad(), steady(self.params.seed, self.params.threads):
            for start in range(0, len(users), 65_536):
                part = slice(start, start + 65_536)
                of_users, of_items = (torch.from_numpy(np.ascontiguousarray(ids[part])) for ids in (users, items))
                predicted, _ = _forward(self.network_, of_users, of_items, 0.0)
                answers.append((predicted.sigmoid() if self.params.loss == "bce" else predicted).numpy())
        scaled = np.concatenate(answers) if answers else np.zeros(0, dtype=np.float32)
        return (self.low_ + scaled * (self.high_ - self.low_)).astype(np.float32)


class NeuralBce(Neural):
    """The neural rater trained by cross-entropy on values scaled to [0, 1]."""

    Params: ClassVar[type[BaseModel]] = NeuralBceParams

    def __init__(self, params: NeuralParams | None = None) -> None:
        super().__init__(params or NeuralBceParams())


def _network(n_users: int, n_items: int, texts: Float32, params: NeuralParams) -> dict[str, Any]:
    """The tensors by name; `users` have two halves: one meets the items' own factors, one their texts."""
    import torch

    width, layer = params.factors, params.layer

    def drawn(*shape: int, scale: float) -> Any:
        return (torch.randn(*shape) * scale).requires_grad_()

    return {
        "texts": torch.from_numpy(np.ascontiguousarray(texts, dtype=np.float32)),
        "users": drawn(n_users, 2 * width, scale=0.05),
        "items": drawn(n_items, width, scale=0.05),
        "user_biases": torch.zeros(n_users, requires_grad=True),
        "item_biases": torch.zeros(n_items, requires_grad=True),
        "level": torch.zeros((), requires_grad=True),
        "text": drawn(texts.shape[1], width, scale=texts.shape[1] ** -0.5),
        "first": drawn(4 * width, layer, scale=(4 * width) ** -0.5),
        "first_bias": torch.zeros(layer, requires_grad=True),
        "second": drawn(layer, layer // 2 or 1, scale=layer**-0.5),
        "second_bias": torch.zeros(layer // 2 or 1, requires_grad=True),
        "last": drawn(layer // 2 or 1, scale=0.01),
    }


def _weights(network: dict[str, Any]) -> list[Any]:
    return [tensor for tensor in network.values() if tensor.requires_grad]


def _forward(network: dict[str, Any], users: Any, items: Any, dropout: float) -> tuple[Any, Any]:
    """(n,) outputs of the network, and the mean squared size of the embeddings."""
    import torch
    from torch.nn.functional import embedding

    both = embedding(users, network["users"])
    user, at_text = both.chunk(2, dim=1)
    item = embedding(items, network["items"])
    text = network["texts"][items.long()] @ network["text"]
    hidden = torch.relu(torch.cat([user, item, text, user * item], dim=1) @ network["first"] + network["first_bias"])
    if dropout:
        hidden = torch.nn.functional.dropout(hidden, dropout)
    hidden = torch.relu(hidden @ network["second"] + network["second_bias"])
    biases = network["user_biases"][users.long()] + network["item_biases"][items.long()]
    predicted = (
        network["level"] + biases + (user * item).sum(dim=1) + (at_text * text).sum(dim=1) + hidden @ network["last"]
    )
    return predicted, both.square().sum(dim=1).mean() + item.square().sum(dim=1).mean()
