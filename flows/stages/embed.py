"""Stage embed: vectors of each item of the catalogue, by every encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from features.files import write_text
from features.params import section
from features.schema import CATALOGUE, ITEM_VECTORS
from features.settings import Settings
from flows.stages.entry import stage
from models.compute.resolved import check_encoder, check_precision, read_resolved
from models.data.storage import write_arrays
from models.data.tables import FURTHER, WORD_PARTS, WORDS
from models.language.encoder import Params, encode, encoder_folder, encoder_name, weights_sha256
from models.language.encoders.imported import imported
from models.language.encoders.words import Words

IMPORTED = Path("data/tables/item_vectors.parquet")
CATALOGUE_TABLE = Path("data/catalogue/catalogue.parquet")
VECTORS = Path("data/vectors")
RESOLVED = Path("data/resolved.json")


def main() -> None:
    """Reads the catalogue and imported vectors; writes unit rows in its order, and what made them.

    Raises:
        UserError: encoder or precision of this machine are others than those that are recorded.
    """
    params, encoder = section("embed", Params), Settings().encoder
    recorded = read_resolved(RESOLVED)
    sha256 = weights_sha256(encoder_folder(params.encoder or encoder))
    check_encoder(RESOLVED, recorded, encoder_name(params, encoder), sha256)
    check_precision(RESOLVED, recorded, params.precision, "embed.precision")
    catalogue = CATALOGUE.read(CATALOGUE_TABLE)
    texts = catalogue.get_column("text").to_list()
    vectors = encode(texts, params, encoder)
    write_arrays({"text": vectors}, VECTORS / "vectors.safetensors")
    words = Words.fit(texts, params.words)
    words.save(VECTORS / WORDS)
    further = imported(ITEM_VECTORS.read(IMPORTED), catalogue.get_column("item_id").to_list())
    further |= {"words": words.encode(texts), WORD_PARTS: words.encode_parts(texts).astype(np.float16)}
    write_arrays(further, VECTORS / FURTHER)
    about = {
        "encoder": recorded.encoder,
        "n_items": len(vectors),
        "n_with_text": sum(bool(text) for text in texts),
        "size": vectors.shape[1],
    }
    write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", VECTORS / "encoder.json")


if __name__ == "__main__":
    stage(main)
