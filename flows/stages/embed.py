"""Stage embed: vectors of each item of the catalogue, by every encoder that is on."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from features.files import write_text
from features.params import section
from features.schema import CATALOGUE, ITEM_VECTORS
from features.settings import Settings
from flows.stages.entry import stage
from models.compute.resolved import check_encoder, check_precision, read_resolved
from models.data.storage import write_arrays
from models.data.tables import FURTHER
from models.language.encoder import encoder_name, model_folder, weights_sha256
from models.language.encoders import ENCODERS
from models.language.encoders.imported import imported
from models.language.encoding.embed_params import Params
from models.language.encoding.encoder_input import EncoderInput
from models.language.encoding.given import Given
from models.language.writing.asking_params import Params as LanguageParams

IMPORTED = Path("data/tables/item_vectors.parquet")
CATALOGUE_TABLE = Path("data/catalogue/catalogue.parquet")
VECTORS = Path("data/vectors")
ENCODED = Path("data/encoded")
RESOLVED = Path("data/resolved.json")


def main() -> None:
    """Reads the catalogue, imported vectors and answers; writes unit rows in the catalogue's order, and what made them.

    data/encoded stays between runs: its vectors are those that encoding would give, so only new texts are encoded.

    Raises:
        UserError: encoder or precision of this machine are others than those that are recorded.
    """
    params, encoder = section("embed", Params), Settings().encoder
    recorded = read_resolved(RESOLVED)
    check_encoder(RESOLVED, recorded, encoder_name(params, encoder), weights_sha256(model_folder(params, encoder)))
    check_precision(RESOLVED, recorded, params.precision, "embed.precision")
    catalogue = CATALOGUE.read(CATALOGUE_TABLE)
    texts = catalogue.get_column("text").to_list()
    given = EncoderInput(
        texts=texts,
        params=params,
        encoder=encoder,
        known=ENCODED / "sentence.safetensors",
        sealed=VECTORS,
        answers=Path(section("language", LanguageParams).answers),
    )
    ENCODED.mkdir(parents=True, exist_ok=True)
    further: dict[str, npt.NDArray[Any]] = dict(
        imported(ITEM_VECTORS.read(IMPORTED), catalogue.get_column("item_id").to_list())
    )
    for name in ENCODERS:
        if name in params.encoders:
            further |= _vectors_of(name)(given)
    vectors = further.pop("sentence", np.zeros((len(texts), 0), dtype=np.float32))
    write_arrays({"text": vectors}, VECTORS / "vectors.safetensors")
    write_arrays(further, VECTORS / FURTHER)
    about = {
        "encoder": recorded.encoder,
        "n_items": len(vectors),
        "n_with_text": sum(bool(text) for text in texts),
        "size": vectors.shape[1],
    }
    write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", VECTORS / "encoder.json")


def _vectors_of(name: str) -> Callable[[Given], dict[str, npt.NDArray[Any]]]:
    module, _, function = ENCODERS[name].partition(":")
    return cast(Callable[[Given], dict[str, npt.NDArray[Any]]], getattr(import_module(module), function))


if __name__ == "__main__":
    stage(main)
