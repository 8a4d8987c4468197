"""Encoders of items: only new texts are encoded, by the same bytes as all of them; static and server vectors."""

from __future__ import annotations

import asyncio

import numpy as np
import polars as pl
import pytest
import torch

from features.errors import UserError
from features.table import write_parquet
from models.data.storage import read_arrays, write_arrays
from models.language.client import LanguageClient
from models.language.encoder import encoder_folder, fast_tokenizer, load_encoder
from models.language.encoders import ENCODERS
from models.language.encoders.static import Static
from models.language.encoding import encoder_input
from models.language.encoding.asked_vectors import answer_vectors, vector_questions
from models.language.encoding.embed_params import Params, StaticParams
from models.language.encoding.fixed_batches import raw_vectors
from models.language.encoding.vector_store import maker_hash, vectors_by_hash
from models.language.ledger import Ledger
from tests.support.encoded import given_in, vectors_by
from tests.support.language_server import Play, scripted, vector_of

COLORS, THINGS = (
    ("red", "blue", "green", "white"),
    ("garden lamp", "kitchen clock", "tea pot", "wool blanket", "film noir"),
)
TEXTS = [f"{color} {thing}" for color in COLORS for thing in THINGS]
LONGER = [
    f"{text}. " + "A thing that people like to have about the house, and that lasts. " * n
    for n, text in enumerate(TEXTS[:6])
]
CHINESE = ["红色台灯", "蓝色台灯", "厨房时钟", "红色时钟", "绿色茶壶"]


@pytest.fixture
def counted(monkeypatch):
    """Texts that were encoded, a list for each time."""
    calls: list[list[str]] = []

    def count(model, texts, params):
        calls.append(list(texts))
        return raw_vectors(model, texts, params)

    monkeypatch.setattr(encoder_input, "raw_vectors", count)
    return calls


def test_one_changed_text_is_one_text_encoded_and_the_bytes_are_those_of_all_encoded_anew(counted, tmp_path):
    texts = [*TEXTS, *LONGER, None, TEXTS[0]]
    vectors_by("sentence", given_in(tmp_path, texts, Params()))
    assert [len(call) for call in counted] == [26]  # 20 and 6; the repeated text once
    vectors_by("sentence", given_in(tmp_path, texts, Params()))
    assert len(counted) == 1  # nothing new
    changed = [*texts[:3], "A violet umbrella", *texts[4:]]
    reused = vectors_by("sentence", given_in(tmp_path, changed, Params()))["sentence"]
    assert counted[1:] == [["A violet umbrella"]]
    anew = vectors_by("sentence", given_in(tmp_path / "anew", changed, Params()))["sentence"]
    assert reused.tobytes() == anew.tobytes()
    assert (tmp_path / "known.safetensors").read_bytes() == (tmp_path / "anew" / "known.safetensors").read_bytes()


@pytest.mark.parametrize("change", [{"max_tokens": 16}, {"batch_size": 3}, {"precision": "float32"}])
def test_vectors_of_other_params_are_not_reused(change, counted, tmp_path):
    vectors_by("sentence", given_in(tmp_path, TEXTS, Params(precision="bfloat16")))
    vectors_by("sentence", given_in(tmp_path, TEXTS, Params(**{"precision": "bfloat16", **change})))
    assert [len(call) for call in counted] == [20, 20]


@pytest.mark.parametrize("fault", ["cut short", "not a number", "another file"])
def test_a_broken_store_is_encoded_anew(fault, tmp_path):
    path, maker = tmp_path / "known.safetensors", maker_hash("m")
    rows = {"a": [1.0, 2.0], "b": [3.0, 4.0]}

    def encode(texts):
        return np.array([rows[text] for text in texts], dtype=np.float32)

    vectors_by_hash(["a", "b"], maker, path, encode)
    whole = path.read_bytes()
    if fault == "cut short":
        path.write_bytes(whole[:-4])
    elif fault == "another file":
        path.write_text("hello")
    else:
        arrays = {name: np.array(values) for name, values in read_arrays(path).items()}
        arrays["vectors"][0, 0] = np.nan
        write_arrays(arrays, path)
    found, n_encoded = vectors_by_hash(["a", "b"], maker, path, encode)
    assert n_encoded == 2 and found.tolist() == [[1, 2], [3, 4]] and path.read_bytes() == whole


def test_a_text_has_the_same_bytes_in_any_company():
    params, model = Params(batch_size=4), load_encoder(Params(), encoder_folder())
    texts = [*TEXTS, *LONGER]
    together, turned = raw_vectors(model, texts, params), raw_vectors(model, texts[::-1], params)[::-1]
    assert together.tobytes() == np.ascontiguousarray(turned).tobytes()
    for place in (0, 7, 21, 25):
        assert raw_vectors(model, [texts[place]], params)[0].tobytes() == together[place].tobytes()


def test_padding_changes_no_vector_beyond_rounding():
    params, model = Params(precision="float32"), load_encoder(Params(precision="float32"), encoder_folder())
    texts = [*TEXTS, *LONGER]
    expected = model.encode(texts, show_progress_bar=False)
    assert raw_vectors(model, texts, params) == pytest.approx(expected, abs=1e-5)


def sentence_vectors(texts):
    from tests.support.encoded import encode

    return encode(texts, Params())


def test_static_vectors_are_near_those_they_are_distilled_from_also_of_a_new_text():
    new = "green kitchen clock"
    vectors = sentence_vectors(TEXTS)
    known = [place for place, text in enumerate(TEXTS) if text != new]
    static = Static.fit([TEXTS[place] for place in known], vectors[known], fast_tokenizer(encoder_folder()))
    found = static.encode(TEXTS)
    cosines = (found * vectors).sum(axis=1)
    assert cosines[known].min() > 0.8 and cosines[TEXTS.index(new)] > 0.6
    assert not static.encode([None, "", "xylophone"]).any()  # no token of the catalogue


def test_static_vectors_are_the_least_squares_of_their_tokens():
    """One token a text: its vector is the text's target / (1 + ridge), so of the target's direction."""
    targets = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    static = Static.fit(["red", "blue", "lamp"], targets, fast_tokenizer(encoder_folder()), StaticParams(ridge=0.25))
    assert np.linalg.norm(static.vectors, axis=1) == pytest.approx([0.8] * 3, abs=1e-3)  # 1 / 1.25
    assert static.encode(["red lamp"])[0] == pytest.approx(np.array([1.6, 0.8]) / np.hypot(1.6, 0.8), abs=1e-3)


def test_a_sealed_static_encoder_answers_alike_and_so_does_a_static_embedding_of_its_vectors(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    static = Static.fit(TEXTS, sentence_vectors(TEXTS), fast_tokenizer(encoder_folder()))
    static.save(tmp_path / "one")
    loaded = Static.load(tmp_path / "one")
    assert loaded.encode(TEXTS).tobytes() == static.encode(TEXTS).tobytes()
    weights = np.zeros((loaded.tokenizer.get_vocab_size(), loaded.vectors.shape[1]), dtype=np.float32)
    weights[loaded.ids] = loaded.vectors
    peer = SentenceTransformer(modules=[StaticEmbedding(loaded.tokenizer, torch.from_numpy(weights))], device="cpu")
    assert loaded.encode(TEXTS) == pytest.approx(peer.encode(TEXTS, normalize_embeddings=True), abs=1e-5)
    Static.fit(TEXTS, sentence_vectors(TEXTS), fast_tokenizer(encoder_folder())).save(tmp_path / "other")
    for file in ("tokenizer.json", "static.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_an_encoder_without_a_fast_tokenizer_is_refused_in_a_paragraph(tmp_path):
    with pytest.raises(UserError, match="take `static` off embed.encoders"):
        fast_tokenizer(tmp_path)


def catalogue(texts) -> pl.DataFrame:
    return pl.DataFrame({"item_id": [f"i{n}" for n in range(len(texts))], "text": texts})


def ask_vectors(server, texts, folder, model="e5"):
    """Answers of a server to texts, in a folder as stage `embed` reads it; the rows."""

    async def run():
        client = LanguageClient(server.server(), {}, tries=1)
        questions = vector_questions(catalogue(texts), np.zeros(len(texts), dtype=np.int64), model)
        try:
            return await answer_vectors(client, model, questions)
        finally:
            await client.close()

    rows = asyncio.run(run())
    with Ledger(folder / "answers.db") as ledger:
        for row in rows:
            ledger.record(row)
        write_parquet(ledger.table(), folder / "answers" / "vectors.parquet")
    return rows


def by_server(model="e5") -> Params:
    return Params.model_validate({"encoders": ["server"], "server": {"model": model}})


def test_what_a_server_gave_is_centered_and_what_it_did_not_stays_zero(tmp_path):
    with scripted(lambda body, n: Play()) as server:
        rows = ask_vectors(server, ["aaa", "bb c"], tmp_path)
    assert [row["tokens_in"] for row in rows] == [10, 10] and rows[0]["price"] == pytest.approx(10e-6)
    assert server.bodies[0]["model"] == "e5" and server.bodies[0]["input"] == ["aaa", "bb c"]
    found = vectors_by("server", given_in(tmp_path, ["bb c", None, "unknown", "aaa"], by_server()))["server"]
    difference = np.array(vector_of("bb c")) - np.array(vector_of("aaa"))
    unit = difference / np.linalg.norm(difference)  # centered, two vectors point apart
    assert found == pytest.approx(np.array([unit, np.zeros(8), np.zeros(8), -unit]), abs=1e-6)


def test_answers_of_another_model_do_not_count(tmp_path):
    with scripted(lambda body, n: Play()) as server:
        ask_vectors(server, ["aaa"], tmp_path)
    assert vectors_by("server", given_in(tmp_path, ["aaa"], by_server("other"))) == {}
    assert vectors_by("server", given_in(tmp_path, ["aaa"], Params())) == {}


def test_a_text_that_the_server_refuses_is_refused_alone(tmp_path):
    with scripted(lambda body, n: Play(status=400 if "bad" in body.get("input", []) else 200)) as server:
        rows = ask_vectors(server, ["good", "bad", "better"], tmp_path)
    assert [row["valid"] for row in rows] == [True, False, True] and "400" in rows[1]["refusal"]
    assert vectors_by("server", given_in(tmp_path, ["good", "bad"], by_server()))["server"].any(axis=1).tolist() == [
        True,
        False,
    ]


@pytest.fixture(scope="module")
def chinese_encoder(tmp_path_factory):
    """A tiny sentence encoder that knows the characters of CHINESE, its weights drawn."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    (folder / "hub").mkdir()
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({*"".join(CHINESE)})]
    torch.manual_seed(1)
    numbers = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(known), **numbers)).eval().save_pretrained(folder / "hub")
    BertTokenizerFast(vocab={token: n for n, token in enumerate(known)}).save_pretrained(folder / "hub")
    words = Transformer(str(folder / "hub"))
    SentenceTransformer(modules=[words, Pooling(32)], device="cpu").save(str(folder / "model"))
    return folder / "model"


@pytest.mark.parametrize("name", list(ENCODERS))
def test_a_catalogue_of_chinese_texts_is_told_apart_by_every_encoder(name, chinese_encoder, tmp_path):
    with scripted(lambda body, n: Play()) as server:
        ask_vectors(server, CHINESE, tmp_path)
    params = Params.model_validate({"server": {"model": "e5"}, "encoder": str(chinese_encoder)})
    vectors = vectors_by(name, given_in(tmp_path, CHINESE, params))[name]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1] * 5, abs=1e-3)
    alike = vectors @ vectors.T
    assert (alike - 2 * np.eye(5)).max() < 0.99
    if name != "server":  # the scripted one only counts characters
        assert alike[0, 1] > alike[0, 2]  # two lamps, a lamp and a clock


def test_texts_in_a_script_that_the_encoder_does_not_know_have_no_vector_of_it(caplog, tmp_path):
    """The packaged encoder is one for English: every one of these characters is the same unknown token to it."""
    given = given_in(tmp_path, [*CHINESE, "a red lamp", "台灯 lamp"], Params())
    vectors = vectors_by("sentence", given)["sentence"]
    assert vectors.any(axis=1).tolist() == [False] * 5 + [True] * 2
    assert "n_unreadable=5 of 7" in caplog.text and "embed.encoder" in caplog.text
    nothing = given_in(tmp_path, CHINESE, Params())
    assert vectors_by("sentence", nothing)["sentence"].shape == (5, 0)
    assert vectors_by("static", nothing) == {}
    assert vectors_by("words", nothing)["words"].any(axis=1).all()
