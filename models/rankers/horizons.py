"""Horizons: one ranker for users in a session, another for returning users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from features.arrays import Float32, Int32
from models.data.saved_params import read_params, write_params
from models.data.types import NotFittedError
from models.interfaces import Ranker, Rows
from models.rankers.lightgbm import LightGbm, LightGbmParams
from models.ranking.features import IDLE
from models.ranking.ranker_data import RankerData
from models.ranking.ranker_plans import plan_of
from models.ranking.rows import blocks_of_rows, where
from models.ranking.training import N_SEEDS, PLAIN, Trained, fit_plain, train_ranker
from models.ranking.training import Params as TrainingParams
from models.registry import load_ranker, name_of
from models.single_query.score_plans import BySide, ScorePlan

IN_SESSION, RETURNING = SIDES = ("in_session", "returning")


def _why(figures: dict[str, Any]) -> dict[str, str]:
    return {"why": "; ".join(f"{side}: {figures[side]['why']}" for side in SIDES)}


class ReturningParams(LightGbmParams):
    """As LightGbmParams, with other defaults for returning users: fewer examples, a longer horizon."""

    prior: float = Field(default=10.0, ge=0)
    """Weight of plain fusion; heavier, for examples are fewer."""
    truncation: int = Field(default=50, ge=1)
    """Places that the ranking objective looks at; more, for much is wanted."""
    target_power: float = Field(default=0.5, ge=0, le=1)
    """Power of the number of hits that a query counts as; those who choose much teach most."""


class HorizonsParams(BaseModel):
    """The gap that ends a session, and the params of each side."""

    model_config = ConfigDict(extra="forbid")

    session_hours: float = Field(default=1.0, gt=0)
    """A history whose last act is no older is in session: the next act is wanted; else what the coming time brings."""
    in_session: LightGbmParams = LightGbmParams()
    """Of the trees for the next act."""
    returning: ReturningParams = ReturningParams()
    """Of the trees for the time after a pause."""


class Horizons:
    """Two rankers, each trained on examples of its own horizon: the next act, or the coming months."""

    Params: ClassVar[type[BaseModel]] = HorizonsParams

    def __init__(self, params: HorizonsParams | None = None) -> None:
        self.params = params or HorizonsParams()
        self.sides_: dict[str, Ranker] = {}
        self.column_ = -1

    def fit(self, features: Rows, labels: Float32, groups: Int32, names: tuple[str, ...]) -> Self:
        """Fits one ranker for each side; a side without examples uses the other's ranker."""
        self.look(names)
        in_session = np.concatenate(
            [self.in_session(block) for block in blocks_of_rows(features)] or [np.zeros(0, np.bool_)]
        )
        owners = np.repeat(np.arange(len(groups)), groups)
        sides: dict[str, Ranker] = {}
        for side, rows in ((IN_SESSION, in_session), (RETURNING, ~in_session)):
            if rows.any() or side == RETURNING and not sides:
                chosen = np.unique(owners[rows])
                ranker = LightGbm(getattr(self.params, side))
                sides[side] = ranker.fit(where(features, rows), labels[rows], groups[chosen], names)
        return self.of(sides, names)

    def train(self, data: RankerData, params: TrainingParams) -> Trained:
        """A ranker for each horizon, each only where it beats plain fusion on its own examples.

        After a pause a query right before its user's next choice is no example where there are queries at a cut: what
        is wanted then is what the coming time brings.
        """
        self.look(data.names)
        now = np.zeros(len(data.groups), dtype=np.bool_)
        now[data.groups > 0] = self.in_session(data.features[(np.cumsum(data.groups) - data.groups)[data.groups > 0]])
        later = ~now if data.live.all() else ~now & ~data.live
        sides: dict[str, Ranker] = {}
        figures: dict[str, Any] = {}
        for side, queries in ((IN_SESSION, now), (RETURNING, later)):
            if not queries.any():
                figures[side] = {"why": "no examples, the other ranker serves"}
                continue
            chosen: BaseModel = getattr(self.params, side)
            values = chosen.model_dump(exclude={PLAIN} | ({N_SEEDS} - chosen.model_fields_set))
            lightgbm = {"name": "lightgbm", "sections": params.sections | {"lightgbm": values}}
            trained = train_ranker(data.queries(queries), params.model_copy(update=lightgbm))
            figures[side] = trained.figures
            if trained.name != PLAIN or trained.figures["n_telling_queries"] >= params.min_queries:
                sides[side] = trained.ranker
        if not sides:
            return Trained(PLAIN, fit_plain(data, params), figures | _why(figures))
        shown = figures[RETURNING if RETURNING in sides else IN_SESSION].get("learning_curve", [])
        return Trained("horizons", self.of(sides, data.names), figures | _why(figures) | {"learning_curve": shown})

    def of(self, sides: Mapping[str, Ranker], names: tuple[str, ...]) -> Self:
        """From a fitted ranker for each side; one alone serves both."""
        self.look(names)
        only = next(iter(sides.values()))
        self.sides_ = {side: sides.get(side, only) for side in SIDES}
        return self

    def in_session(self, features: Float32) -> npt.NDArray[np.bool_]:
        """(n_rows,) whose query follows an act of its user within the session; without a history: no."""
        if self.column_ < 0:
            return np.zeros(len(features), dtype=np.bool_)
        within: npt.NDArray[np.bool_] = features[:, self.column_] <= self.params.session_hours / 24.0
        return within

    def score(self, features: Float32) -> Float32:
        if not self.sides_:
            raise NotFittedError("horizons: asked before it was fitted; call fit or load")
        in_session = self.in_session(features)
        scores = np.zeros(len(features), dtype=np.float32)
        for side, rows in ((IN_SESSION, in_session), (RETURNING, ~in_session)):
            if rows.any():
                scores[rows] = self.sides_[side].score(features[rows])
        return scores

    def score_plan(self) -> ScorePlan:
        """That of each side; of one alone where it serves both, or where no query is known to be in session."""
        if not self.sides_:
            raise NotFittedError("horizons: no plan before it was fitted")
        within, beyond = (self.sides_[side] for side in SIDES)
        if self.column_ < 0 or within is beyond:
            return plan_of(beyond)
        limit = self.params.session_hours / 24.0
        return BySide(column=self.column_, limit=limit, within=plan_of(within), beyond=plan_of(beyond))

    def save(self, folder: Path) -> None:
        if not self.sides_:
            raise NotFittedError("horizons: nothing to save before it was fitted")
        kinds = {side: name_of("ranker", self.sides_[side]) for side in SIDES}
        learned = _Learned(params=self.params, column=self.column_, sides=kinds)
        write_params(learned, folder / "horizons.json")
        for side in SIDES:
            self.sides_[side].save(folder / side)

    @classmethod
    def load(cls, folder: Path) -> Self:
        learned = read_params(folder / "horizons.json", "ranker.horizons", _Learned)
        ranker = cls(learned.params)
        ranker.column_ = learned.column
        parts = zip(SIDES, learned.sides.items(), strict=True)  # in this order in every format, whatever their names
        ranker.sides_ = {side: load_ranker(kind).load(folder / name) for side, (name, kind) in parts}
        return ranker

    def look(self, names: tuple[str, ...]) -> None:
        """Stores the index of the column with the days since the last act."""
        self.column_ = names.index(IDLE) if IDLE in names else -1


class _Learned(BaseModel):
    params: HorizonsParams
    column: int
    sides: dict[str, str]
