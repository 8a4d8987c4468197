"""Every peer's answers: its setting chosen on valid, fitted again before the test, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.peers.elsewhere import ask, rectools
from benchmarks.peers.models import EASE_ITEMS, PEERS, Setting, ranked
from benchmarks.peers.past import Asked, Int64, Past
from benchmarks.peers.tasks import PeerTask

MIB = 2**20


@dataclass(frozen=True)
class Answer:
    """A peer's lists for the test, the setting that valid chose, seconds of the last fit and of choosing, peak MiB."""

    lists: Int64
    setting: Setting
    fit: float
    choice: float
    memory: float


def answers(valid: PeerTask, test: PeerTask) -> dict[str, Answer]:
    """Every peer's, one after the other, each in a fresh process."""
    context = multiprocessing.get_context("spawn")
    given = {}
    for name, peer in PEERS.items():
        if name.startswith("EASE") and test.past.n_items > EASE_ITEMS:
            print(f"{name} is left out: {test.past.n_items} items, at most {EASE_ITEMS} fit its dense matrices")
            continue
        if peer.of_users and test.asked.rows is None:
            print(f"{name} is left out: it knows users by rows of their own, and hears of no act after its fit")
            continue
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            given[name] = pool.submit(answer, name, valid, test.past, test.asked).result()
        _say(name, given[name], len(peer.grid))
    return given


def answer(name: str, valid: PeerTask, past: Past, asked: Asked) -> Answer:
    """Chooses a peer's setting on valid, fits it on everything before the test, and ranks. Runs in a child process."""
    peer = PEERS[name]
    started = time.perf_counter()
    reached = [
        float(valid.values(ranked(valid.past, valid.asked, peer.fit(valid.past, setting)))[:, 0].mean())
        for setting in peer.grid
    ]
    setting = peer.grid[int(np.argmax(reached))]
    choice, started = time.perf_counter() - started, time.perf_counter()
    scores = peer.fit(past, setting)
    fit = time.perf_counter() - started
    return Answer(ranked(past, asked, scores), setting, fit, choice, peak_memory())


def answers_elsewhere(python: Path, valid: PeerTask, test: PeerTask, epochs: int) -> dict[str, Answer]:
    """RecTools', chosen and judged as the others are; epochs: of SASRec, 0 leaves it out."""
    given = {}
    for name, peer in rectools(epochs).items():
        if peer.of_users and test.asked.rows is None:
            print(f"{name} is left out: it is asked for users of its fit, and hears of no act after that")
            continue
        started, setting = time.perf_counter(), peer.grid[0]
        if len(peer.grid) > 1:
            tried = [ask(python, peer, each, valid.past, valid.asked).lists for each in peer.grid]
            setting = peer.grid[int(np.argmax([valid.values(lists)[:, 0].mean() for lists in tried]))]
        choice = time.perf_counter() - started
        told = ask(python, peer, setting, test.past, test.asked)
        given[name] = Answer(told.lists, setting, told.fit, choice, told.memory)
        _say(name, given[name], len(peer.grid))
    return given


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


def _say(name: str, given: Answer, n_settings: int) -> None:
    said = ", ".join(f"{knob} {value}" for knob, value in given.setting.items())
    chosen = f"of {n_settings} settings in {given.choice:.1f} s" if n_settings > 1 else "its one setting"
    print(f"{name}: {said} ({chosen})", flush=True)
