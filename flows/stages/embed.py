"""embed: the text of every item of the catalogue as a vector."""

from __future__ import annotations

import json
from pathlib import Path

from features.files import write_text
from features.params import section
from features.schema import CATALOGUE
from features.settings import Settings
from flows.stages.entry import stage
from models.data.storage import write_arrays
from models.language.encoder import Params, encode, encoder_name

CATALOGUE_TABLE = Path("data/catalogue/catalogue.parquet")
VECTORS = Path("data/vectors")


def main() -> None:
    """Reads the catalogue; writes unit rows in its order and what made them."""
    params, encoder = section("embed", Params), Settings().encoder
    texts = CATALOGUE.read(CATALOGUE_TABLE).get_column("text").to_list()
    vectors = encode(texts, params, encoder)
    write_arrays({"text": vectors}, VECTORS / "vectors.safetensors")
    said = {
        "encoder": encoder_name(params, encoder),
        "n_items": len(vectors),
        "n_with_text": sum(bool(text) for text in texts),
        "size": vectors.shape[1],
    }
    write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", VECTORS / "encoder.json")


if __name__ == "__main__":
    stage(main)
