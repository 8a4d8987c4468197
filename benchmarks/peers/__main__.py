"""recops beside well-known methods on one split, judged alike: NDCG@10, Recall@10, HR@10, seconds, memory, paired lead.

    python -m benchmarks.peers [--protocol frozen|rolling] [--project DIR] [--out FILE]
                               [--rectools PYTHON [--sasrec-epochs N]]

DIR is a project in which `recops run` has ended. Every peer learns from the same rows (train for the choice of its
setting on valid, train + valid for the test), each in a process of its own with one thread and fixed seeds, and answers
what recops answered: full ranking over all items with history, what the user has seen left out. The judge is the
independent program of RECOPS_BENCH where that is set, else models/.

frozen: recops' lists are those of data/evaluation/recommendations.parquet. Histories end at the cut, everything that a
user chooses later is wanted, and users and items without history are not judged. Under leave_last_out the target is
each user's last item.

rolling: recops' lists are those of data/evaluation/rolling.parquet. Peers are fitted before the cut and never again;
each event is asked for with all that its user did before it (models/data/rolling_queries.py), and settings are chosen
on 3,000 events of valid. Means are over events, intervals over users. Models that know
users by rows of their own are left out.

Memory is the peak of the peer's process, interpreter and data included. recops' own time and memory are those of a run
with many stages and are not shown. RecTools cannot be installed beside this project's libraries: PYTHON is an
interpreter of an environment of its own that has it (`uv venv peers && uv pip install --python peers
'rectools[torch]'`). Its SASRec has one setting, two threads and N epochs (default 20; 0 leaves it out).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.peers.answers import answers, answers_elsewhere
from benchmarks.peers.judging import independent_values, standings, verdict
from benchmarks.peers.report import as_json, table
from benchmarks.peers.rolling import read_rolling
from benchmarks.peers.tasks import read_frozen
from features.errors import UserError
from features.params import section
from models.evaluation.evaluate import Params

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
PROTOCOLS = {"frozen": read_frozen, "rolling": read_rolling}


def main() -> None:
    """Prints the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="frozen")
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--out", type=Path, help="a JSON file for all figures")
    parser.add_argument("--rectools", type=Path, metavar="PYTHON", help="an interpreter that has RecTools")
    parser.add_argument("--sasrec-epochs", type=int, default=20, metavar="N", help="of RecTools' SASRec; 0: without it")
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # read by the peers' libraries as they load
    try:
        params = section("evaluate", Params, options.project / "params.yaml")
        case = PROTOCOLS[options.protocol](options.project, params)
    except UserError as error:
        raise SystemExit(str(error)) from None
    valid, test = case.valid, case.test
    given = answers_elsewhere(options.rectools, valid, test, options.sasrec_epochs) if options.rectools else {}
    given |= answers(valid, test)
    lists = {"recops": case.ours} | {name: one.lists for name, one in given.items()}
    bench = os.environ.get("RECOPS_BENCH")
    judge = f"{bench}/evaluate.py" if bench else "models/evaluation"
    values = {
        name: independent_values(Path(bench), case, found) if bench else test.values(found)
        for name, found in lists.items()
    }
    n_queries, owners = len(values["recops"]), test.owners
    if not n_queries:
        raise SystemExit("no user with history has a target with history in test: there is nothing to compare")
    shown = standings(
        values, n_resamples=params.bootstrap, seed=params.seed, confidence=params.confidence, owners=owners
    )
    asked = f"{n_queries} users" if owners is None else f"{n_queries} events of {len(set(owners.tolist()))} users"
    print(f"\n{options.protocol}: {asked}, judged by {judge}")
    print(table(shown, given, case.metrics, params.confidence))
    best, word = verdict(shown)
    print(f"best peer: {best}; recops is {word + ' to it' if word != 'not distinguishable' else word + ' from it'}")
    if options.out:
        told = {"metrics": case.metrics, "protocol": options.protocol, "judge": judge, "owners": owners}
        options.out.write_text(as_json(shown, given, values, **told), encoding="utf-8")


if __name__ == "__main__":
    main()
