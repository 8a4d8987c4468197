"""What every retriever of the table of names promises; a new one is covered unasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.data.queries import one_query
from models.data.ragged import Ragged
from models.data.types import Catalogue, History, Log, NotFittedError, Queries
from models.data.vocabulary import Vocabulary
from models.interfaces import Retriever
from models.registry import load_retriever, part_names

N_USERS, N_ITEMS, DAY = 40, 30, 86_400_000_000
pytestmark = pytest.mark.parametrize("name", part_names("retriever"))


def catalogue() -> Catalogue:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(N_ITEMS, 8)).astype(np.float32)
    vectors[5] = 0  # an item without text
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return Catalogue(
        vocabulary=Vocabulary([f"i{place:02}" for place in range(N_ITEMS)]),
        titles=[f"Title {place}" for place in range(N_ITEMS)],
        tags=[["a", "b"] if place % 2 else ["b", "c"] for place in range(N_ITEMS)],
        category_names=["even", "odd"],
        categories=np.array([place % 2 for place in range(N_ITEMS)], dtype=np.int32),
        prices=np.full(N_ITEMS, np.nan, dtype=np.float32),
        created_at=np.full(N_ITEMS, np.iinfo(np.int64).min),
        vectors=vectors,
    )


def log(seed: int = 1, n_rows: int = 400) -> Log:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 100 * DAY, n_rows))
    return Log(
        user_ids=np.array([f"u{place:02}" for place in range(N_USERS)]),
        users=rng.integers(0, N_USERS, n_rows).astype(np.int32),
        items=np.minimum(rng.geometric(0.12, n_rows) - 1, N_ITEMS - 1).astype(np.int32),
        times=times,
        values=np.full(n_rows, np.nan, dtype=np.float32),
        weights=rng.choice([0.0, 0.5, 1.0], n_rows).astype(np.float32),
        at=100 * DAY,
        friends=np.array(
            [[f"u{place}", f"u{(7 * place + step) % N_USERS:02}"] for place in range(N_USERS) for step in (1, 2, 5)]
        ),
    )


def batch(log: Log, unavailable: list[int] | None = None) -> Queries:
    """Every user of the log, a new user first, and one who knows nearly everything."""
    histories = [(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64))]
    histories += [(log.items[log.users == user], log.times[log.users == user]) for user in range(N_USERS)]
    histories += [(np.arange(N_ITEMS - 2, dtype=np.int32), np.arange(N_ITEMS - 2) * DAY)]
    history = History(
        items=Ragged.of_rows([items for items, _ in histories], np.int32),
        times=np.concatenate([times for _, times in histories]),
        weights=np.ones(sum(len(items) for items, _ in histories), dtype=np.float32),
    )
    closed = np.zeros(N_ITEMS, dtype=np.bool_)
    closed[unavailable or []] = True
    return Queries(
        user_ids=np.array([f"u{place}" for place in range(len(histories))]),
        at=np.full(len(histories), 100 * DAY),
        history=history,
        excluded=Ragged.of_rows([np.unique(items) for items, _ in histories], np.int32),
        unavailable=closed if unavailable is not None else None,
    )


def fitted(name: str, seed: int = 1) -> Retriever:
    return load_retriever(name)().fit(log(seed), catalogue())


def folder_bytes(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_unfitted_says_so(name, tmp_path):
    with pytest.raises(NotFittedError, match=name):
        load_retriever(name)().retrieve(batch(log()), 5)
    with pytest.raises(NotFittedError, match=name):
        load_retriever(name)().save(tmp_path)


def test_is_a_retriever_with_params_that_forbid_strangers(name):
    retriever = fitted(name)
    assert isinstance(retriever, Retriever)
    assert retriever.Params.model_config["extra"] == "forbid"


def test_at_most_k_best_first_pads_at_the_end(name):
    queries = batch(log())
    for k in (1, 7, N_ITEMS + 10):
        hits = fitted(name).retrieve(queries, k)
        assert hits.items.shape == hits.scores.shape == (len(queries), k)
        assert hits.items.dtype == np.int32
        assert hits.scores.dtype == np.float32
        for items, scores in zip(hits.items, hits.scores, strict=True):
            n = int((items >= 0).sum())
            assert (items[n:] == -1).all()
            assert len(set(items[:n].tolist())) == n
            assert (np.diff(scores[:n]) <= 0).all()
            ties = np.diff(scores[:n]) == 0
            assert (np.diff(items[:n])[ties] > 0).all()
    assert (fitted(name).retrieve(queries, 7).items >= 0).any()


def test_never_an_excluded_or_unavailable_item(name):
    queries = batch(log(), unavailable=[0, 3, 11])
    hits = fitted(name).retrieve(queries, N_ITEMS)
    for query, items in enumerate(hits.items):
        out = queries.excluded[query]
        assert not set(items[items >= 0].tolist()) & ({0, 3, 11} | set(out.tolist()))


def test_a_history_may_be_offered_again_when_it_is_not_excluded(name):
    queries = batch(log())
    free = replace(queries, excluded=Ragged.empty_rows(len(queries), np.int32))
    assert (fitted(name).retrieve(free, N_ITEMS).items >= 0).sum() > (
        fitted(name).retrieve(queries, N_ITEMS).items >= 0
    ).sum()


def test_new_user_unknown_item_and_no_query_are_no_error(name):
    vocabulary = catalogue().vocabulary
    retriever = fitted(name)
    for history in ([], ["never seen"], ["never seen", "i01"]):
        hits = retriever.retrieve(one_query("x", 100 * DAY, history, [5] * len(history), vocabulary), 5)
        assert hits.items.shape == (1, 5)
    assert retriever.retrieve(batch(log()).part(0, 0), 5).items.shape == (0, 5)


def test_an_empty_log_and_items_without_text_are_no_error(name):
    nothing = Log(
        user_ids=np.zeros(0, dtype=np.str_),
        users=np.zeros(0, dtype=np.int32),
        items=np.zeros(0, dtype=np.int32),
        times=np.zeros(0, dtype=np.int64),
        values=np.zeros(0, dtype=np.float32),
        weights=np.zeros(0, dtype=np.float32),
        at=0,
    )
    bare = replace(catalogue(), vectors=None, tags=[[] for _ in range(N_ITEMS)])
    hits = load_retriever(name)().fit(nothing, bare).retrieve(batch(log()), 5)
    assert (hits.items == -1).all()


def test_second_fit_forgets_the_first(name):
    again = fitted(name, seed=2).fit(log(1), catalogue())
    fresh = fitted(name, seed=1)
    queries = batch(log())
    assert np.array_equal(again.retrieve(queries, 9).items, fresh.retrieve(queries, 9).items)
    assert again.retrieve(queries, 9).scores.tobytes() == fresh.retrieve(queries, 9).scores.tobytes()


def test_save_and_load_answer_alike_to_the_byte(name, tmp_path):
    retriever, queries = fitted(name), batch(log())
    retriever.save(tmp_path / "one")
    loaded = load_retriever(name).load(tmp_path / "one")
    before, after = retriever.retrieve(queries, 9), loaded.retrieve(queries, 9)
    assert before.items.tobytes() == after.items.tobytes()
    assert before.scores.tobytes() == after.scores.tobytes()
    loaded.save(tmp_path / "two")
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


def test_same_input_gives_the_same_bytes_and_no_pickle(name, tmp_path):
    fitted(name).save(tmp_path / "one")
    fitted(name).save(tmp_path / "two")
    found = folder_bytes(tmp_path / "one")
    assert found == folder_bytes(tmp_path / "two")
    assert {path.rsplit(".", 1)[-1] for path in found} <= {"safetensors", "npz", "parquet", "json", "txt"}


def test_a_batch_of_one_equals_the_batch(name):
    retriever, queries = fitted(name), batch(log())
    whole = retriever.retrieve(queries, 9)
    for query in range(len(queries)):
        alone = retriever.retrieve(queries.part(query, query + 1), 9)
        assert alone.items.tobytes() == whole.items[query].tobytes()
        assert alone.scores.tobytes() == whole.scores[query].tobytes()


def test_rows_without_trust_teach_nothing(name):
    queries, rows = batch(log()), log()
    without = rows.weights > 0
    kept = replace(
        rows,
        users=rows.users[without],
        items=rows.items[without],
        times=rows.times[without],
        values=rows.values[without],
        weights=rows.weights[without],
    )
    lean = load_retriever(name)().fit(kept, catalogue()).retrieve(queries, 9)
    full = load_retriever(name)().fit(rows, catalogue()).retrieve(queries, 9)
    assert np.array_equal(lean.items, full.items)
    assert lean.scores.tobytes() == full.scores.tobytes()


def test_the_order_of_acts_at_one_instant_matters_only_to_who_reads_sequences(name):
    vocabulary, retriever = catalogue().vocabulary, fitted(name)
    one = retriever.retrieve(one_query("x", DAY, ["i01", "i04", "i02"], [5, 5, 5], vocabulary), 9)
    two = retriever.retrieve(one_query("x", DAY, ["i02", "i01", "i04"], [5, 5, 5], vocabulary), 9)
    assert (one.scores.tobytes() != two.scores.tobytes()) == (name in {"markov", "sequence"})
