"""Events as rows of data/raw: what validation would refuse without tolerance is set aside with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from features.fields import id_faults, name_faults, trim, value_fits
from features.reading.conform import Fault, set_aside
from features.reading.sheet import FILE, LINE
from features.schema import INTERACTIONS
from features.validation.expectations import Params
from features.validation.profile import in_the_time

SOURCE = "event log"  # as the file of quarantined rows; their line is the event's number in the log


@dataclass(frozen=True)
class EventRows:
    """`interactions` of the events that may be trained on; QUARANTINE rows of the others."""

    interactions: pl.DataFrame
    quarantine: pl.DataFrame

    def reasons(self) -> Mapping[str, int]:
        """How many events were set aside for each reason, the most first."""
        counts = self.quarantine.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
        return {str(reason): int(n) for reason, n in counts.iter_rows()}


def event_rows(events: pl.DataFrame, before: pl.DataFrame, params: Params, *, artificial_time: bool) -> EventRows:
    """Events judged by the rules that validation has no tolerance for, so that none of them can stop a later run.

    events: INTERACTIONS rows, and `seq`; before: the rows that they join; artificial_time: the times of those are a
    mere order, so that no time is judged.
    """
    numbers = pl.col("seq") if "seq" in events.columns else pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    read = events.select(
        *(trim(pl.col(name)).alias(name) for name in ("user_id", "item_id", "event")),
        *("timestamp", "value", "known_at"),
        pl.lit(SOURCE).alias(FILE),
        numbers.alias(LINE),
    )
    sound, original, quarantine = set_aside(read, read, _field_faults(read, params))
    if not artificial_time:
        sound, original, early = set_aside(sound, original, _time_faults(sound, before, params))
        quarantine = pl.concat([quarantine, early])
    return EventRows(INTERACTIONS.check(sound.drop(FILE, LINE), source=f"the {SOURCE}"), quarantine)


def _field_faults(rows: pl.DataFrame, params: Params) -> list[Fault]:
    rules: list[tuple[str, str, pl.Expr]] = []
    for name in ("user_id", "item_id"):
        rules += [(name, f"{name} {reason}", broken) for reason, broken in id_faults(pl.col(name)).items()]
    rules += [("event", f"event {reason}", broken) for reason, broken in name_faults(pl.col("event")).items()]
    if params.events is not None:
        unknown = ~pl.col("event").is_in(params.events)
        rules.append(("event", "event is none of validate.events", unknown))
    value = pl.col("value")
    rules.append(("value", "value is no finite number", ~value_fits(value)))
    if params.value_min is not None:
        rules.append(("value", f"value is below validate.value_min {params.value_min:g}", value < params.value_min))
    if params.value_max is not None:
        rules.append(("value", f"value is above validate.value_max {params.value_max:g}", value > params.value_max))
    return _faults(rows, rules)


def _time_faults(rows: pl.DataFrame, before: pl.DataFrame, params: Params) -> list[Fault]:
    known_after = (pl.col("known_at") - pl.col("timestamp")).dt.total_microseconds() / 1e6
    impossible = [
        ("timestamp", f"timestamp is before {params.earliest:%Y-%m-%d}", pl.col("timestamp") < params.earliest),
        ("known_at", "known_at is long before the timestamp", known_after < -params.clock_skew_seconds),
    ]
    faults = _faults(rows, impossible)
    possible = rows.filter(~pl.any_horizontal(broken for _, _, broken in impossible))
    together = pl.concat([before.select("timestamp"), possible.select("timestamp")])
    among = in_the_time(together, params.silence_days, goes_on=True, since=before["timestamp"].min())
    reason = f"timestamp is parted from all other rows by more than {params.silence_days:g} days"
    return faults + _faults(rows, [("timestamp", reason, ~among)])


def _faults(rows: pl.DataFrame, rules: list[tuple[str, str, pl.Expr]]) -> list[Fault]:
    masks = rows.select(broken.fill_null(False).alias(str(n)) for n, (_, _, broken) in enumerate(rules))
    return [Fault(column, masks.get_column(str(n)), reason) for n, (column, reason, _) in enumerate(rules)]
