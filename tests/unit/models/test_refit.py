"""Refit: what is fitted anew and what is not, and how alike two bundles' lists are, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.files import write_text
from features.schema import CATALOGUE
from models.data.storage import write_arrays
from models.data.types import Log
from models.release.bundle import seal, unseal
from models.release.plan import PLAN, Plan, read_plan
from models.release.refit import ListOverlap, Params, list_overlap, refit, violations
from models.retrievers.popular import Popular
from models.retrievers.sequence import Sequence, SequenceParams
from tests.support.part_inputs import make_catalogue, make_log

EARLY: Log = make_log([(0, 0, 1), (1, 0, 2), (1, 1, 2)])
LATE: Log = make_log([(0, 0, 1), (1, 0, 2), (1, 1, 2), (2, 2, 99)])


@pytest.fixture
def judged(tmp_path):
    folder = tmp_path / "judged"
    empty = {name: kind for name, kind in CATALOGUE.columns.items() if name != "item_id"}
    items = pl.DataFrame({"item_id": ["i0", "i1", "i2"]}).with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in empty.items()
    )
    CATALOGUE.write(items, folder / "catalogue" / "catalogue.parquet")
    catalogue = make_catalogue(3)
    write_arrays({"text": catalogue.prices[:0]}, folder / "vectors" / "vectors.safetensors")
    Popular(Popular.Params(half_life_days=3)).fit(EARLY, catalogue).save(folder / "retrievers" / "popular")
    write_text("as judged", folder / "ranker" / "model.txt")
    plan = Plan(retrievers=["popular"], k=3, ranker="fusion", features=[], reranker="mmr", reranker_params={})
    write_text(plan.model_dump_json(), folder / PLAN)
    seal(folder, features=["a"], data_hash="d", params_hash="p", code_version="c")
    return folder


def test_retrievers_learn_the_later_rows_with_the_judged_params_and_all_else_stays(judged, tmp_path):
    before = unseal(judged)
    done = refit(judged, tmp_path / "refitted", LATE)
    assert unseal(judged) == before
    assert {name for name in done.files if done.files[name] != before.files[name]} == {
        name for name in done.files if name.startswith("retrievers/popular/") and not name.endswith("params.json")
    }
    assert (done.features, done.data_hash, done.params_hash, done.code_version) == (["a"], "d", "p", "c")
    fitted = Popular.load(tmp_path / "refitted" / "retrievers" / "popular")
    assert fitted.params.half_life_days == 3
    assert fitted.scores_.argmax() == 2  # chosen on the last day only
    assert refit(judged, tmp_path / "again", LATE).hash == done.hash


@pytest.mark.parametrize("epochs", [0, 1, None])
def test_a_retriever_that_may_go_on_does_so_from_the_judged_one(judged, tmp_path, epochs):
    """In no further epoch it stays what it was, whatever the later rows say; null learns all of them from nothing."""
    params = SequenceParams(epochs=1, refit_epochs=epochs, embedding_size=8, max_length=4, threads=1)
    catalogue = make_catalogue(3)
    first = Sequence(params).fit(EARLY, catalogue)
    first.save(judged / "retrievers" / "sequence")
    plan = read_plan(judged).model_copy(update={"retrievers": ["sequence"]})
    write_text(plan.model_dump_json(), judged / PLAN)
    seal(judged, features=["a"], data_hash="d", params_hash="p", code_version="c")
    later = make_log([(0, 0, 1), (1, 0, 2), (1, 1, 2), (1, 2, 99)])
    done = refit(judged, tmp_path / "refitted", later)
    found = Sequence.load(tmp_path / "refitted" / "retrievers" / "sequence")
    expected = Sequence(params).refit(later, catalogue, first)
    assert found.arrays_["ids"].tobytes() == expected.arrays_["ids"].tobytes()
    anew = Sequence(params).fit(later, catalogue)
    known = [fitted.arrays_["ids"][:2] for fitted in (found, first, anew)]  # item 2 comes with the later rows
    same = [np.array_equal(known[0], other) for other in known[1:]]
    assert same == [epochs == 0, epochs is None]
    assert refit(judged, tmp_path / "again", later).hash == done.hash


def test_likeness_by_hand():
    """Half of the first user's list stays, all of the second's; the third is not answered any more, the fourth never
    was: (1/2 + 1 + 0) / 3. Four distinct items became three."""
    judged = [["a", "b"], ["c"], ["d"], []]
    refitted = [["a", "e"], ["c"], [], ["a"]]
    found = list_overlap(judged, refitted)
    assert found == ListOverlap(overlap=pytest.approx(0.5), coverage=0.75, n_silent=1, n_users=4)


def test_each_fault_is_a_sentence_with_what_was_found_and_expected():
    assert violations(ListOverlap(0.3, 0.7, 0, 10), Params()) == []
    said = violations(ListOverlap(0.25, 0.5, 2, 10), Params())
    assert [sentence.split(",")[0] for sentence in said] == [
        "it answers nothing to 2 of 10 users whom the judged bundle answers",
        "its lists share 0.25 with the judged ones",
        "its lists hold 0.50 times as many distinct items as the judged ones",
    ]
