"""Fixed batches: a text's vector depends on the text alone, not on the texts that are encoded along with it.

The kernels of matrix products round differently for other shapes, so every batch has one of a few shapes: as many rows
as the params say, filled up by repetition, and a length that is a multiple of STEP tokens, filled up by padding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.arrays import Float32
from models.language.encoding.embed_params import Params

STEP = 16  # tokens; fewer waste less on padding, and more on batches that are not full
_OF_TOKENS = {"input_ids", "attention_mask", "token_type_ids"}


def raw_vectors(model: Any, texts: Sequence[str], params: Params) -> Float32:
    """(n_texts, size) as the model gives them, neither centered nor of unit length by our doing.

    model: a SentenceTransformer. Equal texts get equal bytes in any order and company.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(params.threads)
    try:
        with torch.inference_mode():
            if model.default_prompt_name is None and texts:
                tokens = [model.preprocess([text]) for text in texts]
                if all(_is_of_tokens(one) for one in tokens):
                    return _in_batches(model, tokens, params.batch_size)
            return _one_by_one(model, texts)
    finally:
        torch.set_num_threads(threads)


def _is_of_tokens(features: Mapping[str, Any]) -> bool:
    """Whether a text is rows of tokens only: such texts can be padded."""
    tensors = {name: value for name, value in features.items() if hasattr(value, "shape")}
    return {"input_ids", "attention_mask"} <= set(tensors) <= _OF_TOKENS


def _one_by_one(model: Any, texts: Sequence[str]) -> Float32:
    """Of models of another kind, and those with a prompt."""
    rows = [model.encode([text], show_progress_bar=False, convert_to_tensor=True).float().numpy() for text in texts]
    return np.concatenate(rows).astype(np.float32) if rows else np.zeros((0, 0), dtype=np.float32)


def _in_batches(model: Any, tokens: Sequence[Mapping[str, Any]], n_rows: int) -> Float32:
    import torch

    places_of: defaultdict[int, list[int]] = defaultdict(list)
    for place, features in enumerate(tokens):
        length = int(features["input_ids"].shape[1])
        places_of[min(-(-length // STEP) * STEP, max(model.max_seq_length or length, length))].append(place)
    vectors: Float32 | None = None
    for length, places in sorted(places_of.items()):
        for start in range(0, len(places), n_rows):
            chosen = places[start : start + n_rows]
            filled = [tokens[place] for place in [*chosen, *[chosen[0]] * (n_rows - len(chosen))]]
            batch = {
                name: torch.cat([_padded(model, features, name, length) for features in filled])
                if hasattr(value, "shape")
                else value
                for name, value in filled[0].items()
            }
            rows = model.forward(batch)["sentence_embedding"].float().numpy()[: len(chosen), : model.truncate_dim]
            if vectors is None:
                vectors = np.zeros((len(tokens), rows.shape[1]), dtype=np.float32)
            vectors[chosen] = rows
    assert vectors is not None
    return vectors


def _padded(model: Any, features: Mapping[str, Any], name: str, length: int) -> Any:
    """(1, length) one row of tokens, padded on the side on which the tokenizer pads."""
    from torch.nn.functional import pad

    row, tokenizer = features[name], model.tokenizer
    filler = (getattr(tokenizer, "pad_token_id", None) or 0) if name == "input_ids" else 0
    missing = length - row.shape[1]
    left = missing if getattr(tokenizer, "padding_side", "right") == "left" else 0
    return pad(row, (left, missing - left), value=filler)
