"""Small worlds in which it is known what a text part is worth: users choose by hidden tags, and texts tell of other
things; an encoder of the hidden tags is useful beyond doubt, one of random keywords is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.arrays import Float32
from models.ablation.ablate_params import AblateParams
from models.ablation.kept import JudgedPart
from models.ablation.map_parts import judge_map
from models.ablation.new_item_queries import Material, NewItemQueries
from models.data.ragged import Ragged
from models.data.types import History, Queries, Targets
from models.retrieval.history_profile import Recency

N_USERS, N_ITEMS, N_TAGS, N_TOPICS, N_CHOICES, N_LATER = 600, 300, 24, 10, 30, 8
HIDDEN = 0.75  # how much choices follow the hidden tags: enough for 99 % power


@dataclass(frozen=True)
class World:
    """choices: (n_users, n_items) ones of train; later: the same of valid; texts, hidden_tags, random_keywords:
    (n_items, size) unit rows."""

    choices: sparse.csr_matrix
    later: Ragged[np.int32]
    texts: Float32
    hidden_tags: Float32
    random_keywords: Float32


def make_world(seed: int, hidden: float = HIDDEN) -> World:
    """Choices by topic, which the text tells, by hidden tags, which it does not, and by popularity."""
    rng = np.random.default_rng(seed)
    topics = rng.integers(N_TOPICS, size=N_ITEMS)
    texts = np.eye(N_TOPICS)[topics] + 0.35 * rng.normal(size=(N_ITEMS, N_TOPICS))
    tags, keywords = _tagged(rng), _tagged(rng)
    taste, interest = rng.normal(size=(N_USERS, N_TAGS)), rng.normal(size=(N_USERS, N_TOPICS))
    utility = hidden * taste @ tags.T + 1.2 * interest[:, topics] + 0.6 * rng.normal(size=N_ITEMS)
    order = np.argsort(-(utility + rng.gumbel(size=utility.shape)), axis=1, kind="stable")[:, : N_CHOICES + N_LATER]
    order = rng.permuted(order, axis=1)
    owners = np.repeat(np.arange(N_USERS), N_CHOICES)
    ones = np.ones(len(owners), dtype=np.float32)
    return World(
        choices=sparse.csr_matrix((ones, (owners, order[:, :N_CHOICES].ravel())), shape=utility.shape),
        later=Ragged.of_rows([np.sort(row).astype(np.int32) for row in order[:, N_CHOICES:]], np.int32),
        texts=_unit(texts),
        hidden_tags=_unit(tags),
        random_keywords=_unit(keywords),
    )


def judge_planted(world: World, planted: Float32, params: AblateParams) -> JudgedPart:
    """The verdict on an encoder `keywords` of the planted vectors, beside one of the texts."""
    items = Ragged(world.choices.indptr.astype(np.int64), world.choices.indices.astype(np.int32))
    queries = Queries(
        user_ids=np.array([f"u{user:03d}" for user in range(N_USERS)], dtype=np.str_),
        at=np.full(N_USERS, 10**9, dtype=np.int64),
        history=History(
            items=items,
            times=np.zeros(len(items.values), dtype=np.int64),
            weights=np.ones(len(items.values), dtype=np.float32),
        ),
        excluded=items,
    )
    vectors = {"keywords": planted, "texts": world.texts}
    material = Material(
        choices=world.choices,
        vectors=vectors,
        word_parts=None,
        max_users=5,
        most_exact=8000,
        landmarks=2000,
        seed=1,
        queries=queries,
        targets=Targets(world.later, world.later.lengths),
    )
    asked = NewItemQueries(material, params, Recency())
    nothing = np.zeros((len(asked.users), len(asked.new)))
    judged = judge_map(asked, vectors, params, without_map=nothing, tokens={}, bytes_of_map=1_000_000)
    return next(part for part in judged.parts if part.part == "encoder keywords")


def _tagged(rng: np.random.Generator) -> Float32:
    """(n_items, N_TAGS) three tags each."""
    tags = np.zeros((N_ITEMS, N_TAGS))
    np.put_along_axis(tags, np.argsort(rng.random(tags.shape), axis=1)[:, :3], 1.0, axis=1)
    return tags.astype(np.float32)


def _unit(rows: np.ndarray) -> Float32:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
