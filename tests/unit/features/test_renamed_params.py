"""Old names of params are refused with the new one; DVC's blind spots are refused wherever they stand."""

import pytest

from features.cleaning.interactions import Params as CleanParams
from features.errors import UserError
from features.params import parse, read_params, section
from features.renamed_params import RENAMED, with_new_names
from models.gate.decision import Params as GateParams
from models.rankers.horizons import HorizonsParams
from models.retrievers.als import AlsParams


def test_an_old_name_is_refused_with_the_new_one():
    with pytest.raises(UserError, match="section 'clean' .*burst_times: it is called burst_factor now"):
        parse("clean", {"burst_times": 5}, CleanParams)
    with pytest.raises(UserError, match=r"live: it is called in_session now"):
        parse("ranker.horizons", {"live": {"n_trees": 5}}, HorizonsParams)
    with pytest.raises(UserError, match=r"in_session.draws: it is called n_seeds now"):
        parse("ranker.horizons", {"in_session": {"draws": 5}}, HorizonsParams)
    with pytest.raises(UserError, match=r"guards.1.slice: it is called segment now"):
        parse("decide", {"guards": [{"metric": "a"}, {"metric": "b", "slice": "warm"}]}, GateParams)


def test_a_name_that_was_never_in_use_gets_no_hint():
    with pytest.raises(UserError, match="burst_size_: Extra inputs are not permitted"):
        parse("clean", {"burst_size_": 5}, CleanParams)


def test_names_that_dvc_does_not_see_are_refused_at_any_depth(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("retrievers: {als: {size: 32}}\nranker: {mlp: {weights: {nfiles: 1}}}\nlist: [{size: 1}]\n")
    with pytest.raises(UserError) as refused:
        read_params(path)
    told = str(refused.value)
    assert "retrievers.als.size: it is called embedding_size now" in told
    assert "ranker.mlp.weights.nfiles: give it another name" in told
    assert "list.size: give it another name" in told


def test_the_renamed_section_is_read_under_its_new_names(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("retrievers: {als: {embedding_size: 32}}\n")
    assert section("retrievers.als", AlsParams, path).embedding_size == 32


def test_values_saved_under_old_names_get_the_new_ones_at_any_depth():
    saved = {"session_hours": 2.0, "live": {"draws": 1, "seed": 4}, "away": {"draws": 2}}
    assert with_new_names("ranker.horizons", saved) == {
        "session_hours": 2.0,
        "in_session": {"n_seeds": 1, "seed": 4},
        "returning": {"n_seeds": 2},
    }
    assert with_new_names("retrievers.ease", {"size": 3}) == {"size": 3}


def test_no_new_name_is_an_old_one():
    assert not {f"{path.rpartition('.')[0]}.{name}" for path, name in RENAMED.items()} & set(RENAMED)
