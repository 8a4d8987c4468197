"""Storage of a retriever's search: an Optuna study in a file, and the metric of each user in each complete trial.

A trial is recorded when it ends, so a killed run loses at most the one that was running. The sampler is seeded anew
for each trial by how many have ended: a study that was killed and continued runs the same trials as an undisturbed one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from flows.project.fingerprints import code_hash
from flows.tuning.inputs import Valid
from models.interfaces import Retriever
from models.tuning.search_space import Axis

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OptunaTrial

STUDIES = "studies.db"
UNPRUNED = 5  # trials before any is pruned: the median of fewer says little


@dataclass(frozen=True)
class Task:
    """A retriever to tune: its class, its params of now, and the values that are tried."""

    name: str
    retriever: type[Retriever]
    present: BaseModel
    axes: Mapping[str, Axis]

    def values_of(self, params: BaseModel) -> dict[str, Any]:
        """The values of the tuned params."""
        return {name: getattr(params, name) for name in self.axes}

    def with_values(self, values: Mapping[str, Any]) -> BaseModel:
        """The params of now with other values, checked."""
        return type(self.present).model_validate({**self.present.model_dump(), **values})


def study_of(folder: Path, task: Task, valid: Valid) -> Study:
    """The study of these data, this code and the params that are not tuned; made when it is not there."""
    import optuna

    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fixed = task.present.model_dump(mode="json", exclude=set(task.axes))
    content = {
        "data": valid.key,
        "code": code_hash(task.retriever.__module__),
        "fixed": fixed,
        "tuned": sorted(task.axes),
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        study_name=f"{task.name}-{key}",
        storage=optuna.storages.RDBStorage(f"sqlite:///{folder / STUDIES}"),
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
    )


def begin(study: Study, task: Task, folder: Path) -> None:
    """Fails the trials that a killed run left, and enqueues the present params first unless they were tried."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        fail(study, trial.number)
    present = task.values_of(task.present)
    earlier = study.get_trials(deepcopy=False, states=(TrialState.WAITING,)) + whole_trials(study, folder)
    if not any(trial.user_attrs.get("values") == present for trial in earlier):
        placed = {name: axis.placed(present[name]) for name, axis in task.axes.items()}
        # the values themselves go with it: what lies outside the space is judged as it is
        study.enqueue_trial(placed, user_attrs={"values": present})


def ended_trials(study: Study) -> list[FrozenTrial]:
    """Trials with a result, pruned ones among them."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def waits(study: Study) -> bool:
    """Whether a trial with given values is still to be run."""
    from optuna.trial import TrialState

    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def whole_trials(study: Study, folder: Path) -> list[FrozenTrial]:
    """Trials that evaluated every user, with the metric of each."""
    from optuna.trial import TrialState

    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [trial for trial in ended if file_of(folder, trial).is_file()]


def file_of(folder: Path, trial: OptunaTrial | FrozenTrial) -> Path:
    """The file with the metric of every user in a complete trial."""
    return folder / f"{trial.number}.safetensors"


def reseed(study: Study, seed: int, n_done: int) -> None:
    """The sampler for the trial after `n_done` ended ones."""
    from optuna.samplers import TPESampler

    study.sampler = TPESampler(seed=int(np.random.SeedSequence([seed, n_done]).generate_state(1)[0]))


def fail(study: Study, number: int) -> None:
    """Ends a running trial without a result."""
    from optuna.trial import TrialState

    study.tell(number, state=TrialState.FAIL)
