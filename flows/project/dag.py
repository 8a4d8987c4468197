"""The DAG of dvc.yaml as the flow sees it: its order, what is stale, and one stage run through DVC. Names no stage."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.errors import RefusedError, UserError
from features.files import locked, write_text
from features.params import read_params
from flows.orchestration.busy import BusyError
from flows.project.under_dvc import open_repo


def wanted(dag: Dag, until: str | None) -> list[str]:
    """Stages to run, in order: all, or those that `until` needs (a family `train_retriever` means all of it)."""
    order = dag.order()
    if until is None:
        return order
    goals = [name for name in order if name == until or name.split("@")[0] == until]
    if not goals:
        raise UserError(f"dvc.yaml: no stage '{until}'; there are {order}")
    needed = set().union(*(dag.needed_by(goal) for goal in goals))
    return [name for name in order if name in needed]


def wanted_and_stale(dag: Dag, until: str | None) -> tuple[list[str], list[str]]:
    """Names of the stages that `until` needs, in order, and of those among them that are not up to date."""
    names = wanted(dag, until)
    stale = set(dag.stale())
    return names, [name for name in names if name in stale]


DVC_FILE = "dvc.yaml"
LOCK_FILE = "dvc.lock"
STOPPED_BY_HAND = (f"exited with {-signal.SIGINT}", f"exited with {128 + signal.SIGINT}")  # of the stage, of its shell
LAST_ERROR = Path(".dvc/tmp/recops-stage-error.txt")  # stages leave their last sentence there


class StageError(RefusedError):
    """A stage that ran and whose answer is no."""


class StageCrashError(RefusedError):
    """A stage that ended without a word of its own: killed, out of memory, or a fault of ours (traceback above)."""


def project_root(start: Path) -> Path:
    """The nearest folder upward from `start` that holds dvc.yaml.

    Raises:
        UserError: there is none.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / DVC_FILE).is_file():
            return folder
    raise UserError(f"no {DVC_FILE} in {start.absolute()} or above it; change into a recops project (a clone of it)")


class Dag:
    """One workspace's DAG. The current folder becomes its root: DVC's in-process runs need that."""

    def __init__(self, root: Path) -> None:
        self.root = root
        os.chdir(root)
        # stages say `python`: theirs is the one that runs this, whether or not its environment is activated
        path = os.environ.get("PATH", "")
        here = str(Path(sys.executable).parent)
        if path.split(os.pathsep)[0] != here:
            os.environ["PATH"] = os.pathsep.join([here, path])
        self._repair()
        self._repo: Any = None

    @property
    def repo(self) -> Any:
        """The dvc.repo.Repo, opened once and again after `forget`."""
        if self._repo is None:
            self._repo = open_repo(self.root)
        return self._repo

    def forget(self) -> None:
        """Reads dvc.yaml and params.yaml anew at the next question."""
        if self._repo is not None:
            self._repo.close()
        self._repo = None

    def order(self) -> list[str]:
        """Names of all stages, each after what it needs, otherwise in the order of dvc.yaml."""
        import networkx as nx

        stages = [stage for stage in self._stages() if not stage.is_data_source]
        place = {stage.addressing: number for number, stage in enumerate(stages)}
        graph = nx.DiGraph()
        graph.add_nodes_from(place)
        for consumer, producer in self.repo.index.graph.edges():
            if consumer.addressing in place and producer.addressing in place:
                graph.add_edge(producer.addressing, consumer.addressing)
        return list(nx.lexicographical_topological_sort(graph, key=place.__getitem__))

    def stale(self) -> list[str]:
        """Names of the stages that are not up to date, in order; those behind a stale one are not counted in."""
        from dvc.exceptions import DvcException

        try:
            status = self.repo.status()
        except DvcException as error:
            raise UserError(f"{DVC_FILE}: {error}") from None
        return [name for name in self.order() if name in status]

    def is_stale(self, name: str) -> bool:
        """Whether one stage would run now."""
        (stage,) = self.repo.stage.collect(name)
        with self.repo.lock:
            return bool(stage.changed())

    def needed_by(self, name: str) -> set[str]:
        """The stage and all stages before it that it needs."""
        import networkx as nx

        (stage,) = self.repo.stage.collect(name)
        return {found.addressing for found in nx.descendants(self.repo.index.graph, stage)} | {name}

    def maker_of(self, path: str) -> str:
        """Name of the stage that writes a path."""
        for stage in self._stages():
            if any(str(out) == path for out in stage.outs):
                return str(stage.addressing)
        raise UserError(f"{DVC_FILE}: no stage writes {path}")

    def readers_of(self, path: str) -> set[str]:
        """Names of the stages that depend on a path directly."""
        return {str(stage.addressing) for stage in self._stages() if any(str(dep) == path for dep in stage.deps)}

    def run(self, name: str) -> bool:
        """Runs one stage if it is stale; True when it ran.

        Raises:
            UserError: the stage says that its input or params are at fault.
            StageError: the stage says no (a failed expectation).
            StageCrashError: it ended without a word.
            KeyboardInterrupt: Ctrl-C ended it; DVC lets that through to the stage alone.
        """
        from dvc.exceptions import DvcException

        self._keep_lock_file()
        said = self.root / LAST_ERROR
        said.unlink(missing_ok=True)
        try:
            return bool(self.repo.reproduce(targets=[name], single_item=True))
        except DvcException as error:
            if said.is_file():
                code, _, message = said.read_text(encoding="utf-8").strip().partition("\n")
                if code == "2":
                    raise UserError(message) from None
                raise StageError(f"stage '{name}': {message}") from None
            cause: BaseException = error
            while cause.__cause__ is not None:
                cause = cause.__cause__
            if str(cause).endswith(STOPPED_BY_HAND):
                raise KeyboardInterrupt from None
            raise StageCrashError(f"stage '{name}' ended without a word: {cause}") from None

    def remove_orphans(self) -> list[str]:
        """Deletes what retrievers left that no longer stand in params.yaml, so that no stage sees it."""
        present = set(read_params(self.root / "params.yaml").get("retrievers") or {})
        removed = []
        for folder in sorted((self.root / "data" / "retrievers").glob("*/*")):
            if folder.is_dir() and folder.name not in present:
                shutil.rmtree(folder)
                removed.append(str(folder.relative_to(self.root)))
        return removed

    @contextmanager
    def exclusive(self, *, wait_s: float) -> Iterator[None]:
        """Holds the workspace: two writers in one are not supported by DVC.

        Raises:
            BusyError: another run holds it for longer than `wait_s`.
        """

        def refusal(holder: str) -> BusyError:
            return BusyError(
                f"{self.root}: another run is under way here (process {holder}); "
                "wait for it to end, or use another clone"
            )

        with locked(self.root / ".dvc" / "tmp" / "recops-run.lock", refusal, wait_s=wait_s):
            yield

    def _stages(self) -> list[Any]:
        from dvc.exceptions import DvcException

        try:
            return list(self.repo.index.stages)
        except DvcException as error:
            raise UserError(f"{DVC_FILE}: {error}") from None

    def _keep_lock_file(self) -> None:
        """A copy of dvc.lock: DVC writes it in place, so that a kill may leave half of it."""
        lock = self.root / LOCK_FILE
        if lock.is_file():
            kept = self.root / ".dvc" / "tmp" / "recops-dvc.lock"
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_text(lock.read_text(encoding="utf-8"), kept)

    def _repair(self) -> None:
        """Mends what a killed run may have left: half a dvc.lock, and locks of processes that are no DVC any more."""
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        lock, kept = self.root / LOCK_FILE, self.root / ".dvc" / "tmp" / "recops-dvc.lock"
        if lock.is_file() and kept.is_file():
            try:
                whole = isinstance(YAML(typ="safe").load(lock.read_text(encoding="utf-8")), dict)
            except (YAMLError, UnicodeDecodeError):
                whole = False
            if not whole:
                write_text(kept.read_text(encoding="utf-8"), lock)
        held = self.root / ".dvc" / "tmp" / "rwlock"
        if held.is_file() and not _held_by_living(held):
            held.unlink(missing_ok=True)


def _held_by_living(rwlock: Path) -> bool:
    """Whether any process named in DVC's rwlock still is a process of DVC's or ours (numbers are used again)."""
    try:
        found = json.loads(rwlock.read_text(encoding="utf-8"))
    except ValueError:
        return False
    readers = [info for infos in found.get("read", {}).values() for info in infos]
    for info in [*found.get("write", {}).values(), *readers]:
        pid = info.get("pid")
        if pid == os.getpid():
            continue
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().lower()
        except OSError:
            continue
        if b"dvc" in words or b"recops" in words or b"prefect" in words or b"flows" in words:
            return True
    return False
