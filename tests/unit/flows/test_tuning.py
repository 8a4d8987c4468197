"""Tuning: what is tried, when the best of many is a gain, and that a search goes on where it was killed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from features.errors import UserError
from flows.project.dataset import Project
from flows.tuning.inputs import Valid, read_valid
from flows.tuning.proposal import accept, propose, tasks_of
from flows.tuning.study import Found, search
from flows.tuning.trials import Task
from models.data.queries import one_query
from models.data.ragged import Ragged
from models.data.types import History, Queries, Targets
from models.evaluation.intervals import Interval
from models.registry import load_retriever
from models.retrievers.popular import Popular
from models.tuning.objective import Chunk, Params, answered, gain_of_best, user_chunks
from models.tuning.search_space import SPACES, Axis, axes_of
from tests.support.part_inputs import DAY, make_catalogue, make_log

PARAMS_YAML = """\
profile: quick
retrievers:
  popular:
    half_life_days: {quick: 7, default: 30}   # shorter follows fashion
"""


@pytest.mark.parametrize("name", sorted(SPACES))
def test_both_ends_of_every_range_are_params_that_the_part_takes(name):
    params = load_retriever(name).Params
    axes = axes_of(name, params)
    for end in ("low", "high"):
        values = {key: getattr(axis, end) for key, axis in axes.items() if not axis.choices}
        params(**{key: round(value) if axes[key].whole else value for key, value in values.items()})


def test_numbers_are_rounded_and_whole_ones_are_whole():
    trial = SimpleNamespace(
        suggest_float=lambda *_, **__: 213.4827, suggest_int=lambda *_, **__: 17, suggest_categorical=lambda *_: "b"
    )
    assert Axis(low=1, high=1000, log=True).suggested("x", trial) == 213.0
    assert Axis(low=1, high=100, whole=True).suggested("x", trial) == 17
    assert Axis(choices=("a", "b")).suggested("x", trial) == "b"


def test_present_values_outside_the_space_are_placed_at_its_edge():
    assert Axis(low=1, high=1000).placed(None) == 1000  # null: never ages
    assert Axis(low=1, high=1000).placed(0.5) == 1
    assert Axis(low=5, high=500, whole=True).placed(20) == 20


def test_every_user_is_in_one_chunk():
    chunks = user_chunks(["b", "a", "b", "c"], 2, seed=3)
    assert sorted(sum(chunks, [])) == ["a", "b", "c"]
    assert user_chunks(["b", "a", "b", "c"], 2, seed=3) == chunks
    assert len(user_chunks(["a"], 5, seed=3)) == 1


def test_queries_without_history_or_without_anything_new_do_not_count():
    catalogue = make_catalogue(3)
    asked = [one_query(user, DAY, items, [0] * len(items), catalogue.vocabulary) for user, items in CASES.items()]
    for query, wanted, counted in zip(asked, ([1], [1], []), (True, False, False), strict=True):
        targets = Targets(Ragged.one_row(np.array(wanted, dtype=np.int32)), np.array([len(wanted)]))
        assert Chunk(query, targets).counted.tolist() == [counted]


CASES = {"knows": ["i0"], "new": [], "content": ["i2"]}


def test_a_gain_for_everybody_is_told_from_noise():
    """One trial is ahead by 0.1 for each of 200 users but for a little; ten others by chance alone."""
    rng = np.random.default_rng(7)
    present = rng.random(200)
    noise = present[:, None] + rng.normal(0, 0.2, (200, 10))
    values = np.column_stack([present + 0.1 + rng.normal(0, 0.05, 200), noise])
    owners = np.arange(200)
    gain = gain_of_best(values, present, owners, 0, Params())
    assert gain.value == pytest.approx((values[:, 0] - present).mean())
    assert 0.08 < gain.low < gain.value < gain.high < 0.12
    luckiest = int(np.argmax(noise.mean(axis=0)))
    alone = gain_of_best(noise[:, [luckiest]], present, owners, 0, Params())
    among = gain_of_best(noise, present, owners, luckiest, Params())
    assert among.low < alone.low and among.low < 0  # the best of ten needs more than one that was named before


def test_events_of_one_user_are_resampled_together():
    """Four users with 25 like events each are four observations, not a hundred."""
    apart = np.repeat([0.3, 0.1, 0.2, -0.1], 25)
    gain = gain_of_best(apart[:, None], np.zeros(100), np.repeat(np.arange(4), 25), 0, Params())
    assert gain.value == pytest.approx(0.125)
    assert gain.low < 0


def small_valid() -> Valid:
    """Old hits i0 … i4, new ones i5 … i9: what people chose next are the new ones, so a short half life is right."""
    catalogue = make_catalogue(12)
    old = [(user, item, 1) for user in range(40) for item in range(5)]
    late = [(user, 5 + item, 99) for user in range(0, 40, 2) for item in range(5)]
    chunks = []
    for start in (0, 10):
        wanted = np.array([5 + user % 5 for user in range(10)], dtype=np.int32)
        queries = Queries(
            user_ids=np.array([f"v{start + user:02}" for user in range(10)]),
            at=np.full(10, 100 * DAY),
            history=History(
                items=Ragged(np.arange(11), np.full(10, 11, dtype=np.int32)),
                times=np.full(10, DAY),
                weights=np.ones(10, dtype=np.float32),
            ),
            excluded=Ragged.empty_rows(10, np.int32),
        )
        chunks.append(Chunk(queries, Targets(Ragged(np.arange(11), wanted), np.ones(10, dtype=np.int64))))
    return Valid(make_log(old + late), catalogue, chunks, "key")


def popular(half_life_days: float) -> Task:
    present = Popular.Params(half_life_days=half_life_days)
    return Task("popular", Popular, present, axes_of("popular", Popular.Params))


def test_the_objective_is_ndcg_by_hand():
    """i5 … i9 first, in the order of ties: the wanted one at rank 1 to 5 by user."""
    valid = small_valid()
    (values, offered), _ = answered(Popular().fit(valid.log, valid.catalogue), valid.chunks)
    assert offered and values == pytest.approx([1 / np.log2(rank + 1) for rank in (1, 2, 3, 4, 5) * 2])


def test_a_search_finds_the_gain_and_goes_on_as_if_undisturbed(tmp_path):
    valid, task = small_valid(), popular(365)
    whole = search(tmp_path / "a", task, valid, Params(), n_trials=8, seconds=600)
    assert whole.n_trials == 8 and whole.best > whole.present and whole.gain.low > 0 and whole.n_users == 20
    search(tmp_path / "b", task, valid, Params(), n_trials=3, seconds=600)
    _leave_a_running_trial(tmp_path / "b")
    assert search(tmp_path / "b", task, valid, Params(), n_trials=8, seconds=600) == whole
    assert search(tmp_path / "b", task, valid, Params(), n_trials=8, seconds=600) == whole  # nothing left to try


def _leave_a_running_trial(folder: Path) -> None:
    """What a kill leaves behind."""
    import optuna

    storage = f"sqlite:///{folder / 'studies.db'}"
    (summary,) = optuna.get_all_study_summaries(storage)
    optuna.load_study(study_name=summary.study_name, storage=storage).ask()


def test_without_time_the_present_params_are_still_judged(tmp_path):
    found = search(tmp_path, popular(7), small_valid(), Params(), n_trials=8, seconds=0)
    assert (found.n_trials, found.best, found.gain) == (1, found.present, None)


def project(folder: Path, text: str = PARAMS_YAML) -> Path:
    (folder / "params.yaml").write_text(text)
    return folder


def found(low: float, n_users: int = 100) -> Found:
    gain = Interval(0.02, low, 0.05)
    return Found(
        retriever="popular",
        n_trials=20,
        n_pruned=3,
        present=0.1,
        best=0.12,
        values={"half_life_days": 2.5},
        gain=gain,
        n_users=n_users,
    )


def test_a_gain_is_proposed_and_accepted(tmp_path):
    root = project(tmp_path)
    text = propose(Project(root), tasks_of(Project(root), []), [found(low=0.01)], Params())
    assert "+    half_life_days: {quick: 2.5, default: 30} # shorter follows fashion" in text
    assert (root / "data/tuning/params.diff").is_file() and (root / "params.yaml").read_text() == PARAMS_YAML
    assert accept(Project(root)) == 1
    assert (root / "params.yaml").read_text() == PARAMS_YAML.replace(
        "{quick: 7, default: 30}  ", "{quick: 2.5, default: 30}"
    )
    with pytest.raises(UserError, match="nothing is proposed"):
        accept(Project(root))


def test_a_gain_within_noise_proposes_nothing_and_withdraws_what_was_proposed(tmp_path):
    root = project(tmp_path)
    propose(Project(root), tasks_of(Project(root), []), [found(low=0.01)], Params())
    assert "within noise" in propose(Project(root), tasks_of(Project(root), []), [found(low=-0.001)], Params())
    assert not (root / "data/tuning/params.diff").exists()
    assert json.loads((root / "data/tuning/report.json").read_text())["changes"] == []


def test_a_few_users_prove_nothing(tmp_path):
    root = project(tmp_path)
    text = propose(Project(root), tasks_of(Project(root), []), [found(low=0.01, n_users=99)], Params())
    assert "99 users are too few to tell" in text
    assert not (root / "data/tuning/params.diff").exists()


def test_what_was_changed_since_is_not_overwritten(tmp_path):
    root = project(tmp_path)
    propose(Project(root), tasks_of(Project(root), []), [found(low=0.01)], Params())
    project(tmp_path, PARAMS_YAML.replace("quick: 7", "quick: 9"))
    with pytest.raises(UserError, match=r"half_life_days is 9.0, the search began from 7.0; run `recops tune` again"):
        accept(Project(root))


def test_mistakes_are_told_with_the_remedy(tmp_path):
    root = project(tmp_path)
    with pytest.raises(UserError, match=r"--retriever \['ease'\]: .* there are \['popular'\]"):
        tasks_of(Project(root), ["ease"])
    with pytest.raises(UserError, match="run `recops run`"):
        read_valid(Project(root), Params())
