"""recops beside well-known methods on one split, judged alike: NDCG@10, Recall@10, HR@10, seconds, memory, paired lead.

    python -m benchmarks.peers [--project DIR] [--out FILE] [--rectools PYTHON]

DIR is a project in which `recops run` has ended: recops' lists are those of data/evaluation/recommendations.parquet.
Every peer learns from the same rows (train for the choice of its setting on valid, train + valid for the test), each in
a process of its own with one thread and fixed seeds, and is asked for the same users: full ranking over all items with
history, what the user has seen left out, users and items without history not judged. The judge is the independent
program of RECOPS_BENCH where that is set, else models/evaluation. Under leave_last_out the target is each user's last
item. Histories are frozen at the cut, so data/evaluation/rolling.parquet is not judged here.

Memory is the peak of the peer's process, interpreter and data included. recops' own time and memory are those of a run
with many stages and are not shown. RecTools cannot be installed beside this project's libraries: PYTHON is an
interpreter of an environment of its own that has it (`uv venv peers && uv pip install --python peers rectools`).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.peer_elsewhere import RECTOOLS, ask
from benchmarks.peer_judging import (
    METRICS,
    Sitting,
    Standing,
    independent_values,
    sitting,
    standings,
    verdict,
    warm_values,
)
from benchmarks.peer_models import EASE_ITEMS, PEERS, Array, Int64, Past, Setting, ranked
from features.errors import UserError
from features.params import section
from features.positives import Positives
from features.schema import INTERACTIONS, RECOMMENDATIONS
from flows.contenders import read_test
from flows.judging import EVALUATION
from models.evaluation import Params
from models.exam import Exam

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MIB = 2**20


@dataclass(frozen=True)
class Answer:
    """A peer's lists for the test, the setting that valid chose, seconds of the last fit and of choosing, peak MiB."""

    lists: Int64
    setting: Setting
    fit: float
    choice: float
    memory: float


def peak_memory() -> float:
    """MiB that this process held at most.

    From /proc where there is one: the figure of getrusage starts with the memory of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def answer(name: str, valid_past: Past, valid_exam: Exam, past: Past) -> Answer:
    """Chooses a peer's setting on valid, fits it on everything before the test, and ranks. Runs in a child process."""
    peer = PEERS[name]
    started = time.perf_counter()
    reached = [
        float(warm_values(valid_exam, ranked(valid_past, peer.fit(valid_past, setting)))[:, 0].mean())
        for setting in peer.grid
    ]
    setting = peer.grid[int(np.argmax(reached))]
    choice, started = time.perf_counter() - started, time.perf_counter()
    scores = peer.fit(past, setting)
    fit = time.perf_counter() - started
    return Answer(ranked(past, scores), setting, fit, choice, peak_memory())


def answers(valid: Sitting, test: Sitting) -> dict[str, Answer]:
    """Every peer's, one after the other, each in a fresh process."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # read by the children's libraries as they load
    context = multiprocessing.get_context("spawn")
    given = {}
    for name in PEERS:
        if name == "EASE" and test.past.chosen.shape[1] > EASE_ITEMS:
            print(f"EASE is left out: {test.past.chosen.shape[1]} items, at most {EASE_ITEMS} fit its dense matrices")
            continue
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            given[name] = pool.submit(answer, name, valid.past, valid.exam, test.past).result()
        said = ", ".join(f"{knob} {value}" for knob, value in given[name].setting.items())
        print(f"{name}: {said} (of {len(PEERS[name].grid)} settings in {given[name].choice:.1f} s)", flush=True)
    return given


def answers_elsewhere(python: Path, valid: Sitting, test: Sitting) -> dict[str, Answer]:
    """RecTools', chosen and judged as the others are."""
    given = {}
    for name, (model, grid) in RECTOOLS.items():
        started = time.perf_counter()
        tried = [ask(python, model, setting, valid.past).lists for setting in grid]
        reached = [float(warm_values(valid.exam, lists)[:, 0].mean()) for lists in tried]
        setting = grid[int(np.argmax(reached))]
        choice = time.perf_counter() - started
        told = ask(python, model, setting, test.past)
        given[name] = Answer(told.lists, setting, told.fit, choice, told.memory)
        print(f"{name}: {dict(setting)} (of {len(grid)} settings in {choice:.1f} s)", flush=True)
    return given


def read(project: Path) -> tuple[Sitting, Sitting, Int64, Params]:
    """The sittings of valid and test, recops' lists for the test, and how to judge.

    Raises:
        UserError: the project has not run.
    """
    params = section("evaluate", Params, project / "params.yaml")
    written = project / EVALUATION / "recommendations.parquet"
    if not written.is_file():
        raise UserError(f"no file {written}; let `recops run` end there first")
    recommendations = RECOMMENDATIONS.read(written)
    test, positives = read_test(project), Positives.of(params.targets)
    train, valid = (INTERACTIONS.read(project / "data" / "split" / f"{name}.parquet") for name in ("train", "valid"))
    further = recommendations.get_column("item_id").unique().to_list()
    asked = sitting(test.history, test.part, positives, test.items, further)
    return sitting(train, valid, positives, test.items, []), asked, asked.exam.lists(recommendations), params


def table(shown: dict[str, Standing], given: dict[str, Answer], confidence: float) -> str:
    """A row a model, best first."""
    lead = f"recops' lead, {confidence:.0%} interval"
    lines = [f"{'model':18}{'NDCG@10':>9}{'Recall@10':>11}{'HR@10':>9}{'fit s':>8}{'MiB':>7}{'of recops':>11}  {lead}"]
    for model in sorted(shown, key=lambda model: -shown[model].values[0]):
        one = shown[model]
        cost = f"{given[model].fit:8.1f}{given[model].memory:7.0f}" if model in given else f"{'-':>8}{'-':>7}"
        ahead = f"{one.lead.value:+.4f} [{one.lead.low:+.4f}, {one.lead.high:+.4f}]" if model in given else "-"
        figures = "{:9.4f}{:11.4f}{:9.4f}".format(*one.values)
        lines.append(f"{model:18}{figures}{cost}{one.share:11.3f}  {ahead}")
    return "\n".join(lines)


def as_json(shown: dict[str, Standing], given: dict[str, Answer], judge: str, values: dict[str, Array]) -> str:
    """All of it for a program; relative_leads: each user's lead in NDCG@10 over the best peer, over that one's mean."""
    best, word = verdict(shown)
    leads = (values["recops"][:, 0] - values[best][:, 0]) / shown[best].values[0]
    models: dict[str, dict[str, object]] = {}
    for model, one in shown.items():
        models[model] = {**dict(zip(METRICS, one.values, strict=True)), "of_recops": one.share}
        if model in given:
            cost = {"setting": dict(given[model].setting), "fit_seconds": given[model].fit}
            models[model] |= cost | {"peak_mib": given[model].memory, "recops_lead": asdict(one.lead)}
    found = {"judge": judge, "n_users": len(leads), "models": models, "best_peer": best, "recops_is": word}
    return json.dumps(found | {"relative_leads": leads.round(6).tolist()}, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Prints the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--out", type=Path, help="a JSON file for all figures")
    parser.add_argument("--rectools", type=Path, metavar="PYTHON", help="an interpreter that has RecTools")
    options = parser.parse_args()
    try:
        valid, test, ours, params = read(options.project)
    except UserError as error:
        raise SystemExit(str(error)) from None
    given = answers(valid, test)
    if options.rectools:
        given |= answers_elsewhere(options.rectools, valid, test)
    lists = {"recops": ours} | {name: one.lists for name, one in given.items()}
    bench = os.environ.get("RECOPS_BENCH")
    judge = f"{bench}/evaluate.py" if bench else "models/evaluation"
    values = {
        name: independent_values(Path(bench), test, found) if bench else warm_values(test.exam, found)
        for name, found in lists.items()
    }
    shown = standings(values, n_resamples=params.bootstrap, seed=params.seed, confidence=params.confidence)
    n_users = len(values["recops"])
    if not n_users:
        raise SystemExit("no user with history has a target with history in test: there is nothing to compare")
    print(f"\n{n_users} users, judged by {judge}")
    print(table(shown, given, params.confidence))
    best, word = verdict(shown)
    print(f"best peer: {best}; recops is {word + ' to it' if word != 'not distinguishable' else word + ' from it'}")
    if options.out:
        options.out.write_text(as_json(shown, given, judge, values), encoding="utf-8")


if __name__ == "__main__":
    main()
