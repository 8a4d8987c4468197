"""From a log to a learner: the events that it lacks, some at a time."""

from __future__ import annotations

import numpy as np

from features.events.event_columns import read_columns
from features.events.event_log import EventLog
from models.learning.learner import Learner

A_READ = 1_000  # events


def catch_up(learner: Learner, log: EventLog, through: int | None = None) -> None:
    """Takes in the log's events, up to its end or to a position.

    Raises:
        DatabaseError: the log does not answer.
    """
    while through is None or learner.position < through:
        limit = A_READ if through is None else min(A_READ, through - learner.position)
        events = read_columns(log, learner.position, limit)
        if through is not None:
            events = events.take(np.arange(int(np.searchsorted(events.seqs, through, side="right"))))
        learner.take_in(events)
        if len(events) < limit:
            return
