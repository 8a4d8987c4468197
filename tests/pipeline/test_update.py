"""`recops update` on a released project: judged, released, recorded, made again, rolled back."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from features.settings import Settings
from flows.project.dataset import Project
from flows.project.reference import refresh_reference
from flows.releasing.rollback import rollback
from flows.updating.known_rows import known_rows
from flows.updating.making import make_updated_bundle
from models.release.bundle import read_manifest
from models.release.store import ReleaseStore
from models.updating.update_params import Params
from tests.support.update_project import log_events
from tests.support.workspace import recops


def a_new_fashion(project, n_events=400, n_items=8):
    """Rows after the data's end: everybody chooses a few items that hardly anybody chose before, each once."""
    rng, rows = np.random.default_rng(4), project.interactions()
    kind = rows.filter(pl.col("event") != "impression")["event"][0]
    rare = rows.group_by("item_id").len().sort("len", "item_id")["item_id"][:n_items].to_list()
    users = rows["user_id"].unique().sort().to_list()
    pairs = [(user, item) for user in users for item in rare]
    chosen = [pairs[place] for place in rng.permutation(len(pairs))[:n_events]]
    start = project.data_until() + 60_000_000
    at = pl.Series(start + np.arange(n_events) * 30_000_000).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(chosen, schema=["user_id", "item_id"], orient="row").with_columns(
        timestamp=at, event=pl.lit(kind), value=pl.lit(None, pl.Float64), known_at=at
    )


def test_an_update_is_judged_released_recorded_and_can_be_made_again_and_taken_back(released):
    project, settings = Project(released), Settings(home=released / ".recops")
    store = ReleaseStore(settings.home)
    base = store.read(store.live())
    through = log_events(settings, a_new_fashion(project))

    told = recops(released, "update", "--quiet").stdout
    done = store.read(store.live())
    assert f"released {done.release}" in told and "each asked before it was learned" in told
    assert (done.kind, done.update["release"], done.update["position"]) == ("update", base.release, through)
    assert done.update["params"] == project.section("update", Params).model_dump(mode="json")
    assert done.source["progressive"]["updated"]["outcome"] == "superior"
    assert done.judged == base.bundle_hash != done.bundle_hash
    assert read_manifest(store.bundle(done.release)).hash == done.bundle_hash

    known = known_rows(project, settings, base, through)  # in another process
    again, rows = make_updated_bundle(project, store.bundle(base.release), known, project.section("update", Params))
    assert (again.hash, rows) == (done.bundle_hash, done.source["update_rows"])

    shown = recops(released, "releases", "show", done.release).stdout
    assert f"update of {base.release} with the events through {through}" in shown
    assert f"recops update --from {base.release} --until {through} --no-release" in shown

    refresh_reference(project, settings)  # the next gate compares with what the gate judged
    champion = json.loads((project.paths.reference / "champion" / "manifest.json").read_text())
    assert champion["hash"] == base.bundle_hash

    assert rollback(settings, who="test").release.release == base.release
    assert "was taken back" in recops(released, "update", "--quiet").stdout
    assert store.live() == base.release
