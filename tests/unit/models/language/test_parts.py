"""The parts: local methods by hand-computed values, what is asked, and how answers take the local texts' place."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from features.positives import DEFAULT_POSITIVES
from features.schema import CATALOGUE, LOG
from models.language.tasks import TASKS
from models.language.tasks.description import listed, sentences
from models.language.tasks.user_profile import profile_of
from models.language.writing.answers import ANSWERS, asker_of, key_of
from models.language.writing.asking_params import Params
from models.language.writing.enriched import items_table, report, users_table
from models.language.writing.enriching import Known, enrich_part, load_task, questions
from models.language.writing.material import Material, make_material
from models.language.writing.phrases import keywords_of, phrases_of, words_of
from models.language.writing.prompt import data_block, read_prompt
from models.language.writing.task import LanguageTask

PARAMS = Params(answers="nowhere", model="tiny", n_profiles=2)
HOUR = 3_600_000_000


def catalogue(**columns) -> pl.DataFrame:
    n = len(columns["title"])
    empty = {"description": [None] * n, "tags": [None] * n, "category": [None] * n, "price": [None] * n}
    rows = {"item_id": [f"i{number}" for number in range(n)], **empty, "created_at": [None] * n, "text": [None] * n}
    return pl.DataFrame(rows | columns, schema=dict(CATALOGUE.columns), strict=False)


def log(acts: list[tuple[str, int, int]]) -> pl.DataFrame:
    """(user, item, hour)."""
    times = [datetime.fromtimestamp(hour * 3600, UTC) for _, _, hour in acts]
    rows = {
        "user_id": [user for user, _, _ in acts],
        "item_id": [f"i{item}" for _, item, _ in acts],
        "timestamp": times,
        "event": [None] * len(acts),
        "value": [None] * len(acts),
        "known_at": times,
        "trust": [1.0] * len(acts),
    }
    return pl.DataFrame(rows, schema=dict(LOG.columns))


ITEMS = catalogue(
    title=["Red Kettle", "Blue Kettle", "Red Scarf", "Wool Scarf"],
    category=["kitchen", "kitchen", "clothes", "clothes"],
    tags=[["steel"], ["steel", "gift"], ["gift"], None],
    price=[20.0, None, None, 9.5],
)
ACTS = [("u1", 0, 1), ("u1", 1, 2), ("u2", 0, 3), ("u2", 1, 4), ("u2", 2, 5), ("u3", 0, 6)]


def material(items: pl.DataFrame = ITEMS, acts=ACTS) -> Material:
    return make_material(items, log(acts), log(acts), DEFAULT_POSITIVES, PARAMS.n_keywords)


def answered(*rows: dict) -> Known:
    empty = dict.fromkeys(ANSWERS.columns)
    paid = {"n_requests": 1, "tokens_in": 1, "tokens_out": 1, "valid": True, "answered_at": datetime.now(UTC)}
    return Known(pl.DataFrame([empty | paid | row for row in rows], schema=dict(ANSWERS.columns)))


@pytest.mark.parametrize("name", TASKS)
def test_every_part_keeps_the_protocol(name):
    task, given = load_task(name), material()
    assert isinstance(task, LanguageTask) and task.name == name
    n = given.items.height if task.subjects == "items" else given.histories.height
    assert len(task.local(given, PARAMS)) == len(task.facts(given, PARAMS)) == n
    for facts in task.facts(given, PARAMS):
        assert facts is None or not {"item_id", "user_id"} & set(facts)
        assert facts is None or not any(word in json.dumps(facts) for word in ("u1", "u2", "u3", "i0", "i1"))


def test_material_knows_demand_histories_and_what_is_chosen_along():
    """i0 has three users, i1 two, i2 one; i0 and i1 share two users: 2 / (sqrt(3) sqrt(2)); i2 shares one: too few."""
    given = material()
    assert given.demand.tolist() == [3, 2, 1, 0]
    assert given.histories["user_id"].to_list() == ["u3", "u2", "u1"]
    assert given.histories["items"].to_list() == [[0], [2, 1, 0], [1, 0]]
    assert given.histories["times"].to_list()[2] == [2 * HOUR, 1 * HOUR]
    assert given.chosen_along == [[1], [0], [], []]


def test_rows_that_are_not_trusted_are_left_out():
    rows = log(ACTS).with_columns(trust=pl.when(pl.col("user_id") == "u3").then(0.0).otherwise(1.0))
    given = make_material(ITEMS, rows, rows, DEFAULT_POSITIVES, 6)
    assert given.demand.tolist() == [2, 2, 1, 0] and given.histories.height == 2


def test_phrases_are_words_and_pairs_without_stop_words_at_their_ends():
    assert phrases_of("The old lighthouse of Skye") == ["old", "lighthouse", "skye", "old lighthouse"]
    assert words_of("红楼梦 x") == ["红楼", "楼梦", "x"]


def test_keywords_are_shared_phrases_the_rarest_first_and_none_twice():
    """`kettle` is in 2 of 4 items, and so is `steel`, a tag, which counts double; `red kettle` is in one only."""
    words = keywords_of(["red kettle", "blue kettle", "red scarf", "wool scarf"], [["steel"], ["steel"], [], []], 6)
    assert words[0][0] == "steel" and set(words[0]) == {"steel", "kettle", "red"}
    assert words[3] == ["scarf"]
    assert keywords_of(["alone"], [[]], 6) == [["alone"]]
    assert keywords_of([""], [[]], 6) == [[]]


def test_a_catalogue_of_one_script_without_spaces_has_keywords():
    words = keywords_of(["红楼梦", "红楼", "西游记", "西游"], [[], [], [], []], 3)
    assert words == [["红楼"], ["红楼"], ["西游"], ["西游"]]


def test_descriptions_are_sentences_from_attributes():
    facts = load_task("description").facts(material(), PARAMS)
    assert [sentences(one) for one in facts] == [
        "Red Kettle: kitchen, with steel. It costs 20. It is often chosen along with Blue Kettle.",
        "Blue Kettle: kitchen, with steel and gift. It is often chosen along with Red Kettle.",
        "Red Scarf: clothes, with gift.",
        "Wool Scarf: clothes. It costs 9.5.",
    ]
    assert listed(["a", "b", "c"]) == "a, b and c" and listed([]) == ""


def test_nothing_is_written_of_what_is_described_and_nothing_is_asked():
    described = ITEMS.with_columns(description=pl.lit("It boils water. " * 10))
    task = load_task("description")
    assert task.local(material(described), PARAMS) == [None] * 4
    assert questions(task, material(described), PARAMS) == [None] * 4


def test_prior_popularity_is_that_of_others_alike_and_never_of_its_own_or_of_length():
    """log1p of demand 3, 1, 0, 0; keyword x: first and third; y: second and fourth; shrunk by 3 of the mean."""
    given = Material(ITEMS, np.array([3, 1, 0, 0]), material().histories, 6)
    given.__dict__["keywords"] = [["x"], ["y"], ["x"], ["y", "y2"]]
    logs = np.log1p([3, 1, 0, 0])
    mean = logs.mean()
    expected = [(0 + 3 * mean) / 4, (0 + 3 * mean) / 4, (logs[0] + 3 * mean) / 4]
    expected.append(((logs[1] + 3 * mean) / 4 + 3 * mean / 3) / 2)
    known = [one.known for one in load_task("prior_popularity").local(given, PARAMS)]
    assert known == pytest.approx([10 * one / logs[0] for one in expected], abs=0.006)


def test_a_model_is_not_shown_the_description_when_it_says_how_known_an_item_is():
    described = ITEMS.with_columns(description=pl.lit("The most famous kettle of all."))
    facts = load_task("prior_popularity").facts(material(described), PARAMS)
    assert facts[0] == {"title": "Red Kettle", "category": "kitchen"}


def test_a_profile_weighs_the_newest_most_and_says_what_is_new():
    """`tea` in acts 0 and 5: 1 + 2^-0.5 = 1.71; `cup` in act 0: 1; `pot` in act 5: 0.71; cup is not among the older."""
    profile = profile_of([["tea", "cup"], [], [], [], [], ["tea", "pot"]])
    assert profile.likes == ["tea", "cup", "pot"] and profile.new == ["cup"]
    assert profile.profile == "Likes tea, cup and pot. Lately cup."
    assert profile_of([["tea"]]).profile == "Likes tea."
    assert profile_of([[], []]) is None


def test_questions_come_by_worth_and_profiles_of_the_latest_only():
    """Items without text before described ones, the demanded first; of three users the latest two are asked about."""
    items = ITEMS.with_columns(description=pl.Series([None, None, "It is warm.", "It is warm."]))
    asked = [one for one in questions(load_task("keywords"), material(items), PARAMS) if one]
    ordered = [one.subject for one in sorted(asked, key=lambda one: one.worth)]
    assert ordered == ["i0", "i1", "i3", "i2"]  # i3 is new, i2 is not
    profiles = questions(load_task("profile"), material(), PARAMS)
    assert [one.subject if one else None for one in profiles] == ["u3", "u2", None]
    assert profiles[1].facts["history"] == "chose Red Kettle, then Blue Kettle, then Red Scarf"


def test_nobody_is_asked_without_a_model_and_no_part_that_is_left_out():
    for params in (PARAMS.model_copy(update={"model": None}), PARAMS.model_copy(update={"parts": ("reason",)})):
        assert questions(load_task("keywords"), material(), params) == [None] * 4


def test_a_valid_answer_takes_the_place_of_one_local_text_and_a_refusal_of_none():
    task, given = load_task("reason"), material()
    first, second, *_ = questions(task, given, PARAMS)
    known = answered(
        {"key": first.key, "asker": first.asker, "part": "reason", "subject": "i0", "answer": '{"clause": "a kettle"}'},
        {"key": second.key, "asker": first.asker, "part": "reason", "subject": "i1", "valid": False, "refusal": "no"},
    )
    part, local = enrich_part(task, given, PARAMS, known), task.local(given, PARAMS)
    assert part.written[0].clause == "a kettle" and part.written[1:] == local[1:]
    assert part.asked == [True, False, False, False] and len(part.keys) == 2
    assert enrich_part(task, given, PARAMS.model_copy(update={"model": None}), known).written == local


def test_a_profile_counts_until_a_fifth_of_the_last_acts_is_new():
    """Ten acts at hours 1 to 10: an answer as of hour 9 has one new act of ten, as of hour 8 two: a fifth."""
    items = catalogue(title=[f"Kettle {letter}" for letter in "abcdefghij"])
    given = material(items, [("u", number, number + 1) for number in range(10)])
    task = load_task("profile")
    asker = asker_of(PARAMS, read_prompt("profile"), task.Answer)
    (question,) = questions(task, given, PARAMS)
    for hour, counts in ((9, True), (8, False)):
        as_of = datetime.fromtimestamp(hour * 3600, UTC)
        key = key_of(asker, "an older text")
        row = {"key": key, "asker": asker, "part": "profile", "subject": "u", "as_of": as_of}
        known = answered(row | {"answer": '{"profile": "Likes kettles."}'})
        assert (known.row(question, given.histories["times"][0].to_list()) is not None) is counts
        refused = answered(row | {"valid": False, "refusal": "no"})
        assert (refused.row(question, given.histories["times"][0].to_list()) is not None) is counts
        part = enrich_part(task, given, PARAMS, known)
        assert part.asked == [counts] and part.as_of == [(hour if counts else 10) * HOUR]


def test_tables_and_report_tell_who_wrote_what_and_at_what_price():
    given = material()
    task = load_task("reason")
    first = questions(task, given, PARAMS)[0]
    row = {
        "key": first.key,
        "asker": first.asker,
        "part": "reason",
        "subject": "i0",
        "answer": '{"clause": "a kettle"}',
    }
    paid = {"n_requests": 2, "tokens_in": 200, "tokens_out": 20, "seconds": 1.0, "price": 0.3, "valid": True}
    empty = dict.fromkeys(ANSWERS.columns) | {"answered_at": datetime.now(UTC)}
    rows = pl.DataFrame([empty | row | paid], schema=dict(ANSWERS.columns))
    parts = {name: enrich_part(load_task(name), given, PARAMS, Known(rows)) for name in TASKS}
    items, users = items_table(parts), users_table(parts["profile"])
    assert items["reason"][0] == "a kettle" and items["asked"].to_list() == [["reason"], [], [], []]
    assert users["user_id"].to_list() == ["u1", "u2", "u3"] and users["asked"].sum() == 0
    told = report(parts, rows, "tiny")
    assert told["parts"]["reason"]["asked"] == 1 and told["parts"]["reason"]["local"] == 3
    assert told["total"]["price"] == 0.3 and told["total"]["price_a_subject"] == pytest.approx(0.3 / 4)
    assert told["total"]["price_a_thousand_recommendations"] == pytest.approx(0.3 / 30 * 1000)


def test_data_blocks_of_equal_facts_are_equal():
    assert data_block({"a": 1, "b": ["x"]}) == data_block({"b": ["x"], "a": 1})
