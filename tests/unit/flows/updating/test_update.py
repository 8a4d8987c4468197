"""An update is a function of a release, a position of the event log and params; it is judged on what came since."""

from __future__ import annotations

import shutil
from dataclasses import replace

import polars as pl
import pytest

from features.errors import RefusedError, UserError
from features.events.erase_events import erase_user
from features.events.event_log import EventLog
from features.schema import INTERACTIONS
from features.settings import Settings
from flows.project.dataset import Project
from flows.releasing.bento import SERVING_PACKAGES
from flows.updating.begin_update import check_code
from flows.updating.known_rows import digest_of, known_rows
from flows.updating.making import choose, make_updated_bundle, taken_back
from flows.updating.progressive import judge_update, learned_until
from models.data.saved_params import read_params
from models.release.store import ReleaseStore
from models.retrievers.sequence import SequenceParams
from models.updating.parts import unchanged
from models.updating.update_params import Params
from tests.support.drifted_clicks import drifted
from tests.support.update_project import RELEASE, log_events, make_update_project

PARAMS = Params(least_events=100, bootstrap=200)


@pytest.fixture(scope="module")
def world():
    return drifted()


@pytest.fixture(scope="module")
def made(world, tmp_path_factory):
    """A project and a home whose log is empty; not to be changed."""
    folder = tmp_path_factory.mktemp("update")
    make_update_project(folder / "project", Settings(home=folder / "home"), world)
    return folder


@pytest.fixture
def copied(made, tmp_path):
    """The project and the settings of a copy, elsewhere."""
    shutil.copytree(made, tmp_path / "copy")
    return Project(tmp_path / "copy" / "project"), Settings(home=tmp_path / "copy" / "home")


def rows_of(project, settings, until=None):
    return known_rows(project, settings, ReleaseStore(settings.home).read(RELEASE), until)


def bundle_of(project, settings, until=None, params=PARAMS):
    """Hash of the updated bundle, and the digest of its rows."""
    bundle = ReleaseStore(settings.home).bundle(RELEASE)
    manifest, rows = make_updated_bundle(project, bundle, rows_of(project, settings, until), params)
    return manifest.hash, rows


@pytest.fixture(scope="module")
def expected(made, world, tmp_path_factory):
    """The bundle through all of the day's events, in the order in which they happened."""
    folder = tmp_path_factory.mktemp("expected")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    settings = Settings(home=folder / "home")
    log_events(settings, world.after)
    return bundle_of(Project(folder / "project"), settings)


def test_the_same_three_give_the_same_bundle_elsewhere_and_with_more_events_after(copied, world, expected):
    project, settings = copied
    through = log_events(settings, world.after)
    log_events(settings, drifted(step_after=11, seed=9).after)
    assert bundle_of(project, settings, until=through) == expected
    other, rows = bundle_of(project, settings)
    assert other != expected[0] and rows != expected[1]


def test_the_order_of_arrival_does_not_matter(copied, world, expected):
    project, settings = copied
    last_first = [*range(world.after.height - 1, -1, -1)]
    log_events(settings, world.after, last_first)
    assert bundle_of(project, settings) == expected


def test_other_params_give_another_bundle(copied, world, expected):
    project, settings = copied
    log_events(settings, world.after)
    kept, rows = bundle_of(project, settings, params=PARAMS.model_copy(update={"keep": ["markov"]}))
    assert kept != expected[0] and rows == expected[1]


def test_what_is_kept_stays_as_it_is_and_a_warm_start_goes_on(copied, world):
    project, settings = copied
    log_events(settings, world.after)
    bundle_of(project, settings, params=PARAMS.model_copy(update={"keep": ["markov"]}))
    before, after = ReleaseStore(settings.home).bundle(RELEASE), project.root / "data" / "update" / "bundle"

    def bytes_of(bundle, name):
        return [path.read_bytes() for path in sorted((bundle / "retrievers" / name).iterdir())]

    assert bytes_of(after, "markov") == bytes_of(before, "markov")
    assert [unchanged(before, after, name) for name in ("markov", "popular", "sequence")] == [True, False, False]
    assert bytes_of(after, "popular") != bytes_of(before, "popular")
    assert bytes_of(after, "sequence") != bytes_of(before, "sequence")
    saved = read_params(after / "retrievers" / "sequence" / "params.json", "retrievers.sequence", SequenceParams)
    assert (saved.refit_epochs, saved.embedding_size) == (1, 8)


def test_new_users_are_learned_and_new_items_are_not(copied, world):
    project, settings = copied
    strange = world.after.with_columns(
        item_id=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("i-new")).otherwise("item_id")
    )
    log_events(settings, strange)
    known = rows_of(project, settings)
    assert known.fresh.height == world.after.height
    assert set(known.fresh["user_id"]) == set(world.after["user_id"])
    assert "i-new" in set(known.cleaned()["item_id"])
    assert bundle_of(project, settings)[0]  # fits: the item is outside of the vocabulary


def test_an_erased_user_changes_rows_and_hash(copied, world, expected):
    project, settings = copied
    log_events(settings, world.after)
    log = EventLog(settings.events_url)
    erase_user(log, settings.event_shards, "u1-7")
    log.close()
    erased, rows = bundle_of(project, settings)
    assert erased != expected[0] and rows != expected[1]


def judged(project, settings):
    store, known = ReleaseStore(settings.home), rows_of(project, settings)
    sides = choose(store, None)
    base, live = store.bundle(sides.base.release), store.bundle(sides.live.release)
    return judge_update(project, known, base, live, learned_until(project, known, sides.base, sides.live), PARAMS)


def test_after_a_drift_the_update_of_the_project_is_preferred(copied, world):
    project, settings = copied
    log_events(settings, world.after)
    verdict = judged(project, settings)
    assert verdict.updated.outcome == "superior"
    assert verdict.n_events > 200


def test_what_the_live_update_knows_is_not_asked_again(copied, world):
    """Half of the day is known to the update that is live: only the other half is asked."""
    project, settings = copied
    half = world.after.height // 2
    log_events(settings, world.after[:half])
    store = ReleaseStore(settings.home)
    base = store.read(RELEASE)
    bundle_of(project, settings)
    shutil.copytree(project.root / "data" / "update" / "bundle", store.bundle("update-1"))
    store.write(replace(base, release="update-1", kind="update", update={"release": RELEASE, "position": half}))
    store.swap("update-1", who="test", why="a test")
    log_events(settings, world.after[half:])
    known, sides = rows_of(project, settings), choose(store, None)
    assert (sides.base.release, sides.live.release) == (RELEASE, "update-1")
    last_known = int(world.after["timestamp"].dt.epoch("us")[half - 1])
    assert learned_until(project, known, sides.base, sides.live) == last_known
    later = world.after[half:].group_by("user_id").len()
    assert judged(project, settings).n_events <= later["len"].sum()
    with pytest.raises(UserError, match=f"--from {RELEASE}"):
        choose(store, "update-1")


def test_after_an_export_the_rows_of_the_release_are_told_from_the_exported_ones(copied, world, expected):
    project, settings = copied
    through = log_events(settings, world.after)
    grown = pl.concat([world.before, known_rows_of_log(project, settings)])
    for part, rows in (("train", grown[:300]), ("valid", grown[300:400]), ("test", grown[400:])):
        INTERACTIONS.write(rows, project.paths.split / f"{part}.parquet")
    (project.paths.tables / "source.json").write_text(f'{{"source": "csv", "events_through": {through}}}')
    known = rows_of(project, settings)
    assert not known.are_of_project
    assert known.base.equals(world.before)
    assert digest_of(known.cleaned()) == expected[1]


def known_rows_of_log(project, settings):
    return rows_of(project, settings).fresh


def test_data_that_changed_otherwise_are_refused(copied, world):
    project, settings = copied
    INTERACTIONS.write(world.before[:10], project.paths.split / "test.parquet")
    with pytest.raises(UserError, match=r"holds 334 rows beside the exported events, expected the 360"):
        rows_of(project, settings)


def test_a_position_beyond_the_log_is_refused(copied, world):
    project, settings = copied
    log_events(settings, world.after[:5])
    with pytest.raises(UserError, match="--until 6: .* the log ends at 5"):
        rows_of(project, settings, until=6)


def test_what_a_rollback_took_back_does_not_come_again_by_itself(copied):
    _, settings = copied
    store = ReleaseStore(settings.home)
    base = store.read(RELEASE)
    for name in ("update-1", "update-2"):
        store.write(replace(base, release=name, kind="update", update={"release": RELEASE, "position": 1}))

    def after(*names):
        for name in names:
            store.swap(name, who="test", why="a test")
        return taken_back(store)

    assert after() is None
    assert after("update-1", "update-2") is None
    assert after("update-1") == "update-2"  # one back
    assert after("update-2") == "update-1"  # forward again by hand: whoever goes back and forth decides by hand
    assert after(RELEASE) == "update-2"
    store.write(replace(base, release="next"))
    assert after("next") is None


def test_nothing_live_means_nothing_to_update(tmp_path):
    with pytest.raises(UserError, match="nothing is live"):
        choose(ReleaseStore(tmp_path), None)


def test_other_code_than_the_release_s_is_refused_before_anything_is_judged(copied):
    project, settings = copied
    store = ReleaseStore(settings.home)
    base, bundle = store.read(RELEASE), store.bundle(RELEASE)
    check_code(project, bundle, base)  # nothing to compare with: a release without a Bento
    for package in SERVING_PACKAGES:
        (project.root / package).mkdir()
    other = replace(base, bento_tag="recops:0123456789ab-0badc0de")
    with pytest.raises(RefusedError, match=r"its code is [0-9a-f]{8}, expected 0badc0de of release"):
        check_code(project, bundle, other)
