"""The recommender of four statements, its reasons, its folder, and the ranker that has to earn its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.errors import UserError
from features.files import write_text
from models.data.queries import one_query, part_queries, queries_at
from models.data.storage import write_arrays
from models.data.tables import make_catalogue, make_log
from models.data.types import Catalogue, Slate
from models.explain import contributions
from models.rankers.fusion import Fusion
from models.ranking.examples import Outcomes, joined, make_examples
from models.ranking.features import feature_names, features_of, query_features
from models.ranking.ranker_data import RankerData
from models.ranking.training import Params, ndcg_of, train_ranker
from models.recommender import Recommender
from models.registry import load_retriever
from models.release.plan import assemble, load_catalogue
from models.rerankers.mmr import Mmr, MmrParams
from models.retrieval.candidates import candidates_of

pl = pytest.importorskip("polars")

NAMES = ("ease", "item_knn", "popular", "text", "user_knn")
DAY = 86_400_000_000
N_ITEMS = 30


class Age:
    """A lookup of one feature: the item's position; a FeatureLookup without a store."""

    names = ("position",)

    def features(self, user_ids, at, query, item):
        return item.astype(np.float32)[:, None]


def catalogue_frame():
    return pl.DataFrame(
        {
            "item_id": [f"i{place:02}" for place in range(N_ITEMS)],
            "title": [f"Title {place}" for place in range(N_ITEMS)],
            "description": [None] * N_ITEMS,
            "tags": [["even"] if place % 2 == 0 else ["odd"] for place in range(N_ITEMS)],
            "category": ["even" if place % 2 == 0 else "odd" for place in range(N_ITEMS)],
            "price": [None] * N_ITEMS,
            "created_at": [None] * (N_ITEMS - 1) + [400 * DAY],
            "text": [f"Title {place}" for place in range(N_ITEMS)],
        },
        schema_overrides={
            "description": pl.String,
            "price": pl.Float64,
            "created_at": pl.Datetime("us", "UTC"),
        },
    )


def vectors() -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(N_ITEMS, 6)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def interactions(seed: int = 1, n_rows: int = 900):
    """Users of two tastes: even and odd items."""
    rng = np.random.default_rng(seed)
    users = rng.integers(0, 60, n_rows)
    items = 2 * rng.integers(0, (N_ITEMS - 2) // 2, n_rows) + (users % 2 ^ (rng.random(n_rows) < 0.1))
    times = np.sort(rng.integers(0, 300, n_rows)) * DAY
    return pl.DataFrame(
        {
            "user_id": [f"u{user:02}" for user in users],
            "item_id": [f"i{item:02}" for item in items],
            "timestamp": times,
            "event": ["click"] * n_rows,
            "value": [None] * n_rows,
            "known_at": times,
            "trust": [1.0] * n_rows,
        },
        schema_overrides={"value": pl.Float64},
    ).with_columns(pl.col("timestamp", "known_at").cast(pl.Datetime("us", "UTC")))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return make_catalogue(catalogue_frame(), vectors())


@pytest.fixture(scope="module")
def retrievers(catalogue):
    log = make_log(interactions(), catalogue.vocabulary)
    return {name: load_retriever(name)().fit(log, catalogue) for name in NAMES}


def recommender(catalogue, retrievers, relevance: float = 1.0) -> Recommender:
    ranker = Fusion().fit(np.zeros((0, 0), np.float32), None, None, feature_names(NAMES, Age.names))
    return Recommender(
        catalogue=catalogue,
        retrievers=retrievers,
        ranker=ranker,
        reranker=Mmr(MmrParams(relevance=relevance)),
        lookup=Age(),
        k=20,
    )


def test_recommends_what_fits_the_taste_and_nothing_seen(catalogue, retrievers):
    asked = recommender(catalogue, retrievers)
    users = sorted(interactions()["user_id"].unique().to_list())
    queries = queries_at(interactions(), catalogue.vocabulary, users, 301 * DAY, availability=catalogue.availability)
    slate = asked.recommend(queries, 5)
    assert slate.items.shape == slate.scores.shape == (len(users), 5)
    assert slate.sources.shape == (len(users), 5, len(NAMES))
    same = []
    for query, user in enumerate(users):
        shown = slate.items[query][slate.items[query] >= 0]
        assert not set(shown.tolist()) & set(queries.history.items[query].tolist())
        assert N_ITEMS - 1 not in shown  # it is created later
        assert (np.diff(slate.scores[query][: len(shown)]) <= 0).all()
        same += [item % 2 == int(user[1:]) % 2 for item in shown[:1]]
    assert np.mean(same) > 0.9


def test_a_batch_of_one_recommends_as_the_batch_does(catalogue, retrievers):
    asked = recommender(catalogue, retrievers, relevance=0.7)
    queries = queries_at(interactions(), catalogue.vocabulary, ["u01", "nobody", "u02"], 301 * DAY)
    whole = asked.recommend(queries, 5)
    for query in range(3):
        alone = asked.recommend(queries.part(query, query + 1), 5)
        for name in ("items", "scores", "sources"):
            assert getattr(alone, name)[0].tobytes() == getattr(whole, name)[query].tobytes()


def test_a_new_user_gets_what_is_popular_with_that_reason(catalogue, retrievers):
    query = one_query("nobody", 301 * DAY, [], [], catalogue.vocabulary)
    asked = recommender(catalogue, retrievers)
    slate = asked.recommend(query, 3)
    assert slate.items[0].tolist() == retrievers["popular"].retrieve(query, 3).items[0].tolist()
    assert asked.explain(query, slate) == [["Popular this week"] * 3]


def test_similar_items_leave_the_item_itself_out(catalogue, retrievers):
    slate = recommender(catalogue, retrievers).similar(4, 6)
    assert 4 not in slate.items[0]
    assert (slate.items[0][:4] % 2 == 0).mean() >= 0.75
    assert slate.retrievers == ("ease", "item_knn", "text")


def test_reasons_name_the_source_that_did_most(catalogue, retrievers):
    asked = recommender(catalogue, retrievers)
    query = one_query("x", 301 * DAY, ["i02", "i04"], [5, 6], catalogue.vocabulary)

    def told(item: int, **sources: float) -> str:
        values = np.array([[[sources.get(name, np.nan) for name in NAMES]]], dtype=np.float32)
        return asked.explain(
            query,
            Slate(
                items=np.array([[item]], np.int32),
                scores=np.zeros((1, 1), np.float32),
                sources=values,
                retrievers=NAMES,
            ),
        )[0][0]

    assert told(6, popular=0.016, user_knn=0.010) == "Popular this week"
    assert told(6, popular=0.010, user_knn=0.016) == "Chosen by people with a history like yours"
    assert told(6, text=0.016, popular=0.01) in {
        "Similar description to “Title 2”",
        "Similar description to “Title 4”",
        "Popular this week",  # where neither description is near
    }
    said = told(6, item_knn=0.016, popular=0.012)
    near = contributions(retrievers["item_knn"], query, [np.array([4]), np.array([2])], np.array([6]))[:, 0]
    first = ["Title 4", "Title 2"][int(np.argmax(near))]
    assert said.startswith(f"Because of “{first}”")
    assert said.endswith("in your history")
    assert told(-1) == ""


def bundle_parts(folder: Path, retrievers) -> None:
    for name, part in retrievers.items():
        part.save(folder / "retrievers" / name)
    catalogue_frame().write_parquet(_made(folder / "catalogue") / "catalogue.parquet")
    write_arrays({"text": vectors()}, folder / "vectors" / "vectors.safetensors")
    Fusion().fit(np.zeros((0, 0), np.float32), None, None, feature_names(NAMES, Age.names)).save(folder / "ranker")
    said = f'{{"ranker": "fusion", "retrievers": {list(NAMES)}, "features": ["position"]}}'.replace("'", '"')
    write_text(said, folder / "ranker" / "ranker.json")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def assembled(parts: Path, target: Path):
    return assemble(
        target,
        retrievers=parts / "retrievers",
        ranker=parts / "ranker",
        catalogue=parts / "catalogue",
        vectors=parts / "vectors",
        k=20,
        reranker="mmr",
        reranker_params=MmrParams(relevance=1.0),
    )


def test_an_assembled_folder_recommends_the_same_and_reads_its_own_files_only(catalogue, retrievers, tmp_path):
    bundle_parts(tmp_path / "parts", retrievers)
    plan = assembled(tmp_path / "parts", tmp_path / "bundle")
    (tmp_path / "parts").rename(tmp_path / "away")
    assert plan.retrievers == list(NAMES)
    loaded = Recommender.load(tmp_path / "bundle", Age())
    queries = queries_at(interactions(), catalogue.vocabulary, ["u01", "u02"], 301 * DAY)
    expected = recommender(catalogue, retrievers).recommend(queries, 10)
    found = loaded.recommend(queries, 10)
    assert found.items.tobytes() == expected.items.tobytes()
    assert found.scores.tobytes() == expected.scores.tobytes()
    assert load_catalogue(tmp_path / "bundle").titles == catalogue.titles
    assert loaded.available(301 * DAY).tolist() == [False] * (N_ITEMS - 1) + [True]
    assert loaded.available(500 * DAY) is None


def test_a_lookup_with_other_features_is_refused(retrievers, tmp_path):
    class Other(Age):
        names = ("something",)

    bundle_parts(tmp_path / "parts", retrievers)
    assembled(tmp_path / "parts", tmp_path / "bundle")
    with pytest.raises(UserError, match=r"trained on features \['position'\], the lookup gives \['something'\]"):
        Recommender.load(tmp_path / "bundle", Other())


@pytest.mark.parametrize("fault", ["another param", "another file"])
def test_a_part_that_other_code_saved_is_refused_and_named(retrievers, tmp_path, fault):
    bundle_parts(tmp_path / "parts", retrievers)
    assembled(tmp_path / "parts", tmp_path / "bundle")
    folder = tmp_path / "bundle" / "retrievers" / "item_knn"
    if fault == "another param":
        (folder / "params.json").write_text('{"neighbours": 20}')
    else:
        (folder / "weights.safetensors").rename(folder / "links.safetensors")
    with pytest.raises(UserError, match=r"the retriever 'item_knn' was saved by other code.*recops run"):
        Recommender.load(tmp_path / "bundle", Age())


def test_a_ranker_of_other_retrievers_is_refused(retrievers, tmp_path):
    bundle_parts(tmp_path / "parts", {name: part for name, part in retrievers.items() if name != "text"})
    with pytest.raises(UserError, match="run `dvc repro train_ranker`"):
        assembled(tmp_path / "parts", tmp_path / "bundle")


def test_examples_are_labelled_by_what_was_chosen_later(catalogue, tmp_path):
    rows = interactions()
    cut = 200 * DAY
    early = rows.filter(pl.col("timestamp").dt.epoch("us") <= cut)
    late = rows.filter(pl.col("timestamp").dt.epoch("us") > cut)
    log = make_log(early, catalogue.vocabulary)
    fitted = {name: load_retriever(name)().fit(log, catalogue) for name in ("item_knn", "popular")}
    queries, targets = part_queries(early, late, catalogue.vocabulary, cut)
    candidates = candidates_of(fitted, queries, 10, N_ITEMS)
    examples = make_examples(queries, candidates, targets, N_ITEMS)
    chosen = set(late.select("user_id", "item_id").iter_rows())
    expected = [
        (queries.user_ids[query], catalogue.vocabulary.item_ids[item]) in chosen
        for query, item in zip(candidates.query, candidates.item, strict=True)
    ]
    assert examples.labels.astype(bool).tolist() == expected
    assert examples.groups.sum() == len(candidates)
    examples.save(tmp_path)
    again = type(examples).load(tmp_path)
    assert np.array_equal(again.candidates.scores, candidates.scores, equal_nan=True)
    for name in ("query", "item", "ranks"):
        assert np.array_equal(getattr(again.candidates, name), getattr(candidates, name))
    assert again.user_ids.tolist() == queries.user_ids.tolist()
    assert np.array_equal(again.labels, examples.labels)
    assert again.candidates.retrievers == ("item_knn", "popular")
    features = features_of(candidates, queries.user_ids, queries.at, query_features(queries), Age())
    assert features.shape == (len(candidates), len(feature_names(("item_knn", "popular"), Age.names)))
    both = joined([Outcomes.of(examples), Outcomes.of(replace(again, live=~again.live))])
    assert both.user_ids.tolist() == queries.user_ids.tolist() * 2
    assert both.live.tolist() == [False] * len(queries) + [True] * len(queries)
    assert both.labels.tolist() == examples.labels.tolist() * 2
    assert both.groups.tolist() == examples.groups.tolist() * 2


def test_a_query_tells_how_long_its_history_is_and_how_long_idle(catalogue):
    queries = one_query("x", 10 * DAY, ["i01", "i02"], [4 * DAY, 7 * DAY], catalogue.vocabulary)
    assert query_features(queries).tolist() == pytest.approx(np.array([[3.0, np.log(3)]]))
    nobody = one_query("y", 10 * DAY, [], [], catalogue.vocabulary)
    assert np.isnan(query_features(nobody)[0, 0])


def world(telling: bool, n_queries: int = 300, size: int = 20):
    """Examples in which the last feature tells what is chosen, or nothing does."""
    rng = np.random.default_rng(2)
    ranks = rng.permuted(np.tile(np.arange(1, size + 1), (n_queries, 1)), axis=1).ravel()
    hint = rng.random(n_queries * size)
    features = np.stack([1 / ranks, -ranks, np.ones_like(hint), hint], axis=1).astype(np.float32)
    labels = ((hint if telling else rng.random(len(hint))) > 0.9).astype(np.float32)
    groups = np.full(n_queries, size, dtype=np.int32)
    n_targets = np.bincount(np.repeat(np.arange(n_queries), size), labels).astype(np.int64)
    names = ("inverse_rank:a", "score:a", "n_retrievers", "hint")
    return RankerData(
        features=features,
        labels=labels,
        groups=groups,
        n_targets=n_targets,
        user_ids=np.array([f"u{place}" for place in range(n_queries)]),
        live=np.ones(n_queries, dtype=np.bool_),
        names=names,
    )


def test_a_learned_ranker_that_knows_more_is_shipped():
    trained = train_ranker(world(True), Params(name="lightgbm", lightgbm={"n_trees": 40, "min_data_in_leaf": 50}))
    assert trained.name == "lightgbm"
    assert trained.figures["lightgbm ndcg@10"] > trained.figures["fusion ndcg@10"] + 0.3


def test_a_learned_ranker_that_learned_only_chance_is_not():
    trained = train_ranker(
        world(False), Params(name="lightgbm", margin=2.0, lightgbm={"n_trees": 40, "min_data_in_leaf": 50})
    )
    assert trained.name == "fusion"
    assert "does not beat fusion" in trained.figures["why"]


def test_what_ships_averages_several_draws():
    trained = train_ranker(world(True), Params(name="lightgbm", lightgbm={"n_trees": 9, "n_seeds": 4}))
    assert len(trained.ranker.models_) == 4
    assert len(set(trained.ranker.models_)) == 4


def test_with_few_queries_nothing_is_learned():
    trained = train_ranker(world(True, n_queries=50), Params(name="lightgbm", min_queries=100))
    assert trained.name == "fusion"
    assert "fewer than ranker.min_queries" in trained.figures["why"]


def test_params_of_a_ranker_that_do_not_fit_are_told():
    with pytest.raises(UserError, match="ranker.lightgbm"):
        train_ranker(world(True), Params(name="lightgbm", lightgbm={"trees": 3}))


def two_horizons(n_queries: int = 400, size: int = 20):
    """Of live queries the hint tells what is chosen, of the others its contrary."""
    data = world(True, n_queries, size)
    live = np.arange(n_queries) % 2 == 0
    data.features[~np.repeat(live, size), 3] *= -1
    idle = np.repeat(np.where(live, 0.01, 30.0), size)[:, None]
    features = np.concatenate([data.features, idle], axis=1).astype(np.float32)
    return replace(data, features=features, live=live, names=(*data.names, "idle_days"))


def test_each_horizon_learns_from_its_own_examples():
    params = Params(
        min_queries=50, horizons={side: {"n_trees": 40, "min_data_in_leaf": 50} for side in ("in_session", "returning")}
    )
    trained = train_ranker(two_horizons(), params)
    assert trained.name == "horizons"
    hint = np.linspace(0, 1, 11, dtype=np.float32)
    rows = np.stack([hint * 0, hint * 0, hint * 0 + 1, hint, hint * 0 + 0.01], axis=1)
    assert trained.ranker.score(rows).argmax() > 8
    rows[:, 3], rows[:, 4] = -hint, 30
    assert trained.ranker.score(rows).argmax() > 8
    assert (
        "in_session: lightgbm gains" in trained.figures["why"] and "returning: lightgbm gains" in trained.figures["why"]
    )


def test_a_horizon_without_examples_takes_the_ranker_of_the_other():
    data = two_horizons()
    data.features[:, 4] = 0.01
    params = Params(min_queries=50, horizons={"in_session": {"n_trees": 20, "min_data_in_leaf": 50}})
    trained = train_ranker(replace(data, live=np.ones_like(data.live)), params)
    there = data.features.copy()
    there[:, 4] = 30
    assert np.array_equal(trained.ranker.score(data.features), trained.ranker.score(there))


def test_an_act_after_a_pause_is_no_example_where_there_are_queries_at_a_cut():
    data = two_horizons()
    pause = data.features.copy()
    pause[:, 4] = 30
    twice = replace(
        data,
        features=np.concatenate([data.features, pause]),
        labels=np.tile(data.labels, 2),
        groups=np.tile(data.groups, 2),
        n_targets=np.tile(data.n_targets, 2),
        user_ids=np.tile(data.user_ids, 2),
        live=np.concatenate([data.live, np.ones_like(data.live)]),
    )
    trained = train_ranker(twice, Params(min_queries=50))
    assert trained.figures["returning"]["n_queries"] == (~data.live & (data.n_targets > 0)).sum()


def test_ndcg_of_rows_is_that_of_scikit_learn():
    from sklearn.metrics import ndcg_score

    data = world(False, n_queries=40)
    features, labels, groups, n_targets = data.features, data.labels, data.groups, data.n_targets
    scores = features[:, 3]
    found = ndcg_of(scores, labels, groups, n_targets, 10)
    for query in range(40):
        own = slice(20 * query, 20 * query + 20)
        expected = ndcg_score(labels[None, own], scores[None, own], k=10) if labels[own].any() else 0.0
        assert found[query] == pytest.approx(expected)
