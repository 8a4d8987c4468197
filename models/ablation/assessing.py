"""Assessing: whether a part stays, by its lift and its costs, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass

from models.ablation.ablate_params import AblateParams
from models.ablation.costs import Cost
from models.ablation.kept import JudgedPart
from models.ablation.paired_lift import Lift


@dataclass(frozen=True)
class Subject:
    """A part that is judged. metric: on what, in words."""

    name: str
    metric: str
    cost: Cost


def assess(subject: Subject, lift: Lift, params: AblateParams) -> JudgedPart:
    """A part stays where the lower bound of its lift exceeds `least_lift` and its lift is worth its costs."""
    price = subject.cost.price(params.worth.of(subject.name))
    few = lift.n_users < params.least_users
    proven, paid = lift.low > params.least_lift, 100 * lift.lift >= price
    if few:
        why = f"stays: {lift.n_users} users are fewer than the {params.least_users} that it takes to judge it"
    elif proven and paid:
        why = f"stays: {_figures(lift)}, for {_costs(subject.cost)}, which may be paid for {price:.2g} %"
    elif not proven:
        why = (
            f"dropped: {_figures(lift)}, so that a lift beyond {100 * params.least_lift:g} % is not shown; it would "
            f"stay with ablate.least_lift below {100 * lift.low:.2g} %"
        )
    else:
        factor = price / (100 * lift.lift)
        why = (
            f"dropped: {_figures(lift)}, but it costs {_costs(subject.cost)}, which may be paid for {price:.2g} % "
            f"only; it would stay where a lift of 1 % may cost {factor:.1f} times as much (ablate.worth)"
        )
    return JudgedPart(
        part=subject.name,
        kept=few or (proven and paid),
        metric=subject.metric,
        n_users=lift.n_users,
        with_part=round(lift.with_part, 6),
        without=round(lift.without, 6),
        lift=round(lift.lift, 6),
        low=round(lift.low, 6),
        high=round(lift.high, 6),
        tokens=subject.cost.tokens,
        milliseconds=subject.cost.milliseconds,
        bytes=subject.cost.bytes,
        price=round(price, 6),
        why=why,
    )


def _figures(lift: Lift) -> str:
    return f"a lift of {100 * lift.lift:.2g} % ({100 * lift.low:.2g} % to {100 * lift.high:.2g} %)"


def _costs(cost: Cost) -> str:
    named = [f"{cost.bytes / 1e6:.1f} MB", f"{cost.milliseconds:.3f} ms a request"]
    return ", ".join([*([f"{cost.tokens:,} tokens"] if cost.tokens else []), *named])
