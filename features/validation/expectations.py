"""Expectations: the Great Expectations suites as code, one rule a line, and what each stands for."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from features.fields import EARLIEST_EVENT, MAX_NAME, NAME_PATTERN
from features.validation.project_rules import ProjectRule
from features.validation.rules import (
    Rule,
    expect_between,
    expect_id,
    expect_not_null,
    expect_true,
    open_end,
    unique,
    with_share,
)


class Params(BaseModel):
    """What the data must be like to be trained on."""

    model_config = ConfigDict(extra="forbid")

    now: datetime | None = None
    """Instant (ISO-8601) that freshness is measured against; null: the last event (old data never goes stale)."""
    earliest: datetime = EARLIEST_EVENT
    """Nothing happened before; earlier times are mistaken units or zeros."""
    stale_days: float = Field(default=30.0, gt=0)
    """At `now` the last event may be so old; older data stops the pipeline."""
    silence_days: float = Field(default=365.0, gt=0)
    """A few rows that are parted from all others by a longer silence have wrong times, and stop the pipeline."""
    clock_skew_seconds: float = Field(default=300.0, ge=0)
    """An event may be known so long before it happened, by clocks that differ; more is a mix-up of times."""
    value_min: float | None = None
    """The least value that may occur; null: any finite number."""
    value_max: float | None = None
    """The greatest value that may occur; null: any finite number."""
    events: list[str] | None = None
    """The event names that may occur; null: any."""
    min_rows: int = Field(default=1, ge=0)
    """Fewer interactions stop the pipeline."""
    impossible_share: float = Field(default=0.01, ge=0, le=1)
    """Share of rows with a value or price that is no finite number (or a price below 0); cleaning makes them null."""
    before_creation_share: float = Field(default=0.05, ge=0, le=1)
    """Share of interactions with an item that was created only later; cleaning corrects the item."""
    unknown_item_share: float = Field(default=0.5, ge=0, le=1)
    """Share of interactions whose item has no row in items, where there are items; they have no text and no title."""
    unknown_user_share: float = Field(default=0.5, ge=0, le=1)
    """Share of interactions whose user has no row in users, where there are users."""
    duplicate_share: float = Field(default=0.1, ge=0, le=1)
    """Share of rows that repeat another in user, item, event and instant; cleaning drops them, many mean a fault."""
    burst_rows_per_minute: int = Field(default=300, ge=1)
    """More rows of one user, or of one item, within a minute are a burst."""
    burst_share: float = Field(default=0.05, ge=0, le=1)
    """Share of rows in such bursts; more look like a replayed log or machines."""
    untitled_share: float = Field(default=0.5, ge=0, le=1)
    """Share of items without a title beyond which a warning is reported."""
    least_volume: float = Field(default=0.8, ge=0)
    """Rows, users and items may fall to so much of the data accepted last; less means that a part is missing."""
    most_volume: float = Field(default=10.0, gt=0)
    """Rows may grow to so many times the data accepted last; more looks like the same rows loaded again."""
    share_rise: float = Field(default=0.2, ge=0, le=1)
    """Null values, null titles and unknown items may rise by so much of all rows against the data accepted last."""

    warnings: list[str] = []
    """Titles of rules, such as `interactions.row_is_in_no_burst`, that are reported when broken and stop nothing."""
    rules: list[ProjectRule] = []
    """Further expectations of this project: see features/validation/project_rules.py."""

    @field_validator("now", "earliest")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


_key = ("user_id", "item_id", "timestamp")


def schema_rules() -> list[Rule]:
    """The columns and types of the Tables."""
    return [
        Rule(
            "schema",
            "columns_have_their_types",
            "Every column of every table is there with its type.",
            "ExpectColumnPairValuesToBeEqual",
            {"column_A": "expected", "column_B": "found", "ignore_row_if": "neither"},
            "cast or add the column in the source (features/sources)",
            ("table", "column", "expected", "found"),
        )
    ]


def interaction_rules(params: Params, now: datetime) -> list[Rule]:
    """Keys, ranges, time order, ties to the other tables, duplicates and bursts."""
    rules = [expect_not_null("interactions", name, _key) for name in ("user_id", "item_id", "timestamp", "known_at")]
    rules += [expect_id("interactions", name, _key) for name in ("user_id", "item_id")]
    rules += [
        Rule(
            "interactions",
            "event_is_a_name",
            f"An event is a name of 1 to {MAX_NAME} characters without control characters (or null).",
            "ExpectColumnValuesToMatchRegex",
            {"column": "event", "regex": NAME_PATTERN},
            "correct the names at their source and import again",
            (*_key, "event"),
        ),
        expect_true(
            "value_is_a_number",
            "A value is a finite number (or null).",
            "value_fits",
            params.impossible_share,
            "correct the values at their source, or raise validate.impossible_share",
            (*_key, "value"),
        ),
    ]
    if params.value_min is not None or params.value_max is not None:
        rules.append(
            expect_between(
                "value_in_range",
                f"A value lies between {open_end(params.value_min)} and {open_end(params.value_max)}.",
                "value",
                params.value_min,
                params.value_max,
                (*_key, "value"),
                remedy="correct the values at their source, or move validate.value_min and validate.value_max",
            )
        )
    if params.events is not None:
        rules.append(
            Rule(
                "interactions",
                "event_is_named",
                f"An event is one of {sorted(params.events)} (or null).",
                "ExpectColumnValuesToBeInSet",
                {"column": "event", "value_set": sorted(params.events)},
                "add the event to validate.events, or map it where the data is imported",
                (*_key, "event"),
            )
        )
    rules += [
        expect_between(
            "timestamp_is_possible",
            f"Nothing happened before {params.earliest:%Y-%m-%d} or after {now:%Y-%m-%d %H:%M:%S} UTC.",
            "timestamp",
            params.earliest,
            max(now, params.earliest),
            _key,
            remedy="look at the unit of the times (s, ms or µs) and at validate.now, then import again",
            reads_time=True,
        ),
        expect_true(
            "timestamp_is_among_the_others",
            f"No few rows are parted from all others by more than {params.silence_days:g} days of silence.",
            "in_the_time",
            0.0,
            "correct the times at their source, or raise validate.silence_days",
            _key,
            reads_time=True,
        ),
        expect_between(
            "known_after_it_happened",
            f"Nothing is known more than {params.clock_skew_seconds:g} s before it happened.",
            "known_after_s",
            -params.clock_skew_seconds,
            None,
            (*_key, "known_at"),
            remedy="look whether timestamp and known_at are mixed up, or raise validate.clock_skew_seconds",
            reads_time=True,
        ),
        expect_between(
            "item_exists_when_used",
            "An item is used after it was created.",
            "item_age_days",
            0.0,
            None,
            (*_key, "item_age_days"),
            params.before_creation_share,
            "correct created_at of the items, or raise validate.before_creation_share",
            reads_time=True,
        ),
        expect_true(
            "item_has_a_row",
            "The item of an interaction has its row in items.",
            "item_has_row",
            params.unknown_item_share,
            "look whether both tables write item_id alike, or raise validate.unknown_item_share",
            ("item_id", "user_id"),
        ),
        expect_true(
            "user_has_a_row",
            "The user of an interaction has their row in users.",
            "user_has_row",
            params.unknown_user_share,
            "look whether both tables write user_id alike, or raise validate.unknown_user_share",
            ("user_id", "item_id"),
        ),
        expect_true(
            "row_is_no_duplicate",
            "No row repeats another in user, item, event and instant.",
            "is_single",
            params.duplicate_share,
            "look whether a file was loaded twice, or raise validate.duplicate_share",
            (*_key, "event"),
        ),
        expect_true(
            "row_is_in_no_burst",
            f"No user and no item has more than {params.burst_rows_per_minute} rows within a minute.",
            "in_no_crowd",
            params.burst_share,
            "look for machines or a replayed log, or raise validate.burst_share or validate.burst_rows_per_minute",
            _key,
            reads_time=True,
        ),
    ]
    if params.now is not None:
        rules.append(
            expect_between(
                "known_by_now",
                f"Nothing became known after {now:%Y-%m-%d %H:%M:%S} UTC.",
                "known_at",
                None,
                now,
                (*_key, "known_at"),
                remedy="look at known_at and at validate.now",
                reads_time=True,
            )
        )
    return rules


def item_rules(params: Params) -> list[Rule]:
    """Key and ranges of items."""
    return [
        expect_not_null("items", "item_id", ("row",)),
        expect_id("items", "item_id", ("row", "item_id")),
        unique("items", ("item_id",)),
        expect_true(
            "price_is_possible",
            "A price is a finite number from 0 (or null).",
            "price_is_possible",
            params.impossible_share,
            "correct the prices at their source, or raise validate.impossible_share",
            ("item_id", "price"),
            "items",
        ),
        Rule(
            "items",
            "title_is_there",
            with_share("Every item has its title; one without is shown by its id.", params.untitled_share),
            "ExpectColumnValuesToNotBeNull",
            {"column": "title", "mostly": 1.0 - params.untitled_share},
            "add titles at the source, or raise validate.untitled_share",
            ("item_id",),
            "warning",
        ),
    ]


def user_rules() -> list[Rule]:
    """Key of users."""
    return [
        expect_not_null("users", "user_id", ("row",)),
        expect_id("users", "user_id", ("row", "user_id")),
        unique("users", ("user_id",)),
    ]


def relation_rules(params: Params) -> list[Rule]:
    """Ends of relations."""
    at_most, remedy = params.unknown_user_share, "look whether the tables write user_id alike"
    shows = ("user_id", "friend_id")
    return [
        *(expect_not_null("relations", name, shows) for name in shows),
        *(expect_id("relations", name, shows) for name in shows),
        expect_true(
            "user_is_known", "A relation's user is known.", "user_is_known", at_most, remedy, shows, "relations"
        ),
        expect_true(
            "friend_is_known", "A relation's friend is known.", "friend_is_known", at_most, remedy, shows, "relations"
        ),
    ]


def vector_rules(params: Params) -> list[Rule]:
    """Key, item, length and numbers of item vectors."""
    suite, shows = "item_vectors", ("item_id", "modality")
    same = "encode all items of a modality with one encoder and import again"
    return [
        unique(suite, shows),
        expect_id(suite, "item_id", shows),
        expect_true("item_is_known", "A vector's item is known.", "item_is_known", params.unknown_item_share,
              "look whether the tables write item_id alike", shows, suite),
        expect_true("length_is_usual", "All vectors of a modality have one length.", "length_is_usual", 0.0, same,
              (*shows, "n_numbers"), suite),
        expect_true("numbers_are_finite", "A vector's numbers are finite.", "is_finite", 0.0, same, shows, suite),
    ]  # fmt: skip
