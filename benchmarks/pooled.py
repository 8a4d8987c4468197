"""recops' lead over the best peer of each of several data sets, all users together: one figure for many comparisons.

    python -m benchmarks.pooled FILE...

FILEs were written by `python -m benchmarks.peers --out`, all by one protocol. A user counts once in each; their lead is
divided by the mean of the file's best peer, so that data sets with high and low figures weigh alike. Intervals of 95 %
by resampling users within each file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.peers.past import Array
from models.evaluation.intervals import Interval, bounds, resampled_means

N_RESAMPLES, SEED, CONFIDENCE = 2000, 1, 0.95


def pooled(leads: Mapping[str, Array]) -> dict[str, Interval]:
    """The mean relative lead of each file, and of all users of all of them as `all`; leads: (n_users,) by file."""
    drawn = {
        name: resampled_means(np.asarray(each)[:, None], N_RESAMPLES, SEED + place)[:, 0]
        for place, (name, each) in enumerate(leads.items())
    }
    sizes = np.array([len(each) for each in leads.values()], dtype=np.float64)
    share = sizes / sizes.sum()
    means = np.array([np.mean(each) for each in leads.values()])
    together = np.stack(list(drawn.values()), axis=1) @ share
    shown = {name: Interval(float(np.mean(leads[name])), *bounds(drawn[name], CONFIDENCE)) for name in leads}
    return shown | {"all": Interval(float(means @ share), *bounds(together, CONFIDENCE))}


def main() -> None:
    """Prints a line a file and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in parser.parse_args().files}
    leads = {name: np.array(one["relative_leads"]) for name, one in found.items()}
    for name, lead in pooled(leads).items():
        best = found[name]["best_peer"] if name in found else "the best peer of each"
        n_users = len(leads[name]) if name in leads else sum(map(len, leads.values()))
        print(f"{name:24}{n_users:8} users  {lead.value:+8.1%} [{lead.low:+.1%}, {lead.high:+.1%}] over {best}")


if __name__ == "__main__":
    main()
