"""Batch recommendations: many users at once from a bundle, with what was known at an instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import UserError
from features.fields import BLANKS, EARLIEST_EVENT, first_fault, id_faults
from features.positives import Positives
from features.privacy.hashed_ids import hasher_for, read_id_key
from features.reading.cells import read_cells
from features.settings import Settings
from features.table import write_parquet
from flows.project.dataset import Project
from models.data.types import Queries, Slate
from models.release.bundle import MANIFEST, unseal
from models.release.store import ReleaseStore

ROWS_A_BATCH = 2_000
SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Batch:
    """Lists of some users: `table` is that of `table_of`; titles: item_id and title of every item of the bundle."""

    table: pl.DataFrame
    titles: pl.DataFrame

    def write(self, path: Path) -> None:
        """The table as parquet.

        Raises:
            UserError: the file cannot be written.
        """
        try:
            write_parquet(self.table, path)
        except OSError as error:
            raise UserError(f"--out {path}: {error.strerror or error}; name a file that can be written") from None

    def with_titles(self) -> pl.DataFrame:
        """The table with a column `title`, null where an item has none."""
        return self.table.join(self.titles, on="item_id", how="left", maintain_order="left")


def recommend_batch(
    project: Project,
    settings: Settings,
    user_ids: Sequence[str],
    *,
    bundle: Path | None,
    k: int,
    at: str | None,
    include_seen: bool,
) -> Batch:
    """The lists of some users.

    bundle: its folder, data/bundle or else the live release's by default; at: an ISO-8601 instant, by default that of
    the last event.

    Raises:
        UserError: an instant that is none, no bundle.
    """
    shown_ids = stored_users(user_ids, project, settings)
    instant = instant_of(at, "--at") if at else None
    opened = OpenedBundle(project, settings, bundle)
    return Batch(opened.lists(shown_ids, k, instant, include_seen=include_seen), opened.titles)


class OpenedBundle:
    """A bundle and the data of its project: asks for lists as of an instant.

    Raises:
        UserError: there is no bundle, or its code is not this code.
    """

    def __init__(self, project: Project, settings: Settings, bundle: Path | None) -> None:
        from models.recommender import Recommender
        from models.release.plan import load_catalogue, read_plan

        self._project = project
        folder = bundle_folder(project, settings, bundle)
        unseal(folder)
        self.catalogue = load_catalogue(folder)
        self.recommender = Recommender.load(folder, project.offline_lookup(self.catalogue))
        self._positives = Positives.of(read_plan(folder).targets)

    @property
    def titles(self) -> pl.DataFrame:
        """item_id and title of every item of the bundle."""
        return pl.DataFrame(
            {"item_id": self.catalogue.vocabulary.item_ids, "title": self.catalogue.titles},
            schema={"item_id": pl.String, "title": pl.String},
        )

    def queries(
        self, rows: pl.DataFrame, stored_ids: Sequence[str], instant: int | None, *, include_seen: bool
    ) -> Queries:
        """Queries of some users, by their ids as the data hold them.

        rows: `Project.interactions`; instant: µs since 1970, None for the end of the data.
        """
        from models.data.queries import queries_at

        return queries_at(
            rows,
            self.catalogue.vocabulary,
            stored_ids,
            self._project.data_until() if instant is None else instant,
            availability=self.catalogue.availability,
            positives=self._positives,
            include_seen=include_seen,
        )

    def lists(self, shown_ids: Mapping[str, str], k: int, instant: int | None, *, include_seen: bool) -> pl.DataFrame:
        """The table of `table_of` for some users, some thousand at a time; shown_ids: of `stored_users`."""
        stored_ids = list(shown_ids)
        rows = self._project.interactions()
        frames = []
        for start in range(0, len(stored_ids), ROWS_A_BATCH):
            queries = self.queries(rows, stored_ids[start : start + ROWS_A_BATCH], instant, include_seen=include_seen)
            slate = self.recommender.recommend(queries, k)
            reasons = self.recommender.explain(queries, slate)
            shown = [shown_ids[user_id] for user_id in queries.user_ids.tolist()]
            frames.append(table_of(slate, shown, self.catalogue.vocabulary.item_ids, reasons))
        return pl.concat(frames)


def table_of(slate: Slate, user_ids: Sequence[str], item_ids: Sequence[str], reasons: list[list[str]]) -> pl.DataFrame:
    """One row an item shown: user_id, item_id, rank (1..k), score, reason; where places are drawn propensity too.

    user_ids: (n_queries,); item_ids: (n_items,) in the order of the vocabulary; reasons: (n_queries, k);
    propensity: in (0, 1], the chance of the item given those above it, 1 where it was not drawn.
    """
    query, place = (slate.items >= 0).nonzero()
    columns: dict[str, Any] = {
        "user_id": [user_ids[q] for q in query.tolist()],
        "item_id": [item_ids[item] for item in slate.items[query, place].tolist()],
        "rank": (place + 1).astype("int64"),
        "score": slate.scores[query, place].astype("float64"),
        "reason": [reasons[q][p] for q, p in zip(query, place, strict=True)],
    }
    if slate.propensities is not None:
        columns["propensity"] = slate.propensities[query, place].astype("float64")
    return pl.DataFrame(columns, schema_overrides=dict.fromkeys(("user_id", "item_id", "reason"), pl.String))


def read_users(users: Path | None, user: str | None) -> list[str]:
    """Distinct user ids, in the order given: those of a file, or the one that is named.

    Raises:
        UserError: no or two ways to name users, an unreadable file, or one that names no user.
    """
    if (users is None) == (user is None):
        raise UserError("recommend: name the users by --users FILE or one by --user ID, not both and not neither")
    if users is None:
        named = str(user)
        if named != named.encode(errors="replace").decode():
            raise UserError(
                f"--user {named.encode(errors='replace').decode()}: not UTF-8 text; give the id as it is in the data"
            )
        return _checked(pl.Series("user_id", [named]), "--user")
    if not users.is_file():
        near = sorted(path.name for path in users.parent.glob("*") if path.is_file())[:10]
        raise UserError(f"--users {users}: there is no such file; in its folder there are {near}")
    try:
        suffix = users.suffix.lower()
        if suffix == ".parquet":
            frame = pl.read_parquet(users)
        elif suffix in SEPARATORS:
            frame = pl.read_csv(users, infer_schema=False, separator=SEPARATORS[suffix])
        else:
            lines = [line.strip() for line in users.read_text(encoding="utf-8-sig").splitlines()]
            ids = [line for line in lines if line]
            frame = pl.DataFrame({"user_id": ids[1:] if ids[:1] == ["user_id"] else ids}, schema={"user_id": pl.String})
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise UserError(f"--users {users}: not readable ({error}); give a text, csv or parquet file") from None
    if "user_id" not in frame.columns:
        raise UserError(f"--users {users}: no column 'user_id'; there are {frame.columns}; rename one of them")
    user_ids = _checked(frame.get_column("user_id"), f"--users {users}")
    if not user_ids:
        raise UserError(f"--users {users}: no user in it; expected one user_id a row")
    return user_ids


def stored_users(user_ids: Sequence[str], project: Project, settings: Settings) -> dict[str, str]:
    """Id in the data → id as given: where the data hold hashed ids the given ones may be plain.

    Raises:
        IdKeyError: the key is not set, or it is another one.
    """
    source = project.paths.tables / "source.json"
    hasher = hasher_for(read_id_key(source), settings.id_key.get_secret_value(), str(source.parent))
    return {hasher(user_id) if hasher else user_id: user_id for user_id in user_ids}


def _checked(column: pl.Series, shown: str) -> list[str]:
    """Distinct ids, read as an import reads them: trimmed, whole numbers as text.

    Raises:
        UserError: one of them is no id.
    """
    if column.dtype == pl.String and (column.drop_nulls().str.strip_chars(BLANKS) == "").any():
        raise UserError(f"{shown}: a user_id is blank; give an id, or leave the row out")
    user_ids = read_cells(column, pl.String(), shown).values.rename("user_id").drop_nulls().to_frame()
    faults = user_ids.with_columns(fault=first_fault(id_faults(pl.col("user_id")))).drop_nulls("fault")
    if faults.height:
        user_id, fault = faults.row(0)
        raise UserError(f"{shown}: user_id '{user_id[:80]}' {fault} ({faults.height} such rows); correct or remove it")
    return user_ids.get_column("user_id").unique(maintain_order=True).to_list()


def bundle_folder(project: Project, settings: Settings, given: Path | None) -> Path:
    """The folder that is named, else data/bundle, else the live release's."""
    if given is not None:
        if not given.is_dir():
            raise UserError(f"--bundle {given}: there is no such folder; name a bundle's folder, such as data/bundle")
        return given
    if (project.paths.bundle / MANIFEST).is_file():
        return project.paths.bundle
    store = ReleaseStore(settings.home)
    live = store.live()
    return store.bundle(live) if live else project.paths.bundle


def instant_of(at: datetime | str, name: str) -> int:
    """µs since 1970 of an instant, ISO-8601 as text; without a zone it is UTC.

    name: what messages call it, such as `--at`.

    Raises:
        UserError: it is no instant, or one before all data.
    """
    try:
        instant = datetime.fromisoformat(at) if isinstance(at, str) else at
    except ValueError:
        raise UserError(f"{name} {at}: not an ISO-8601 instant, e.g. 2026-01-31T12:00:00Z") from None
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    if instant.year <= EARLIEST_EVENT.year:
        raise UserError(f"{name} {at}: nothing is known of so early an instant; name one after {EARLIEST_EVENT.year}")
    return int(instant.timestamp() * 1_000_000)
