"""The DAG of dvc.yaml as the flow sees it: its order, what is stale, and one stage run through DVC. Names no stage."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from features.errors import RefusedError, UserError
from features.params import read_params
from flows.project.running.lock_file import entries_put_in_place, keep_copy, mend
from flows.project.running.run_lock import hold
from flows.project.running.rwlock import free_rwlock
from flows.project.running.stage_process import OnLine, lines_to
from flows.project.running.staleness import params_parsed_once, stale_among
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
LAST_ERROR = Path(".dvc/tmp/recops-stage-error.txt")  # stages write their error message there


class StageError(RefusedError):
    """A stage ran and refused: a failed check."""


class StageCrashError(RefusedError):
    """A stage ended without an error message of its own: killed, out of memory, or a bug (traceback above)."""


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
    """The DAG of one workspace. Changes the current folder to its root: DVC's in-process runs need that."""

    def __init__(self, root: Path) -> None:
        self.root = root
        os.chdir(root)
        # stages say `python`: theirs is the one that runs this, whether or not its environment is activated
        path = os.environ.get("PATH", "")
        bin_folder = str(Path(sys.executable).parent)
        if path.split(os.pathsep)[0] != bin_folder:
            os.environ["PATH"] = os.pathsep.join([bin_folder, path])
        mend(root)
        free_rwlock(root)
        self._repo: Any = None
        self._collected: dict[str, Any] | None = None
        self._graph: Any = None
        self._stale: list[str] | None = None

    @property
    def repo(self) -> Any:
        """The dvc.repo.Repo, opened once and again after `forget`."""
        if self._repo is None:
            self._repo = open_repo(self.root)
        return self._repo

    def forget(self) -> None:
        """Drops what was read: the next call reads dvc.yaml and params.yaml again."""
        if self._repo is not None:
            self._repo.close()
        self._repo = self._graph = self._collected = self._stale = None

    def order(self) -> list[str]:
        """Names of all stages, each after what it needs, otherwise in the order of dvc.yaml."""
        import networkx as nx

        stages = [stage for stage in self._stages() if not stage.is_data_source]
        if not stages:
            raise UserError(f"{self.root / DVC_FILE}: it has no stages; restore it: `git checkout {DVC_FILE}`")
        rank = {stage.addressing: number for number, stage in enumerate(stages)}
        graph = nx.DiGraph()
        graph.add_nodes_from(rank)
        for consumer, producer in self._collected_graph().edges():
            if consumer.addressing in rank and producer.addressing in rank:
                graph.add_edge(producer.addressing, consumer.addressing)
        return list(nx.lexicographical_topological_sort(graph, key=rank.__getitem__))

    def stale(self) -> list[str]:
        """Names of the stages that are not up to date, in order, without those only downstream of a stale one.

        Asked once until a stage runs or `forget`.

        Raises:
            UserError: see `is_stale`.
        """
        if self._stale is None:
            self._stale = self._stale_among(self.order())
        return list(self._stale)

    def is_stale(self, name: str) -> bool:
        """Whether one stage would run now; as `stale` said where no stage has run since.

        Raises:
            UserError: DVC cannot tell: a file that it does not understand, another DVC holds the workspace.
        """
        if self._stale is not None:
            return name in self._stale
        return bool(self._stale_among([name]))

    def _stale_among(self, names: list[str]) -> list[str]:
        from dvc.exceptions import DvcException

        stages = self._stages_by_name()
        try:
            return [str(stage.addressing) for stage in stale_among(self.repo, [stages[name] for name in names])]
        except DvcException as error:
            if "is busy" in str(error):  # its advice is to delete the lock, with which the other would lose its run
                raise UserError(
                    f"{self.root}: another run or DVC command is under way here; wait for it to end, or work "
                    "in another clone"
                ) from None
            raise UserError(f"{DVC_FILE}: {error}") from None

    def needed_by(self, name: str) -> set[str]:
        """The stage and all stages before it that it needs."""
        import networkx as nx

        stage = self._stages_by_name()[name]
        return {earlier.addressing for earlier in nx.descendants(self._collected_graph(), stage)} | {name}

    def maker_of(self, path: str) -> str:
        """Name of the stage that writes a path."""
        for stage in self._stages():
            if any(str(out) == path for out in stage.outs):
                return str(stage.addressing)
        raise UserError(f"{DVC_FILE}: no stage writes {path}")

    def readers_of(self, path: str) -> set[str]:
        """Names of the stages that depend on a path directly."""
        return {str(stage.addressing) for stage in self._stages() if any(str(dep) == path for dep in stage.deps)}

    def run(self, name: str, on_line: OnLine) -> None:
        """Runs one stage through DVC, which also records it in dvc.lock; `on_line` gets each line that it writes.

        Whatever ends it early ends its process too; the stages before it stay recorded.

        Raises:
            UserError: the stage says that its input or params are at fault.
            StageError: the stage says no (a failed expectation).
            StageCrashError: it ended without an error message of its own; its output says what happened.
            KeyboardInterrupt: Ctrl-C, which reaches this process alone.
        """
        from dvc.exceptions import DvcException

        stage = self._stages_by_name()[name]
        self._stale = None
        reason = self.root / LAST_ERROR
        reason.unlink(missing_ok=True)
        keep_copy(self.root)
        try:
            with (
                lines_to(on_line),
                entries_put_in_place(),
                params_parsed_once(),
                self.repo.lock,
                self.repo.scm_context(),
            ):
                stage.run()
                stage.dump(update_pipeline=False)
        except BaseException as error:
            self.forget()  # what DVC noted on the stage is half of a run
            if not isinstance(error, DvcException):
                raise
            raise _error_of(name, reason, error) from None

    def profile(self) -> str:
        """The profile that params.yaml chooses."""
        return str(read_params(self.root / "params.yaml").get("profile", "default"))

    def remove_orphans(self) -> list[str]:
        """Deletes the folders of retrievers that are no longer in params.yaml, so that no stage reads them."""
        present = set(read_params(self.root / "params.yaml").get("retrievers") or {})
        removed = []
        for folder in sorted((self.root / "data" / "retrievers").glob("*/*")):
            if folder.is_dir() and folder.name not in present:
                shutil.rmtree(folder)
                removed.append(str(folder.relative_to(self.root)))
        return removed

    def exclusive(self, *, wait_s: float) -> AbstractContextManager[None]:
        """Holds the workspace (flows/project/running/run_lock.py)."""
        return hold(self.root, wait_s=wait_s)

    def _stages(self) -> list[Any]:
        return list(self._stages_by_name().values())

    def _stages_by_name(self) -> dict[str, Any]:
        """DVC's stages, collected once: DVC itself would read dvc.yaml and dvc.lock anew for each that runs."""
        from dvc.exceptions import DvcException

        if self._collected is None:
            try:
                self._collected = {str(stage.addressing): stage for stage in self.repo.index.stages}
                self._graph = self.repo.index.graph
            except DvcException as error:
                raise UserError(f"{DVC_FILE}: {error}") from None
        return self._collected

    def _collected_graph(self) -> Any:
        self._stages_by_name()
        return self._graph


def _error_of(name: str, reason: Path, error: BaseException) -> UserError | RefusedError:
    """The error of a failed stage: its own last message, else how its process ended."""
    if reason.is_file():
        code, _, message = reason.read_text(encoding="utf-8").strip().partition("\n")
        return UserError(message) if code == "2" else StageError(f"stage '{name}': {message}")
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return StageCrashError(f"stage '{name}' ended without a word: {cause}")
