"""Answers of the small world's bundle, as a request hands them to the flight recorder."""

from __future__ import annotations

import numpy as np

from models.data.queries import queries_at
from models.flight.records.request_ids import new_request_id
from models.recommender import Recommender
from services.api.schemas import RecommendRequest
from services.recorder.flight import Flight
from tests.support.one_answer import one_answer
from tests.support.small_release import Made, offline_lookup


def recommender_of(made: Made) -> Recommender:
    return Recommender.load(made.bundle, offline_lookup(made.folder, made.catalogue))


def flights(made: Made, recommender: Recommender, user_ids: list[str], k: int = 10) -> list[Flight]:
    """An answer to each user, as of the end of the world's data."""
    catalogue = recommender.catalogue
    queries = queries_at(
        made.world.history, catalogue.vocabulary, user_ids, made.at, availability=catalogue.availability
    )
    return [
        Flight(
            request_id=new_request_id(),
            at=made.at,
            release="r1",
            log_position=0,
            items_position=0,
            n_events=int(queries.history.items.lengths[place]),
            n_blocked=int(queries.excluded.lengths[place]),
            request=RecommendRequest(user_id, k=k),
            fallback=None,
            answer=one_answer(recommender, queries.part(place, place + 1), k, recommender.lookup),
        )
        for place, user_id in enumerate(user_ids)
    ]


def some_users(made: Made, n: int) -> list[str]:
    """Users of the world, and one who is not known."""
    users = sorted(made.world.history["user_id"].unique().to_list())
    return [users[place] for place in np.linspace(0, len(users) - 1, n - 1).astype(int).tolist()] + ["nobody"]
