"""Repeated log lines: one a while, with the number of those left out."""

from __future__ import annotations

import logging
import time

from features.resilience.repeats import RepeatLogger


def test_a_line_that_repeats_is_written_once_a_while_and_says_how_often_it_was_left_out(caplog):
    caplog.set_level(logging.WARNING)
    repeats = RepeatLogger(logging.getLogger("test"), every_s=0.2)
    for n in range(5):
        repeats.warning("the store is away: %s", n)
    repeats.warning("another kind")
    assert [record.getMessage() for record in caplog.records] == ["the store is away: 0", "another kind"]
    time.sleep(0.25)
    repeats.warning("the store is away: %s", 5)
    assert caplog.records[-1].getMessage() == "the store is away: 5 (and 4 more since the last such line)"


def test_only_the_first_of_unforeseen_faults_comes_with_its_traceback(caplog):
    repeats = RepeatLogger(logging.getLogger("test"), every_s=0.05)
    for n in range(3):
        try:
            raise KeyError(n)
        except KeyError as error:
            repeats.exception("failed: %s", error)
        time.sleep(0.06)
    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False]
