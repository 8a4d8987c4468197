"""retrieve: candidates of the valid queries by the retrievers that were fitted before them, and what was chosen."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

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
from models.ranking.examples import Examples, events_of, joined, make_examples
from models.registry import load_retriever
from models.retrieval.candidates import Params, candidates_of

SPLIT = Path("data/split")
CATALOGUE = Path("data/catalogue")
RETRIEVERS = Path("data/retrievers/train")
CANDIDATES = Path("data/candidates")

log = logging.getLogger(__name__)


def main() -> None:
    """Reads the train-part retrievers, train and valid; writes the examples without features."""
    params, cuts, rule = section("retrieve", Params), read_cuts(SPLIT / "split.json"), positives()
    catalogue = read_catalogue(CATALOGUE)
    train, valid = (INTERACTIONS.read(SPLIT / f"{part}.parquet") for part in ("train", "valid"))
    in_time = cuts.scheme == "global_time"
    names = sorted(read_params()["retrievers"])
    retrievers = {name: load_retriever(name).load(RETRIEVERS / name) for name in names}

    def examples(queries: Queries, targets: Targets, *, live: bool) -> Examples:
        candidates = candidates_of(retrievers, queries, params.k, catalogue.n_items)
        found = make_examples(queries, candidates, targets, catalogue.n_items, live=live)
        told = len(queries), len(candidates), int(found.labels.sum()), int(targets.counts.sum())
        log.info("live=%s n_queries=%d n_candidates=%d n_hits=%d of n_targets=%d", live, *told)
        kinds = events_of(candidates, found.labels, queries.user_ids, valid, catalogue.vocabulary, rule)
        return replace(found, events=kinds)

    words = catalogue.vocabulary
    ask = partial(part_queries, vocabulary=words, created_at=catalogue.created_at, positives=rule)
    parts, short = [], train.clear()
    instants = cutoffs_within(valid, cuts.valid_cut, params.n_cutoffs) if in_time else []
    for cut in instants:
        past, rest = split_at(train, valid, cut)
        queries, targets = ask(past, rest, cut=cut)
        parts.append(examples(queries, targets, live=False))
        places, n_acts = sample_queries(queries, params.truncated_queries // len(instants), params.seed)
        few = truncate(queries, places, n_acts)
        again, names_of_few = examples(few, targets_of(targets, places), live=False), aliases(few, n_acts)
        parts.append(replace(again, known_as=names_of_few))
        short = short.vstack(rows_of(past, few, names_of_few, n_acts, rule))
    if not in_time:
        parts.append(examples(*ask(train, valid, cut=None), live=True))
    elif params.rolling_queries:
        events = rolling_events(train, valid, n_events=params.rolling_queries, seed=params.seed, positives=rule)
        parts.append(examples(*rolling_queries(events, train, valid, words, positives=rule), live=True))
    joined(parts).save(CANDIDATES)
    INTERACTIONS.write(short, CANDIDATES / TRUNCATED)


if __name__ == "__main__":
    stage(main)
