"""Side process: encodes texts for a service that must not load an encoder itself.

Reads one JSON line a batch, `{"texts": [...]}`, and answers each with one line: `{"vectors": base64 of float32 rows,
"size": n}` or `{"fault": why}`. Its first line, `{"ready": true}` or a fault, comes when the encoder is loaded. It ends
with its input.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from typing import Any

from models.language.encoder import encoder_folder, load_encoder
from models.language.encoding.embed_params import Params
from models.language.encoding.fixed_batches import raw_vectors


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.language.side_process", description=__doc__)
    parser.add_argument("--encoder", default="", help="name or path; empty: the packaged one")
    given = parser.parse_args()
    os.nice(5)  # the service answers first
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    params = Params(threads=1)

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        model = load_encoder(params, encoder_folder(given.encoder))
        raw_vectors(model, ["warm up"], params)
    except Exception as error:
        answer({"fault": " ".join(str(error).split())[:500]})
        return
    answer({"ready": True})
    for line in sys.stdin:
        try:
            vectors = raw_vectors(model, json.loads(line)["texts"], params)
            answer({"vectors": base64.b64encode(vectors.tobytes()).decode(), "size": vectors.shape[1]})
        except Exception as error:
            answer({"fault": " ".join(str(error).split())[:500]})


if __name__ == "__main__":
    main()
