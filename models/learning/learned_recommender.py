"""A recommender with learned retrievers, for whoever judges what learning would give."""

from __future__ import annotations

from dataclasses import replace

from models.data.types import Log
from models.learning.base import make_base
from models.learning.learner import Learned, Learner
from models.learning.params import Params
from models.recommender import Recommender


def learner_of(recommender: Recommender, log: Log, params: Params | None = None) -> Learner:
    """A learner that begins with the rows of a log, and takes in later ones by `Learner.add_rows` or `take_in`.

    log: what the recommender's retrievers were fitted on, or more; its users' ids as later rows have them.
    """
    base = make_base(recommender.retrievers, recommender.catalogue, log, params or Params())
    return Learner(recommender.retrievers, recommender.catalogue, base, recommender.positives, 0)


def learned(recommender: Recommender, state: Learner | Learned) -> Recommender:
    """The recommender with the retrievers that learned; the others, ranker and reranker are its own."""
    state = state.learned() if isinstance(state, Learner) else state
    return replace(recommender, retrievers={**recommender.retrievers, **state.parts})
