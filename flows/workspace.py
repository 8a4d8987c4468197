"""Python for data scientists: a project opened in a notebook, its answers as data frames with titles.

from flows.workspace import open_project

shop = open_project()
shop.recommend("u0001", k=5)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from features.errors import UserError
from features.settings import read_settings
from features.telemetry import quiet_telemetry
from flows.project.dataset import Project

if TYPE_CHECKING:
    from flows.recommend import OpenedBundle
    from models.recommender import Recommender

__all__ = ["Workspace", "open_project"]


def open_project(root: str | Path = ".", *, bundle: str | Path | None = None) -> Workspace:
    """Opens the nearest project upward from `root`.

    bundle: a bundle folder; default: data/bundle, or the live release's where there is none.

    Raises:
        UserError: there is no project.
    """
    from flows.project.dag import project_root

    quiet_telemetry()
    return Workspace(Project(project_root(Path(root))), Path(bundle) if bundle is not None else None)


class Workspace:
    """A project and one of its bundles. Frames are polars; `.to_pandas()` turns them into pandas."""

    def __init__(self, project: Project, bundle: Path | None = None) -> None:
        self._project = project
        self._given = bundle

    def __repr__(self) -> str:
        from flows.recommend import bundle_folder

        folder = bundle_folder(self._project, read_settings(), self._given)
        return f"<recops project {self._project.root.name}: bundle {folder.name}>"

    @property
    def items(self) -> pl.DataFrame:
        """The catalogue: item_id, title, category, price, and the columns that were imported beside them."""
        return pl.read_parquet(self._project.paths.catalogue / "catalogue.parquet")

    @property
    def interactions(self) -> pl.DataFrame:
        """Every interaction of the data, oldest first: user_id, item_id, timestamp, event, value, known_at."""
        return self._project.interactions().sort("timestamp", maintain_order=True)

    def history(self, user_id: str, n: int = 20) -> pl.DataFrame:
        """The newest n interactions of a user, newest first, with titles.

        Raises:
            UserError: the data have no such user.
        """
        (stored,) = self._stored([user_id])
        rows = self._project.interactions().filter(pl.col("user_id") == stored)
        if rows.is_empty():
            raise UserError(f"no interaction of user '{user_id}' in the data; `interactions` holds all of them")
        newest = rows.sort("timestamp", descending=True, maintain_order=True).head(n)
        return self._with_titles(newest.select("item_id", "timestamp", "event", "value"))

    def recommend(
        self,
        users: str | Sequence[str],
        k: int = 10,
        *,
        at: datetime | str | None = None,
        include_seen: bool = False,
    ) -> pl.DataFrame:
        """The k best items of one or many users: user_id, rank, item_id, title, score, reason.

        at: what was known at that instant (UTC where it names no zone); default: all of the data. An unknown user gets
        the list of a new one.
        """
        user_ids = [users] if isinstance(users, str) else list(users)
        shown_ids, instant = self._stored(user_ids), _microseconds(at)
        frame = self._bundle.lists(shown_ids, k, instant, include_seen=include_seen)
        return self._with_titles(frame).select("user_id", "rank", "item_id", "title", "score", "reason")

    def similar(self, item_id: str, k: int = 10) -> pl.DataFrame:
        """The k items most like one: rank, item_id, title, score.

        Raises:
            UserError: the bundle has no such item.
        """
        slate = self.recommender.similar(self._position(item_id), k)
        shown = slate.items[0] >= 0
        frame = pl.DataFrame(
            {
                "rank": range(1, int(shown.sum()) + 1),
                "item_id": [
                    self._bundle.catalogue.vocabulary.item_ids[item] for item in slate.items[0][shown].tolist()
                ],
                "score": slate.scores[0][shown],
            },
            schema={"rank": pl.Int64, "item_id": pl.String, "score": pl.Float64},
        )
        return self._with_titles(frame).select("rank", "item_id", "title", "score")

    def explain(
        self, user_id: str, item_id: str, *, at: datetime | str | None = None, include_seen: bool = False
    ) -> pl.DataFrame:
        """Where each retriever ranks an item for a user: retriever, rank (null: not among its candidates), score.

        The last row, `recommender`, is the rank in the list of `recommend`; null beyond 100. An item that the user has
        seen has ranks only with `include_seen`.

        Raises:
            UserError: the bundle has no such item.
        """
        position = self._position(item_id)
        stored_ids, instant = list(self._stored([user_id])), _microseconds(at)
        queries = self._bundle.queries(self._project.interactions(), stored_ids, instant, include_seen=include_seen)
        rows: list[tuple[str, int | None, float | None]] = []
        for name, retriever in self.recommender.retrievers.items():
            hits = retriever.retrieve(queries, self.recommender.k)
            rows.append((name, *_place(hits.items[0].tolist(), hits.scores[0].tolist(), position)))
        slate = self.recommender.recommend(queries, 100)
        rows.append(("recommender", *_place(slate.items[0].tolist(), slate.scores[0].tolist(), position)))
        return pl.DataFrame(rows, schema={"retriever": pl.String, "rank": pl.Int64, "score": pl.Float64}, orient="row")

    def evaluate(self, segment: str | None = "warm") -> pl.DataFrame:
        """What was judged last: model, metric, n_queries, value, low, high (of its interval); the challenger first.

        segment: a slice of the test queries, named as `recops evaluate` names them; None: all of them, in column slice.

        Raises:
            UserError: nothing was judged yet.
        """
        from models.evaluation.results import load

        evaluation, _ = load(self._project.paths.evaluation)
        frame = evaluation.summary
        return frame if segment is None else frame.filter(slice=segment).drop("slice")

    @property
    def recommender(self) -> Recommender:
        """The loaded recommender of the bundle.

        Raises:
            UserError: there is no bundle, or its code is not this code.
        """
        return self._bundle.recommender

    @cached_property
    def _bundle(self) -> OpenedBundle:
        from flows.recommend import OpenedBundle

        return OpenedBundle(self._project, read_settings(), self._given)

    def _stored(self, user_ids: list[str]) -> dict[str, str]:
        """Ids as the data hold them (hashed where the import hashed them) and as they were given."""
        from flows.recommend import stored_users

        return stored_users(user_ids, self._project, read_settings())

    def _position(self, item_id: str) -> int:
        position = self._bundle.catalogue.vocabulary.position(item_id)
        if position < 0:
            raise UserError(f"item '{item_id}' is not in the bundle; `items` lists the catalogue")
        return position

    def _with_titles(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(self.items.select("item_id", "title"), on="item_id", how="left", maintain_order="left")


def _place(items: list[int], scores: list[float], position: int) -> tuple[int | None, float | None]:
    """Rank from 1 and score of an item in a list; None where it is not in it."""
    if position not in items:
        return None, None
    rank = items.index(position)
    return rank + 1, scores[rank]


def _microseconds(at: datetime | str | None) -> int | None:
    """µs since 1970; None for the end of the data."""
    from flows.recommend import instant_of

    return None if at is None else instant_of(at, "at")
