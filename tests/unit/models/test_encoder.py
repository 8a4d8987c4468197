"""Item texts to vectors by the encoder that is installed as a package."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from features.errors import UserError
from models.compute import precision
from models.data.storage import read_arrays, write_arrays
from models.data.tables import read_vectors
from models.language.centering import centered
from models.language.encoder import PACKAGED, encoder_folder, encoder_name, weights_sha256
from models.language.encoding.embed_params import Params
from tests.support.encoded import encode

TEXTS = [
    "Red garden spade. Tools for the garden",
    None,
    "Garden fork with a wooden handle",
    "The Third Man. Film noir, thriller, Vienna",
    "",
    "Casablanca. Drama, romance, war film",
    "Casablanca. Drama, romance, war film",
]


@pytest.fixture(scope="module")
def vectors():
    return encode(TEXTS, Params())


def test_rows_are_unit_and_zero_where_there_is_no_text(vectors):
    assert vectors.shape == (7, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1, 1, 0, 1, 1], abs=1e-5)


def test_what_means_the_same_is_near(vectors):
    alike = vectors @ vectors.T
    assert alike[0, 2] > alike[0, 3]  # spade and fork, spade and film
    assert alike[3, 5] > alike[3, 0]
    assert vectors[5].tobytes() == vectors[6].tobytes()  # equal texts, equal vectors


def test_the_same_texts_give_the_same_bytes_in_any_order(vectors):
    turned = encode(TEXTS[::-1], Params())[::-1]
    assert vectors.tobytes() == encode(TEXTS, Params()).tobytes() == np.ascontiguousarray(turned).tobytes()


def test_bfloat16_agrees_with_float32():
    coarse, exact = encode(TEXTS, Params(precision="bfloat16")), encode(TEXTS, Params(precision="float32"))
    there = [0, 2, 3, 5]
    assert (coarse * exact).sum(axis=1)[there] == pytest.approx([1] * 4, abs=0.005)
    assert coarse.tobytes() != exact.tobytes()


@pytest.mark.parametrize(("instructions", "named"), [(True, "bfloat16"), (False, "float32")])
def test_a_processor_without_instructions_for_bfloat16_is_given_float32(instructions, named, monkeypatch):
    """There torch multiplies bfloat16 number by number, some hundred times as slowly."""
    monkeypatch.setattr(precision, "_has_bfloat16", lambda: instructions)
    assert encode(TEXTS, Params()).tobytes() == encode(TEXTS, Params(precision=named)).tobytes()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("sse2 avx512_bf16", "bfloat16"), ("amx_bf16", "bfloat16"), ("avx512f avx512_vnni", "float32")],
)
def test_avx512_that_only_imitates_bfloat16_is_given_float32(flags, expected, monkeypatch, tmp_path):
    """An imitated product took two to four times as long as one of float32."""
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: fpu {flags} ht\nbugs\t\t: none\n\nprocessor\t: 1\n")
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(precision.platform, "machine", lambda: "x86_64")
    assert precision.resolve("auto") == expected
    assert precision.resolve("float32") == "float32"


@pytest.mark.parametrize(
    ("own", "expected"), [("avx512_bf16", "bfloat16"), ("amx_bf16", "bfloat16"), ("avx512_f", "float32")]
)
def test_where_the_kernel_names_no_instructions_torch_is_asked(own, expected, monkeypatch, tmp_path):
    found = {"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": False} | {own: True}
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert precision.resolve("auto") == expected


def test_kernel_and_torch_agree_on_this_machine(monkeypatch, tmp_path):
    here = precision.resolve("auto")
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "none")
    assert precision.resolve("auto") == here
    assert precision.type_of("auto") is getattr(torch, here)


def test_centring_takes_the_mean_off_what_is_there():
    rows = np.array([[1, 0], [0, 1], [9, 9]], dtype=np.float32)
    found = centered(rows, np.array([True, True, False]))
    half = 0.5**0.5
    assert found == pytest.approx(np.array([[half, -half], [-half, half], [0, 0]]))


def test_no_text_at_all_steps_aside_with_a_word(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        nothing = encode([None, ""], Params())
    assert nothing.shape == (2, 0)
    assert "no text" in caplog.text
    write_arrays({"text": nothing}, tmp_path / "vectors.safetensors")
    assert read_vectors(tmp_path) is None
    assert read_arrays(tmp_path / "vectors.safetensors")["text"].shape == (2, 0)


def test_an_encoder_that_is_not_there_is_told_in_a_paragraph(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=r"no encoder '.*nowhere' could be loaded .* set embed.encoder"):
        encode(["a"], Params(encoder=str(tmp_path / "nowhere")))


def test_the_name_that_is_written_down_tells_no_path(tmp_path):
    assert encoder_name(Params()) == PACKAGED
    assert encoder_name(Params(), str(tmp_path)) == tmp_path.name
    assert encoder_name(Params(encoder="org/model"), "other") == "org/model"


@pytest.fixture
def model(tmp_path):
    """Files such as a model has, whatever stands in them."""
    for name in (
        "model.safetensors",
        "config.json",
        "vocab.txt",
        "1_Pooling/config.json",
        "onnx/model.bin",
        "README.md",
    ):
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_text(name)
    return tmp_path / "model"


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "vocab.txt", "1_Pooling/config.json"])
def test_each_file_that_decides_vectors_decides_the_hash(model, file):
    before = weights_sha256(model)
    (model / file).write_text("another")
    assert weights_sha256(model) != before


@pytest.mark.parametrize("file", ["onnx/model.bin", "README.md"])
def test_what_decides_no_vector_does_not(model, file):
    before = weights_sha256(model)
    (model / file).write_text("another")
    assert weights_sha256(model) == before


def test_the_hash_does_not_depend_on_where_the_model_lies(model, tmp_path):
    before = weights_sha256(model)
    model.rename(tmp_path / "elsewhere")
    assert weights_sha256(tmp_path / "elsewhere") == before


def test_an_encoder_is_a_folder_or_the_packaged_one(model):
    assert encoder_folder(str(model)) == model
    assert (encoder_folder() / "model.safetensors").is_file()
