"""Stage embed: one text vector for each item of the catalogue."""

from __future__ import annotations

import json
from pathlib import Path

from features.files import write_text
from features.params import section
from features.schema import CATALOGUE
from features.settings import Settings
from flows.stages.entry import stage
from models.compute.resolved import check_encoder, check_precision, read_resolved
from models.data.storage import write_arrays
from models.language.encoder import Params, encode, encoder_folder, encoder_name, weights_sha256

CATALOGUE_TABLE = Path("data/catalogue/catalogue.parquet")
VECTORS = Path("data/vectors")
RESOLVED = Path("data/resolved.json")


def main() -> None:
    """Reads the catalogue; writes unit rows in its order and what made them.

    Raises:
        UserError: encoder or precision of this machine are others than those that are recorded.
    """
    params, encoder = section("embed", Params), Settings().encoder
    recorded = read_resolved(RESOLVED)
    sha256 = weights_sha256(encoder_folder(params.encoder or encoder))
    check_encoder(RESOLVED, recorded, encoder_name(params, encoder), sha256)
    check_precision(RESOLVED, recorded, params.precision, "embed.precision")
    texts = CATALOGUE.read(CATALOGUE_TABLE).get_column("text").to_list()
    vectors = encode(texts, params, encoder)
    write_arrays({"text": vectors}, VECTORS / "vectors.safetensors")
    about = {
        "encoder": recorded.encoder,
        "n_items": len(vectors),
        "n_with_text": sum(bool(text) for text in texts),
        "size": vectors.shape[1],
    }
    write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", VECTORS / "encoder.json")


if __name__ == "__main__":
    stage(main)
