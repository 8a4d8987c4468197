"""Milliseconds of a list while the retrievers learn in a thread beside it, and while they do not, in turn in one run.

    python -m benchmarks.learning_beside [--project DIR] [--users 60] [--rounds 3] [--seconds 8] [--rate 20]

Lists of ten for users of a project's data (data/bundle, data/split) at a fixed rate; latency is counted from the
planned instant. Beside them, in every other stretch of time, a thread takes in 100 new choices, makes a learned
form and puts it in the place of the one that answers, with the rests that the service keeps (services/live/learning).
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.one_query import known, loaded
from benchmarks.reasons import asked
from features.schema import LOG
from models.compute.threads import one_thread
from models.data.tables import make_log
from models.learning.learned_recommender import learner_of
from models.online.online_recommender import OnlineRecommender
from services.live.learning.release_learning import REST
from services.live.online import online_form

A_BATCH = 100


def main() -> None:
    """Prints median and p99 of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--users", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rate", type=float, default=20.0)
    given = parser.parse_args()
    os.chdir(given.project)
    recommender, lookup, info = loaded(Path("data/bundle"), 1)
    log = make_log(LOG.read(Path("data/log/full.parquet")), recommender.catalogue.vocabulary)
    learner = learner_of(recommender, log)
    learner.learned()
    answering = [online_form(recommender, lookup.items, info)]
    queries = list(asked(Path(), recommender, given.users, 1))
    requests = [(query, known(query, info, 1)[1]) for query in queries]
    took: dict[bool, list[float]] = {False: [], True: []}
    forms: list[float] = []
    rng = np.random.default_rng(1)

    def learn(ended: threading.Event) -> None:
        while not ended.is_set():
            users = log.user_ids[log.users[rng.integers(0, len(log.items), A_BATCH)]].tolist()
            items = rng.integers(0, recommender.catalogue.n_items, A_BATCH).astype(np.int32)
            started = time.perf_counter()
            learner.add_rows(users, items, log.at + np.arange(A_BATCH))
            answering[0] = answering[0].with_parts(learner.learned().parts)
            forms.append(time.perf_counter() - started)
            ended.wait(REST * forms[-1])

    with one_thread():
        for query, rows in requests:
            answering[0].recommend(query, 10, rows)
        for _ in range(given.rounds):
            for beside in (False, True):
                ended = threading.Event()
                thread = threading.Thread(target=learn, args=(ended,))
                if beside:
                    thread.start()
                took[beside] += _latencies(lambda: answering[0], requests, given.rate, given.seconds)
                ended.set()
                if beside:
                    thread.join()
    for beside, name in ((False, "alone"), (True, "learning beside")):
        p50, p99 = np.percentile(took[beside], [50, 99]) * 1000
        print(f"{name:16} {p50:7.1f} ms median {p99:7.1f} ms p99 of {len(took[beside])} lists")
    print(f"{len(forms)} learned forms of {A_BATCH} rows each, {np.median(forms):.2f} s (median)")


def _latencies(online, requests, rate: float, seconds: float) -> list[float]:  # type: ignore[no-untyped-def]
    """Of each request from its planned instant [s]."""
    took: list[float] = []
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        planned = began + number / rate
        time.sleep(max(planned - time.perf_counter(), 0.0))
        query, rows = requests[number % len(requests)]
        form: OnlineRecommender = online()
        form.recommend(query, 10, rows)
        took.append(time.perf_counter() - planned)
    return took


if __name__ == "__main__":
    main()
