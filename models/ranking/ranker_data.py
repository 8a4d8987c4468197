"""Training and evaluation data of a ranker: examples with their features, grouped by query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.arrays import Bool, Float32, Int32, Int64
from models.interfaces import Rows
from models.ranking.examples import Outcomes
from models.ranking.rows import where


@dataclass(frozen=True, kw_only=True)
class RankerData:
    """features: (n_rows, n_features), labels: (n_rows,) in {0, 1}, by query; names: (n_features,) of the columns;
    groups: (n_queries,) rows of each; n_targets: (n_queries,) number of targets; user_ids: (n_queries,);
    live: (n_queries,) True right before its user's next choice; events: kind of event → (n_rows,)
    candidates that were chosen so.
    """

    features: Rows
    labels: Float32
    groups: Int32
    n_targets: Int64
    user_ids: npt.NDArray[np.str_]
    live: Bool
    names: tuple[str, ...]
    events: Mapping[str, Bool] = field(default_factory=dict)

    @classmethod
    def of(cls, examples: Outcomes, features: Rows, names: tuple[str, ...]) -> RankerData:
        """Examples whose features have been looked up."""
        return cls(
            features=features,
            labels=examples.labels,
            groups=examples.groups,
            n_targets=examples.n_targets,
            user_ids=examples.user_ids,
            live=examples.live,
            names=names,
            events=examples.events,
        )

    def queries(self, chosen: Bool) -> RankerData:
        """Some of the queries, (n_queries,), with all their rows."""
        rows = np.repeat(chosen, self.groups)
        return RankerData(
            features=where(self.features, rows),
            labels=self.labels[rows],
            groups=self.groups[chosen],
            n_targets=self.n_targets[chosen],
            user_ids=self.user_ids[chosen],
            live=self.live[chosen],
            names=self.names,
            events={kind: marks[rows] for kind, marks in self.events.items()},
        )
