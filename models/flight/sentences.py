"""Sentences about recorded answers, for operators."""

from __future__ import annotations

from collections.abc import Callable

from models.flight.as_known import CATEGORY, EXCLUDED, PRICE, REFUSED, SEEN, UNAVAILABLE
from models.flight.explained import Because
from models.flight.records.record import FlightRecord
from models.flight.smallest_change import Change
from models.flight.why_not import WhyNot

Name = Callable[[int], str]  # a vocabulary position → what people call the item
FILTERS = {
    SEEN: "the user had it in their history already (include_seen was false)",
    REFUSED: "the user had refused it",
    EXCLUDED: "the request excluded it",
    UNAVAILABLE: "it was not available at that time",
    CATEGORY: "its category is not among the request's filter.category",
    PRICE: "its price is unknown, or above the request's filter.price_max",
}


def because_sentence(past: Because, name: Name) -> str:
    """“Because you chose A: 43 % of item_knn's score stand on it”."""
    share = "" if past.share is None else f": {past.share:.0%} of {past.retriever}'s score stands on it"
    return f"Because you chose {name(past.item)}{share}"


def why_not_sentence(answer: WhyNot, n_shown: int) -> str:
    """What kept an item out of a list."""
    if answer.kind == "shown":
        return f"It was shown, at place {answer.place}."
    if answer.kind == "filtered":
        sentence = f"It could not be offered: {'; '.join(FILTERS[name] for name in answer.filters)}."
        if answer.place_without_filters is None:
            return f"{sentence} Without that it would not have been shown either."
        return f"{sentence} Without that it would have been at place {answer.place_without_filters}."
    if answer.kind == "not_a_candidate":
        ranks = {name: rank for name, rank in answer.ranks.items() if rank is not None}
        if not ranks:
            return "It was no candidate: no retriever knows it for this user."
        best = min(ranks, key=lambda name: ranks[name])
        return f"It was no candidate: its best rank is {ranks[best]}, by {best}."
    if answer.kind == "moved":
        return (
            f"By score it was number {answer.place_by_score}, but diversity (or a drawn place) moved it out of the "
            f"{n_shown} shown."
        )
    sentence = f"It was a candidate, and scored number {answer.place_by_score}; {n_shown} were shown."
    if answer.held_down:
        sentence += f" What held it down most: {answer.held_down[0][0]}."
    return sentence


def change_sentence(change: Change | None, record: FlightRecord, name: Name) -> str:
    """The smallest change that would have shown an item."""
    if change is None:
        return (
            "No small change was found: neither a better rank by one retriever, nor the features of a shown item in "
            "one or two groups, would have shown it."
        )
    if change.kind == "retriever":
        return f"Had {change.retriever} ranked it number {change.rank}, it would have been at place {change.place}."
    donor = name(int(record.candidates.items[change.donor])) if change.donor is not None else "an item shown"
    groups = " and ".join(f"“{group}”" for group in change.groups)
    return f"With {groups} as of {donor}, it would have been at place {change.place}."
