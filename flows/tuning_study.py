"""One retriever's Optuna study in a file: resumed where it stopped, pruned by chunks of users, seeded.

A trial is written down when it ends, so a killed run loses at most the one that was running. The sampler is seeded anew
for each trial by how many have ended: a study that was killed and continued tries what an undisturbed one tries.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ValidationError

from flows.rating_cache import code_hash
from flows.tuning_data import Valid
from models.arrays import read_arrays, write_arrays
from models.interfaces import Retriever
from models.intervals import Interval
from models.search_space import Axis
from models.tuning import METRIC, Float64, Params, answered, gain_of_best, owners_of

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OptunaTrial

STUDIES = "studies.db"
VALUES = "values"
UNPRUNED = 5  # trials before any is given up: the median of fewer says little
LEAST_FOR_IMPORTANCE = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A retriever to tune: its class, its params of now, and the values that are tried (see models/search_space.py)."""

    name: str
    retriever: type[Retriever]
    present: BaseModel
    axes: Mapping[str, Axis]

    def values_of(self, params: BaseModel) -> dict[str, Any]:
        """Of some params those that are tuned."""
        return {name: getattr(params, name) for name in self.axes}

    def with_values(self, values: Mapping[str, Any]) -> BaseModel:
        """The params of now with other values, checked."""
        return type(self.present).model_validate({**self.present.model_dump(), **values})


@dataclass(frozen=True)
class Found:
    """How a search ended. n_trials: that ended, n_pruned of them early; present, best: NDCG@10 on valid, None where the
    present params were not reached; values: of the best; gain: its lead over the present params, None where those are
    the best; importance: share of each param in how well trials do; silent: the retriever offers nothing here;
    n_users: who were asked."""

    retriever: str
    n_trials: int = 0
    n_pruned: int = 0
    present: float | None = None
    best: float | None = None
    values: dict[str, Any] = field(default_factory=dict)
    gain: Interval | None = None
    importance: dict[str, float] = field(default_factory=dict)
    silent: bool = False
    n_users: int = 0

    def is_gain(self, params: Params) -> bool:
        """Whether it is beyond chance."""
        return self.gain is not None and self.gain.low > 0 and self.n_users >= params.min_users


def search(folder: Path, task: Task, valid: Valid, params: Params, *, n_trials: int, seconds: float) -> Found:
    """Goes on with the study of this retriever on these data until it has `n_trials`, or for so many seconds.

    The present params are tried first, whatever the time: nothing can be said without them.
    """
    deadline = time.monotonic() + seconds
    study = _study(folder, task, valid)
    values = folder / VALUES / study.study_name
    _begin(study, task, values)
    while _waits(study) or (len(_ended(study)) < n_trials and time.monotonic() < deadline):
        n_done = len(_ended(study))
        _reseed(study, params.seed, n_done)
        trial = study.ask()
        try:
            offered = _run(study, trial, task, valid, values)
        except BaseException:
            _fail(study, trial.number)
            raise
        if not offered:
            return Found(task.name, silent=True)
    return _found(study, task, values, owners_of(valid.chunks), params)


def _study(folder: Path, task: Task, valid: Valid) -> Study:
    """The study of these data, this code and the params that are not tuned; made when it is not there."""
    import optuna

    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fixed = task.present.model_dump(mode="json", exclude=set(task.axes))
    told = {"data": valid.key, "code": code_hash(task.retriever.__module__), "fixed": fixed, "tuned": sorted(task.axes)}
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        study_name=f"{task.name}-{key}",
        storage=optuna.storages.RDBStorage(f"sqlite:///{folder / STUDIES}"),
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
    )


def _begin(study: Study, task: Task, folder: Path) -> None:
    """Gives up what a killed run left, and puts the present params first unless they were tried."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        _fail(study, trial.number)
    present = task.values_of(task.present)
    known = study.get_trials(deepcopy=False, states=(TrialState.WAITING,)) + _whole(study, folder)
    if not any(trial.user_attrs.get("values") == present for trial in known):
        placed = {name: axis.placed(present[name]) for name, axis in task.axes.items()}
        # the values themselves go with it: what lies outside the space is judged as it is
        study.enqueue_trial(placed, user_attrs={"values": present})


def _ended(study: Study) -> list[FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _waits(study: Study) -> bool:
    from optuna.trial import TrialState

    return bool(study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))


def _whole(study: Study, folder: Path) -> list[FrozenTrial]:
    """Trials that asked every user, with what each of them got."""
    from optuna.trial import TrialState

    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [trial for trial in ended if _values_of(folder, trial).is_file()]


def _values_of(folder: Path, trial: OptunaTrial | FrozenTrial) -> Path:
    return folder / f"{trial.number}.safetensors"


def _reseed(study: Study, seed: int, n_done: int) -> None:
    from optuna.samplers import TPESampler

    study.sampler = TPESampler(seed=int(np.random.SeedSequence([seed, n_done]).generate_state(1)[0]))


def _fail(study: Study, number: int) -> None:
    from optuna.trial import TrialState

    study.tell(number, state=TrialState.FAIL)


def _run(study: Study, trial: OptunaTrial, task: Task, valid: Valid, folder: Path) -> bool:
    """Fits and asks chunk after chunk; false where nothing at all was offered."""
    from optuna.trial import TrialState

    suggested = {name: axis.suggested(name, trial) for name, axis in task.axes.items()}
    asked = "values" in trial.user_attrs
    values = trial.user_attrs["values"] if asked else suggested
    try:
        chosen = task.with_values(values)
    except ValidationError as error:  # values that each are allowed and together are not
        logger.warning("retriever=%s trial=%d cannot be: %s", task.name, trial.number, error)
        study.tell(trial, state=TrialState.PRUNED)
        return True
    trial.set_user_attr("values", values)
    fitted = task.retriever(chosen).fit(valid.log, valid.catalogue)  # type: ignore[call-arg]
    parts: list[Float64] = []
    offered = False
    for step, (part, any_offered) in enumerate(answered(fitted, valid.chunks)):
        parts.append(part)
        offered |= any_offered
        trial.report(float(np.concatenate(parts).mean()), step)
        if not asked and step + 1 < len(valid.chunks) and trial.should_prune():
            logger.info(
                "retriever=%s trial=%d given up after %d of %d chunks",
                task.name,
                trial.number,
                step + 1,
                len(valid.chunks),
            )
            study.tell(trial, state=TrialState.PRUNED)
            return True
    if not offered and asked:
        _fail(study, trial.number)
        return False
    found = np.concatenate(parts)
    write_arrays({METRIC: found}, _values_of(folder, trial))
    study.tell(trial, float(found.mean()))
    logger.info("retriever=%s trial=%d %s=%.5f %s", task.name, trial.number, METRIC, found.mean(), values)
    return True


def _found(study: Study, task: Task, folder: Path, owners: Any, params: Params) -> Found:
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    ended, whole = _ended(study), _whole(study, folder)
    n_pruned = sum(trial.state == TrialState.PRUNED for trial in ended)
    now = task.values_of(task.present)
    present = next((trial for trial in whole if trial.user_attrs["values"] == now), None)
    if present is None:
        return Found(task.name, len(ended), n_pruned)
    best = max(whole, key=lambda trial: (_value(trial), trial is present, -trial.number))
    gain = None
    if best is not present:
        columns = [read_arrays(_values_of(folder, trial))[METRIC] for trial in whole]
        gain = gain_of_best(np.column_stack(columns), columns[whole.index(present)], owners, whole.index(best), params)
    importance: dict[str, float] = {}
    if len(whole) >= LEAST_FOR_IMPORTANCE and len(task.axes) > 1:
        importance = {name: round(share, 3) for name, share in get_param_importances(study).items()}
    values = dict(best.user_attrs["values"])
    return Found(
        task.name,
        len(ended),
        n_pruned,
        _value(present),
        _value(best),
        values,
        gain,
        importance,
        n_users=int(owners.max()) + 1,
    )


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value
