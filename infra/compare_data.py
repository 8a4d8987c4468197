"""Whether two `data` folders hold the same results: every array, tree, table and list equal to the byte.

    python infra/compare_data.py BEFORE AFTER [OLD=NEW …]    OLD=NEW: a folder of BEFORE that has another name in AFTER

For changes that may touch names and formats but no result. Small files about params, code and hashes (LABELS) may
differ and are counted. Reports (data/reports) are not looked at. Exit 1 when a result differs or is missing.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDERS = (
    *("tables", "split", "log", "catalogue", "features", "vectors", "retrievers", "candidates"),
    *("ranker", "bundle", "evaluation"),
)
LABELS = (
    *("params.json", "ranker.json", "fusion.json", "horizons.json", "lightgbm.json", "linear.json", "mlp.json"),
    *("recommender.json", "manifest.json", "judged.json"),
)


def results(data: Path, renamed: Mapping[str, str]) -> dict[str, Path]:
    """Path relative to the data folder (by the names of AFTER) → file."""
    files = [path for folder in FOLDERS for path in sorted((data / folder).rglob("*")) if path.is_file()]
    return {"/".join(renamed.get(part, part) for part in path.relative_to(data).parts): path for path in files}


def differences(before: Path, after: Path, renamed: Mapping[str, str]) -> tuple[list[str], int, int]:
    """A sentence for each result that differs; the number of equal results and of labels that differ."""
    ours, theirs = results(before, renamed), results(after, {})
    sentences = [f"{name}: only in {before}" for name in sorted(set(ours) - set(theirs))]
    sentences += [f"{name}: only in {after}" for name in sorted(set(theirs) - set(ours))]
    n_equal = n_labels = 0
    for name in sorted(set(ours) & set(theirs)):
        if _digest(ours[name]) == _digest(theirs[name]):
            n_equal += 1
        elif name.rpartition("/")[2] in LABELS:
            n_labels += 1
        else:
            sentences.append(f"{name}: differs")
    return sentences, n_equal, n_labels


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: list[str]) -> int:
    """Prints what differs; 0 when no result does, 2 when there is nothing to compare."""
    if len(arguments) < 2 or not all((Path(folder) / "split").is_dir() for folder in arguments[:2]):
        print(f"expected two data folders of finished runs, found {arguments}")
        return 2
    before, after, *pairs = arguments
    renamed = dict(pair.split("=", 1) for pair in pairs)
    sentences, n_equal, n_labels = differences(Path(before), Path(after), renamed)
    print("\n".join([*sentences, f"{n_equal} files equal, {n_labels} labels and {len(sentences)} results differ"]))
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
