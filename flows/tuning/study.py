"""One retriever's search: trial after trial, pruned by chunks of users, until the number or the time is reached."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from features.arrays import Float64
from flows.tuning.inputs import Valid
from flows.tuning.trials import Task, begin, ended_trials, fail, file_of, reseed, study_of, waits, whole_trials
from models.data.storage import read_arrays, write_arrays
from models.evaluation.intervals import Interval
from models.registry import make
from models.tuning.objective import METRIC, Params, answered, gain_of_best, owners_of

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial
    from optuna.trial import Trial as OptunaTrial

VALUES = "values"
LEAST_FOR_IMPORTANCE = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Found:
    """How a search ended. n_trials: that ended, n_pruned of them early; present, best: NDCG@10 on valid, None where the
    present params were not reached; values: of the best; gain: its lead over the present params, None where those are
    the best; importance: share of each param in how well trials do; silent: the retriever offers no candidates on these
    data; n_users: users evaluated."""

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
        """Whether the gain is statistically significant."""
        return self.gain is not None and self.gain.low > 0 and self.n_users >= params.min_users


def search(folder: Path, task: Task, valid: Valid, params: Params, *, n_trials: int, seconds: float) -> Found:
    """Goes on with the study of this retriever on these data until it has `n_trials`, or for so many seconds.

    The present params are tried first, regardless of the time limit: they are the baseline.
    """
    deadline = time.monotonic() + seconds
    study = study_of(folder, task, valid)
    values = folder / VALUES / study.study_name
    begin(study, task, values)
    while waits(study) or (len(ended_trials(study)) < n_trials and time.monotonic() < deadline):
        n_done = len(ended_trials(study))
        reseed(study, params.seed, n_done)
        trial = study.ask()
        try:
            offered = _run(study, trial, task, valid, values)
        except BaseException:
            fail(study, trial.number)
            raise
        if not offered:
            return Found(retriever=task.name, silent=True)
    return _found(study, task, values, owners_of(valid.chunks), params)


def _run(study: Study, trial: OptunaTrial, task: Task, valid: Valid, folder: Path) -> bool:
    """Fits the retriever and evaluates it chunk by chunk; false where it offered no candidates."""
    from optuna.trial import TrialState

    suggested = {name: axis.suggested(name, trial) for name, axis in task.axes.items()}
    given = "values" in trial.user_attrs
    values = trial.user_attrs["values"] if given else suggested
    try:
        chosen = task.with_values(values)
    except ValidationError as error:  # values that are valid one by one, but not together
        logger.warning("retriever=%s trial=%d has invalid params: %s", task.name, trial.number, error)
        study.tell(trial, state=TrialState.PRUNED)
        return True
    trial.set_user_attr("values", values)
    fitted = make("retriever", task.name, chosen).fit(valid.log, valid.catalogue)
    parts: list[Float64] = []
    offered = False
    for step, (part, any_offered) in enumerate(answered(fitted, valid.chunks)):
        parts.append(part)
        offered |= any_offered
        trial.report(float(np.concatenate(parts).mean()), step)
        if not given and step + 1 < len(valid.chunks) and trial.should_prune():
            logger.info(
                "retriever=%s trial=%d pruned after %d of %d chunks",
                task.name,
                trial.number,
                step + 1,
                len(valid.chunks),
            )
            study.tell(trial, state=TrialState.PRUNED)
            return True
    if not offered and given:
        fail(study, trial.number)
        return False
    figures = np.concatenate(parts)
    write_arrays({METRIC: figures}, file_of(folder, trial))
    study.tell(trial, float(figures.mean()))
    logger.info("retriever=%s trial=%d %s=%.5f %s", task.name, trial.number, METRIC, figures.mean(), values)
    return True


def _found(study: Study, task: Task, folder: Path, owners: Any, params: Params) -> Found:
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    ended, whole = ended_trials(study), whole_trials(study, folder)
    n_pruned = sum(trial.state == TrialState.PRUNED for trial in ended)
    now = task.values_of(task.present)
    present = next((trial for trial in whole if trial.user_attrs["values"] == now), None)
    if present is None:
        return Found(retriever=task.name, n_trials=len(ended), n_pruned=n_pruned)
    best = max(whole, key=lambda trial: (_value(trial), trial is present, -trial.number))
    gain = None
    if best is not present:
        columns = [read_arrays(file_of(folder, trial))[METRIC] for trial in whole]
        gain = gain_of_best(np.column_stack(columns), columns[whole.index(present)], owners, whole.index(best), params)
    importance: dict[str, float] = {}
    if len(whole) >= LEAST_FOR_IMPORTANCE and len(task.axes) > 1:
        importance = {name: round(share, 3) for name, share in get_param_importances(study).items()}
    values = dict(best.user_attrs["values"])
    return Found(
        retriever=task.name,
        n_trials=len(ended),
        n_pruned=n_pruned,
        present=_value(present),
        best=_value(best),
        values=values,
        gain=gain,
        importance=importance,
        n_users=int(owners.max()) + 1,
    )


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value
