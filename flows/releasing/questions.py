"""What the replay of a release asks, the bundle's own answers offline, and which differences rounding explains."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from features.positives import Positives
from flows.project.dataset import Project
from models.evaluation.results import RECOMMENDATIONS

if TYPE_CHECKING:
    from models.data.types import Queries
    from models.recommender import Recommender

N_QUERIES = 200
K = 10


@dataclass(frozen=True)
class Question:
    """A test query to replay: its user, and the items recommended offline, best first."""

    query_id: str
    user_id: str
    expected: tuple[str, ...]


def questions(recommendations: Path, n: int = N_QUERIES, k: int = K) -> list[Question]:
    """`n` test queries spread over all of them by a hash of their id, each with its first `k` items."""
    frame = RECOMMENDATIONS.read(recommendations).filter(pl.col("rank") <= k).sort("query_id", "rank")
    every = [
        Question(str(query_id), str(rows.item(0, "user_id")), tuple(rows.get_column("item_id")))
        for (query_id,), rows in frame.group_by("query_id", maintain_order=True)
    ]
    shuffled = sorted(every, key=lambda question: hashlib.sha256(question.query_id.encode()).hexdigest())
    return sorted(shuffled[:n], key=lambda question: question.query_id)


@dataclass(frozen=True)
class Difference:
    """A question with another answer than offline: the items found, or what came in place of a list."""

    question: Question
    found: tuple[str, ...] | str

    def __str__(self) -> str:
        found = self.found if isinstance(self.found, str) else list(self.found)
        return f"query '{self.question.query_id}': found {found}, expected {list(self.question.expected)}"


def answered_at(project: Project, bundle: Path, asked: Sequence[Question], at: int, k: int = K) -> list[Question]:
    """The same users with what the bundle recommends to them offline as of another instant [µs]."""
    recommender, queries = asked_at(project, bundle, asked, at)
    slate, item_ids = recommender.recommend(queries, k), recommender.catalogue.vocabulary.item_ids
    return [
        Question(question.query_id, question.user_id, tuple(item_ids[item] for item in row if item >= 0))
        for question, row in zip(asked, slate.items.tolist(), strict=True)
    ]


def beyond_rounding(
    project: Project, bundle: Path, differences: Sequence[Difference], at: int, k: int = K
) -> list[Difference]:
    """Differences that rounding does not explain: the list found or the one expected is none of those that the bundle
    gives offline, as of an instant [µs], with scores that are off by a rounding error (`lists_within_rounding`)."""
    from models.flight.rounding import lists_within_rounding

    recommender, queries = asked_at(project, bundle, [one.question for one in differences], at)
    item_ids = recommender.catalogue.vocabulary.item_ids
    beyond = []
    for row, one in enumerate(differences):
        near = lists_within_rounding(recommender, queries.part(row, row + 1), k)
        if not {one.found, one.question.expected} <= {tuple(item_ids[item] for item in items) for items in near}:
            beyond.append(one)
    return beyond


def asked_at(project: Project, bundle: Path, asked: Sequence[Question], at: int) -> tuple[Recommender, Queries]:
    """The bundle offline, and the users of some questions as its queries as of an instant [µs]."""
    from models.data.queries import queries_at
    from models.recommender import Recommender
    from models.release.plan import load_catalogue, read_plan

    catalogue = load_catalogue(bundle)
    queries = queries_at(
        project.interactions(),
        catalogue.vocabulary,
        [question.user_id for question in asked],
        at,
        availability=catalogue.availability,
        positives=Positives.of(read_plan(bundle).targets),
    )
    return Recommender.load(bundle, project.offline_lookup(catalogue)), queries
