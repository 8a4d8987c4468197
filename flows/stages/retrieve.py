"""Stage retrieve: candidates of the valid queries, from retrievers fitted on train, labeled with what was chosen."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.files import write_text
from features.params import positives, read_params, section
from features.schema import INTERACTIONS
from features.split import read_cuts
from flows.stages.entry import stage
from models.data.cutoffs import cutoffs_within, split_at
from models.data.queries import part_queries
from models.data.rolling_queries import rolling_events, rolling_queries
from models.data.tables import read_catalogue
from models.data.truncation import TRUNCATED, aliases, rows_of, sample_queries, targets_of, truncate
from models.data.types import Queries, Targets
from models.data.user_sample import rows_of_some_users
from models.ranking.examples import SAMPLE, Examples, events_of, make_examples, save_part
from models.registry import load_retriever
from models.retrieval.candidates import Params, candidates_of

SPLIT = Path("data/split")
CATALOGUE = Path("data/catalogue")
RETRIEVERS = Path("data/retrievers/train")
CANDIDATES = Path("data/candidates")
QUERIES_AT_ONCE = 2_000  # whose candidates are in memory together: about a million, 100 bytes each

log = logging.getLogger(__name__)


def main() -> None:
    """Reads the train-part retrievers, train and valid; writes the examples without features."""
    params, cuts, rule = section("retrieve", Params), read_cuts(SPLIT / "split.json"), positives()
    catalogue = read_catalogue(CATALOGUE)
    train, valid = (INTERACTIONS.read(SPLIT / f"{part}.parquet") for part in ("train", "valid"))
    in_time = cuts.scheme == "global_time"
    names = sorted(read_params()["retrievers"])
    retrievers = {name: load_retriever(name).load(RETRIEVERS / name) for name in names}

    def examples(
        queries: Queries, targets: Targets, *, live: bool, known_as: npt.NDArray[np.str_] | None = None
    ) -> Iterator[Examples]:
        for start in range(0, len(queries) or 1, QUERIES_AT_ONCE):  # one part even without queries
            places = np.arange(start, min(start + QUERIES_AT_ONCE, len(queries)))
            batch_queries, wanted = queries.part(start, start + len(places)), targets_of(targets, places)
            candidates = candidates_of(retrievers, batch_queries, params.k, catalogue.n_items)
            batch = make_examples(batch_queries, candidates, wanted, catalogue.n_items, live=live)
            counts = len(batch_queries), len(candidates), int(batch.labels.sum()), int(wanted.counts.sum())
            log.info("live=%s n_queries=%d n_candidates=%d n_hits=%d of n_targets=%d", live, *counts)
            kinds = events_of(candidates, batch.labels, batch_queries.user_ids, valid, catalogue.vocabulary, rule)
            yield replace(batch, events=kinds, known_as=None if known_as is None else known_as[places])

    words = catalogue.vocabulary
    ask = partial(part_queries, vocabulary=words, availability=catalogue.availability, positives=rule)
    short = train.clear()
    n_users: list[tuple[int, int]] = []  # asked, and of how many, at each cut

    def all_examples() -> Iterator[Examples]:
        nonlocal short
        instants = cutoffs_within(valid, cuts.valid_cut, params.n_cutoffs) if in_time else []
        for cut in instants:
            past, rest = split_at(train, valid, cut)
            rest, n_possible = rows_of_some_users(rest, params.max_users // len(instants), params.seed, rule)
            queries, targets = ask(past, rest, cut=cut)
            n_users.append((len(queries), n_possible))
            yield from examples(queries, targets, live=False)
            places, n_acts = sample_queries(queries, params.truncated_queries // len(instants), params.seed)
            few = truncate(queries, places, n_acts)
            names_of_few = aliases(few, n_acts)
            yield from examples(few, targets_of(targets, places), live=False, known_as=names_of_few)
            short = short.vstack(rows_of(past, few, names_of_few, n_acts, rule))
        if not in_time:
            rest, n_possible = rows_of_some_users(valid, params.max_users, params.seed, rule)
            queries, targets = ask(train, rest, cut=None)
            n_users.append((len(queries), n_possible))
            yield from examples(queries, targets, live=True)
        elif params.rolling_queries:
            events = rolling_events(train, valid, n_events=params.rolling_queries, seed=params.seed, positives=rule)
            yield from examples(*rolling_queries(events, train, valid, words, positives=rule), live=True)

    for number, batch in enumerate(all_examples()):
        save_part(batch, CANDIDATES, number)
    INTERACTIONS.write(short, CANDIDATES / TRUNCATED)
    sample = {"n_users": sum(n for n, _ in n_users), "n_users_possible": sum(n for _, n in n_users)}
    if sample["n_users"] < sample["n_users_possible"]:
        log.warning("n_users=%(n_users)d of %(n_users_possible)d: retrieve.max_users", sample)
    write_text(json.dumps(sample, indent=1) + "\n", CANDIDATES / SAMPLE)


if __name__ == "__main__":
    stage(main)
