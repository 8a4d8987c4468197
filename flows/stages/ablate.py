"""Stage ablate: which language parts earn their place, on valid, with and without each; what does not is left out."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from features.arrays import Float64
from features.params import positives, read_params, section
from features.schema import INTERACTIONS, LOG
from features.split import read_cuts
from flows.stages.entry import stage
from models.ablation.ablate_params import AblateParams
from models.ablation.costs import bytes_of
from models.ablation.kept import Kept, kept_of_retriever
from models.ablation.map_parts import judge_map
from models.ablation.new_item_queries import Material, NewItemQueries
from models.data.queries import part_queries
from models.data.saved_params import read_params as read_saved
from models.data.tables import make_log, read_catalogue
from models.data.types import Catalogue
from models.data.user_sample import rows_of_some_users
from models.retrieval.history_profile import interactions_matrix
from models.retrieval.text_to_collaborative.closed_form import MapSettings
from models.retrieval.text_to_collaborative.item_map import SETTINGS, ItemMap
from models.retrievers.cold_items import ColdItemsParams
from models.retrievers.text import Text

CATALOGUE = Path("data/catalogue")
VECTORS = Path("data/vectors")
SPLIT = Path("data/split")
TRAIN_LOG = Path("data/log/train.parquet")
MAP = Path("data/retrievers/train/cold_items")
BY_TEXT = Path("data/retrievers/train/text")
LANGUAGE = Path("data/language")
COLD_ITEMS, TEXT = "cold_items", "text"

log = logging.getLogger(__name__)


def main() -> None:
    """Vectors, log, map of train and valid → data/language: kept.json, and a file for each retriever's second fit."""
    params, retrievers = section("ablate", AblateParams), sorted(read_params()["retrievers"])
    kept = _judge(params, retrievers)
    if kept.skipped:
        log.info("ablate skipped: %s", kept.skipped)
    for part in kept.parts:
        log.info(
            "part=%s kept=%s lift=%.4f low=%.4f n_users=%d", part.part, part.kept, part.lift, part.low, part.n_users
        )
    kept.write(LANGUAGE / "kept.json")
    for name in retrievers:
        kept_of_retriever(kept, name, name == COLD_ITEMS).write(LANGUAGE / "retrievers" / f"{name}.json")


def _judge(params: AblateParams, retrievers: list[str]) -> Kept:
    settings = read_saved(MAP / SETTINGS, "retrievers.cold_items", MapSettings) if ItemMap.is_in(MAP) else None
    shown = settings.model_dump() if settings else None
    if not params.n_users:
        return Kept(skipped="ablate.n_users is 0, so every part stays", map_settings=shown)
    if settings is None or COLD_ITEMS not in retrievers:
        return Kept(skipped="no retriever made a map from texts to choices, so there is nothing to judge")
    catalogue = read_catalogue(CATALOGUE, VECTORS)
    asked = _new_item_queries(params, catalogue)
    judged = judge_map(
        asked,
        catalogue.encoded,
        params,
        without_map=_by_text(asked, retrievers),
        tokens={},
        bytes_of_map=bytes_of(MAP),
    )
    return Kept(
        parts=judged.parts,
        map_settings=shown,
        retrievers_left_out=[] if judged.kept else [COLD_ITEMS],
        vectors_left_out=sorted(set(catalogue.encoded) - judged.encoders),
    )


def _new_item_queries(params: AblateParams, catalogue: Catalogue) -> NewItemQueries:
    own, rule, cuts = section(f"retrievers.{COLD_ITEMS}", ColdItemsParams), positives(), read_cuts(SPLIT / "split.json")
    train, valid = (INTERACTIONS.read(SPLIT / f"{part}.parquet") for part in ("train", "valid"))
    some, _ = rows_of_some_users(valid, params.n_users, params.seed, rule)
    cut = cuts.valid_cut if cuts.scheme == "global_time" else None
    queries, targets = part_queries(train, some, catalogue.vocabulary, cut, positives=rule)
    choices = interactions_matrix(
        make_log(LOG.read(TRAIN_LOG), catalogue.vocabulary, positives=rule), catalogue.n_items
    )
    choices.data = np.ones_like(choices.data)
    material = Material(
        choices=choices,
        vectors=catalogue.encoded,
        word_parts=catalogue.word_parts,
        max_users=own.max_users,
        most_exact=own.most_exact,
        landmarks=own.landmarks,
        seed=own.seed,
        queries=queries,
        targets=targets,
    )
    return NewItemQueries(material, params, own)


def _by_text(asked: NewItemQueries, retrievers: list[str]) -> Float64:
    """As `NewItemQueries.ndcg`, in the order of the retriever `text`: without a map, no other one offers new items."""
    if TEXT not in retrievers:
        return np.zeros((len(asked.users), len(asked.new)))
    return asked.ndcg(Text.load(BY_TEXT).scores_of(asked.queries, asked.new.astype(np.int32)))


if __name__ == "__main__":
    stage(main)
