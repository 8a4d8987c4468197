"""recops data vectors: pictures that the test draws, by a tiny CLIP that it makes, become one more encoder of items."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.errors import UserError
from features.settings import Settings
from flows.project.dataset import Project
from flows.project.imports import add_item_vectors
from models.data.storage import read_arrays
from models.language.encoder import encoder_folder
from models.language.encoding.pictures import picture_vectors
from tests.support.workspace import edit_params, make_workspace, recops, run

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (the extra `images`)")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A CLIP of one layer for pictures of 32 × 32, its weights drawn."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizerFast

    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    numbers = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"vocab_size": 300, "max_position_embeddings": 16, **numbers}
    vision = {"image_size": 32, "patch_size": 8, **numbers}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).eval().save_pretrained(folder)
    vocab = {"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2}
    sizes = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    CLIPProcessor(CLIPImageProcessor(**sizes), CLIPTokenizerFast(vocab=vocab, merges=[])).save_pretrained(folder)
    return folder


def drawn(folder: Path, names: list[str]) -> Path:
    """A red square for each even name, a blue one for each odd one, of differing sizes and shades."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        shade = 200 + number % 8
        color = (shade, 10, 10) if number % 2 == 0 else (10, 10, shade)
        Image.new("RGB", (40 + number % 5, 50), color).save(folder / f"{name}.{'png' if number % 3 else 'jpg'}")
    return folder


def test_pictures_of_one_color_are_nearer_to_each_other_and_company_changes_no_vector(clip, tmp_path):
    rows = picture_vectors(drawn(tmp_path / "all", ["a", "b", "c", "d"]), str(clip)).rows
    assert rows["item_id"].to_list() == ["a", "b", "c", "d"] and rows["modality"].unique().to_list() == ["image"]
    vectors = np.array(rows["vector"].to_list())
    centered = vectors - vectors.mean(axis=0)
    assert centered[0] @ centered[2] > 0 > centered[0] @ centered[1]
    alone = picture_vectors(drawn(tmp_path / "alone", ["a"]), str(clip)).rows
    assert alone["vector"][0].to_list() == rows["vector"][0].to_list()


def test_what_is_no_picture_is_named_and_mistakes_are_paragraphs(clip, tmp_path):
    folder = drawn(tmp_path / "some", ["a", "b"])
    (folder / "c.png").write_bytes(b"\x89PNG no picture")
    assert picture_vectors(folder, str(clip)).unreadable == ["c.png"]
    with pytest.raises(UserError, match="no picture there"):
        picture_vectors(tmp_path / "nowhere", str(clip))
    with pytest.raises(UserError, match="takes no pictures"):
        picture_vectors(folder, str(encoder_folder()))
    (folder / "a.png").write_bytes((folder / "a.jpg").read_bytes())
    with pytest.raises(UserError, match="two files are of item 'a'"):
        picture_vectors(folder, str(clip))


@pytest.mark.soak
def test_the_command_makes_one_more_encoder_of_the_items_of_a_project(clip, tmp_path):
    folder = make_workspace(tmp_path / "project")
    run("-m", "dvc", "repro", "ingest", cwd=folder)
    ids = pl.read_parquet(folder / "data/tables/items.parquet")["item_id"].to_list()[:6]
    pictures = drawn(tmp_path / "pictures", [*ids, "nobody-sells-this"])
    said = recops(folder, "data", "vectors", "--images", str(pictures), "--model", str(clip)).stdout
    assert "6 items have a vector 'image'; 1 pictures of none left out" in said
    project, settings = Project(folder), Settings(home=folder / ".recops")
    assert add_item_vectors(project, settings, picture_vectors(pictures, str(clip)).rows) == 6  # in their place
    assert pl.read_parquet(folder / "data/raw/item_vectors.parquet").height == 6
    edit_params(folder, {"embed.encoders": ["words"]})
    run("-m", "dvc", "repro", "embed", cwd=folder)
    vectors = read_arrays(folder / "data/vectors/further.safetensors")["imported.image"]
    assert int(vectors.any(axis=1).sum()) == 6 and vectors.shape[1] == 16
    with pytest.raises(UserError, match="none of 1 is of an item"):
        add_item_vectors(project, settings, picture_vectors(drawn(tmp_path / "x", ["z"]), str(clip)).rows)
