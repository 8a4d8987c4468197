"""The map and its encoders: each with and without, on new items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.arrays import Float32, Float64
from models.ablation.ablate_params import AblateParams
from models.ablation.assessing import Subject, assess
from models.ablation.costs import FLOAT_BYTES, Cost, milliseconds_of
from models.ablation.elimination import eliminate
from models.ablation.kept import JudgedPart
from models.ablation.new_item_queries import NewItemQueries
from models.ablation.paired_lift import paired_lift

METRIC = "NDCG@10 among new items"
SENTENCE = "sentence"  # the encoder whose vectors other parts read too


@dataclass(frozen=True)
class JudgedMap:
    """The verdicts; the encoders that the map uses, and whether it stays."""

    parts: list[JudgedPart]
    encoders: frozenset[str]
    kept: bool


def judge_map(
    asked: NewItemQueries,
    vectors: Mapping[str, Float32],
    params: AblateParams,
    *,
    without_map: Float64,
    tokens: Mapping[str, int],
    bytes_of_map: int,
) -> JudgedMap:
    """without_map: as `NewItemQueries.ndcg`, by
    what would rank new items otherwise; tokens: of a language server, by encoder; bytes_of_map: of its folder.
    """
    everything = frozenset(vectors)
    subjects = [(name, _encoder(asked, name, rows, tokens.get(name, 0))) for name, rows in sorted(vectors.items())]
    if len(asked.users) < params.least_users:
        nobody = np.zeros((len(asked.users), 1))
        lift = paired_lift(nobody, nobody, params)
        few = [*(subject for _, subject in subjects), _map(asked, bytes_of_map)]
        return JudgedMap([assess(subject, lift, params) for subject in few], everything, True)
    chosen = asked.settings_of(everything)

    def metric(names: frozenset[str]) -> Float64:
        return asked.by_map(names, chosen if names == everything else asked.settings_of(names, chosen))

    parts, encoders, values = eliminate(subjects, metric, params, least=1)
    lift = paired_lift(values, without_map, params)
    whole = assess(_map(asked, bytes_of_map), lift, params)
    return JudgedMap([*parts, whole], encoders, whole.kept)


def _encoder(asked: NewItemQueries, name: str, rows: Float32, tokens: int) -> Subject:
    """Its vectors of taught items are kept with the map, and those of all items unless other parts read them."""
    n_rows = len(asked.taught) + (0 if name == SENTENCE else len(rows))
    return Subject(f"encoder {name}", METRIC, Cost(tokens=tokens, bytes=n_rows * rows.shape[1] * FLOAT_BYTES))


def _map(asked: NewItemQueries, n_bytes: int) -> Subject:
    """A request adds up the rows of its history."""
    n_events = asked.queries.history.n_events / max(len(asked.users), 1)
    return Subject("map", METRIC, Cost(milliseconds=milliseconds_of(n_events * len(asked.new)), bytes=n_bytes))
