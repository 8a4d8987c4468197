"""Volume and freshness: what all the data together must be like, alone and beside the data accepted last."""

from __future__ import annotations

from features.validation.expectations import Params
from features.validation.profile import Profile
from features.validation.rules import Rule, expect_dataset


def whole_rules(params: Params, accepted: Profile) -> list[Rule]:
    """Volume and freshness, and what changed since the data accepted last (nothing to compare where there is none)."""
    rules = [
        expect_dataset(
            "rows_are_enough",
            f"There are at least {params.min_rows} interactions.",
            "n_rows",
            params.min_rows,
            None,
            "import more data, or lower validate.min_rows",
        ),
    ]
    if (
        params.now is not None
    ):  # without it there is no clock here; the flow has one (flows/project/running/freshness.py)
        rules.append(
            expect_dataset(
                "data_is_fresh",
                f"The last event is at most {params.stale_days:g} days old.",
                "days_since_last_event",
                None,
                params.stale_days,
                "import newer events, or look at validate.now and validate.stale_days",
                reads_time=True,
            )
        )
    return rules + _against_accepted(params) if accepted else rules


def _against_accepted(params: Params) -> list[Rule]:
    least, most, rise = params.least_volume, params.most_volume, params.share_rise
    rules = [
        expect_dataset(
            "rows_against_accepted",
            f"Rows are {least:g} to {most:g} times those of the data accepted last.",
            "rows_against_accepted",
            least,
            most,
            "look whether rows are missing or loaded twice, or move validate.least_volume and validate.most_volume",
        ),
        expect_dataset(
            "time_goes_on",
            "The last event is not before that of the data accepted last.",
            "days_gone_back",
            None,
            0.0,
            "import the newest events as well",
            reads_time=True,
        ),
        expect_dataset(
            "events_stay",
            "No kind of event has vanished since the data accepted last.",
            "n_events_gone",
            None,
            0.0,
            "look for the missing kind of event in the source",
        ),
    ]
    for who in ("users", "items"):
        says = f"There are at least {least:g} times the {who} of the data accepted last."
        remedy = "import what is missing; if the data truly became less, lower validate.least_volume"
        rules.append(expect_dataset(f"{who}_against_accepted", says, f"{who}_against_accepted", least, None, remedy))
    for name, what in (
        ("null_value_rise", "null values"),
        ("null_title_rise", "null titles"),
        ("unknown_item_rise", "unknown items"),
    ):
        says = f"The share of {what} has risen by at most {rise:g} since the data accepted last."
        remedy = "look at what changed in the source, or raise validate.share_rise"
        rules.append(expect_dataset(f"{name}_is_small", says, name, None, rise, remedy))
    return rules
