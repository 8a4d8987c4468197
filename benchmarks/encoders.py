"""Encoders of items: quality on new items through the learned map, texts a second, and bytes, side by side.

    RECOPS_DATA_CACHE=FOLDER python -m benchmarks.encoders [--data NAME]... [--project DIR]

Each data set of the cache (default: online-retail) is imported into a project of its own that goes away, and run until
`clean`; --project takes one in which that has ended. New items are those of benchmarks.new_items: their choices leave
the log, only they are candidates, and `words` and `static` are fitted without their texts, as if they came later.
`cold_items` chooses the map's settings anew for each row. Columns: NDCG@10 with its 95 % interval over users and its
share of the row `sentence`; texts a second on one thread, of the sentence encoder on `embed.threads`; bytes of what
encodes a text; bytes of one item's vectors.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.new_items import CATALOGUE, NewItemsTask, read_task
from features.arrays import Bool, Float32
from features.params import section
from features.settings import Settings
from models.compute.threads import one_thread
from models.data.tables import make_catalogue
from models.data.types import Catalogue
from models.language.centering import centered_rows
from models.language.encoder import fast_tokenizer, load_encoder, model_folder
from models.language.encoders.static import Static
from models.language.encoders.words import Words
from models.language.encoding.embed_params import Params
from models.language.encoding.fixed_batches import raw_vectors

DATA_SETS = ("online-retail",)
TIMED = 512  # texts that the sentence encoder is timed on
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Encoded:
    """One encoder on one catalogue: (n_items, size) vectors, texts a second, bytes of its files; parts: of words."""

    vectors: Float32
    texts_a_second: float
    n_bytes: int
    parts: Float32 | None = None


def main() -> None:
    """Prints a table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", help=f"a folder of the data cache; default {', '.join(DATA_SETS)}")
    parser.add_argument("--project", type=Path, help="a project in which the stage `clean` has ended")
    options = parser.parse_args()
    if options.project:
        _table(str(options.project), options.project.absolute())
        return
    cache = Settings().data_cache
    for name in options.data or DATA_SETS:
        if cache is None or not (cache / name / "interactions.parquet").is_file():
            print(f"{name}: not in RECOPS_DATA_CACHE; skipped")
            continue
        with _imported(cache / name) as project:
            _table(name, project)


@contextlib.contextmanager
def _imported(source: Path) -> Iterator[Path]:
    """A clone of this project on some data, run until `clean`."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(project)], check=True)
        home = {"RECOPS_HOME": str(project / ".recops"), "PREFECT_HOME": str(project / ".recops/prefect")}
        for arguments in (["data", "import", "parquet", "--path", str(source)], ["run", "--until", "clean"]):
            command = [sys.executable, "-m", "flows.cli", *arguments, "--quiet"]
            subprocess.run(command, cwd=project, env={**os.environ, **home}, check=True, stdout=subprocess.DEVNULL)
        yield project


def _table(name: str, project: Path) -> None:
    with contextlib.chdir(project):
        params, setting = section("embed", Params), Settings().encoder
        frame = pl.read_parquet(CATALOGUE / "catalogue.parquet")
        texts = frame.get_column("text").to_list()
        task = read_task(make_catalogue(frame))
        encoders = encode_by_all(texts, task.new, params, setting)
        print(f"{name}: {len(texts)} items, {task.described()}")
        print(f"{'encoder':<20}{'ndcg@10':>9}  {'interval':<18}{'share':>7}{'texts/s':>10}{'MB':>8}{'bytes/item':>12}")
        base = 0.0
        rows = {"sentence": ["sentence"], "words": ["words"], "static": ["static"]}
        rows |= {"sentence + words": ["sentence", "words"], "static + words": ["static", "words"]}
        for label, names in rows.items():
            chosen = {one: encoders[one] for one in names}
            ndcg, low, high = task.judge("cold_items", _catalogue(task, chosen))
            base = base or ndcg
            speed = 1 / sum(1 / one.texts_a_second for one in chosen.values())
            megabytes = sum(one.n_bytes for one in chosen.values()) / 1e6
            size = sum(one.vectors.shape[1] * one.vectors.itemsize for one in chosen.values())
            interval = f"[{low:.4f}, {high:.4f}]"
            print(
                f"{label:<20}{ndcg:>9.4f}  {interval:<18}{ndcg / base:>6.1%}{speed:>10,.0f}{megabytes:>8.1f}{size:>12}",
                flush=True,
            )


def encode_by_all(texts: list[str | None], new: Bool, params: Params, setting: str) -> dict[str, Encoded]:
    """Every encoder that is fitted here; what is fitted sees no text of a new item."""
    folder = model_folder(params, setting)
    distinct = sorted({text for text in texts if text})
    model = load_encoder(params, folder)
    sample = distinct[:: max(len(distinct) // TIMED, 1)]
    raw_vectors(model, sample[:8], params)
    started = time.perf_counter()
    raw_vectors(model, sample, params)
    speed = len(sample) / (time.perf_counter() - started)
    sentence = centered_rows(texts, distinct, raw_vectors(model, distinct, params))
    weights = sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in (".safetensors", ".txt", ".json"))
    made = {"sentence": Encoded(sentence, speed, weights)}
    known = [None if is_new else text for text, is_new in zip(texts, new, strict=True)]
    target = np.where(new[:, None], 0, sentence).astype(np.float32)
    fitted = {
        "words": Words.fit(known, params.words),
        "static": Static.fit(known, target, fast_tokenizer(folder), params.static),
    }
    for name, encoder in fitted.items():
        with one_thread():
            started = time.perf_counter()
            vectors = encoder.encode(texts)
            speed = len(texts) / (time.perf_counter() - started)
        with tempfile.TemporaryDirectory() as scratch:
            encoder.save(Path(scratch))
            n_bytes = sum(path.stat().st_size for path in Path(scratch).iterdir())
        parts = encoder.encode_parts(texts).astype(np.float16) if isinstance(encoder, Words) else None
        made[name] = Encoded(vectors, speed, n_bytes, parts)
    return made


def _catalogue(task: NewItemsTask, chosen: Mapping[str, Encoded]) -> Catalogue:
    parts = next((one.parts for one in chosen.values() if one.parts is not None), None)
    further = {name: one.vectors for name, one in chosen.items() if name != "sentence"}
    vectors = chosen["sentence"].vectors if "sentence" in chosen else None
    return replace(task.catalogue, vectors=vectors, further=further, word_parts=parts)


if __name__ == "__main__":
    main()
