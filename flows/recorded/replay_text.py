"""A replayed answer as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from features.errors import UserError
from models.flight.as_known import AsKnown
from models.flight.explained import Explanation, explained
from models.flight.recomputed import recomputed
from models.flight.replay import replayed
from models.flight.sentences import because_sentence, change_sentence, why_not_sentence
from models.flight.why_not import why_not
from models.recommender import LONG

MOST_GROUPS = 5


def replay_lines(known: AsKnown) -> Iterator[str]:
    """The record, whether it gives its list again, what the retrievers give today, and why each item is there."""
    record = known.record
    sizes = f"{len(record.shown)} of {len(record.scores)} candidates"
    yield f"request {record.request_id}: {sizes} for user {record.user_id}"
    learned = "" if record.learned_position is None else f", learned up to event {record.learned_position}"
    yield f"release {record.release}, log position {record.log_position}, history of {record.n_events} choices{learned}"
    stages = ", ".join(f"{stage} {milliseconds:.2f} ms" for stage, milliseconds in record.stage_ms.items())
    yield f"stages: {stages or 'not recorded'}; fallback: {record.fallback or 'none'}"
    if record.k <= LONG:
        replay = replayed(record, known.recommender)
        yield (
            "the recorded features give the same list, to the bit"
            if replay.same
            else f"THE LIST DIFFERS: {len(replay.differing)} scores differ, shown {record.shown.tolist()}, replayed "
            f"{replay.shown.tolist()} (rows of the candidates)"
        )
        for part in recomputed(known):
            verdict = "agrees" if part.agrees else f"differs: {part.n_gone} items are gone, {part.n_new} new"
            yield f"  {part.name}: {part.n_hits} candidates, {verdict}, scores to {part.greatest:.1e}"
    n_events = known.query().history.n_events
    if n_events != record.n_events:
        yield f"  the history as of the answer has {n_events} choices today; the answer knew {record.n_events}"
    for one in explained(known):
        yield from _item_lines(known, one)


def why_not_lines(known: AsKnown, item_id: str) -> Iterator[str]:
    """Why an item is not in the list.

    Raises:
        UserError: the release does not have the item.
    """
    record = known.record
    item = known.recommender.catalogue.vocabulary.position(item_id)
    if item < 0:
        raise UserError(f"item '{item_id}' is not in release {record.release}, which answered")
    answer = why_not(known, item)
    yield f"{_name(known, item)}: {why_not_sentence(answer, len(record.shown))}"
    ranks = ", ".join(f"{name} {rank if rank is not None else '–'}" for name, rank in answer.ranks.items())
    yield f"  ranks: {ranks}"
    for what, value in answer.held_down[:MOST_GROUPS]:
        yield f"  {value:+.4f}  {what}"
    if answer.kind not in {"shown", "filtered"}:
        yield f"  {change_sentence(answer.change, record, lambda one: _name(known, one))}"


def _item_lines(known: AsKnown, one: Explanation) -> Iterator[str]:
    drawn = "" if one.drawn is None else f", drawn with chance {one.drawn:.2f}"
    moved = "" if not one.moved else f", number {one.place_by_score} by score"
    yield f"{one.place:>3}. {_name(known, one.item)}  score {one.score:.4f}{moved}{drawn}"
    proposals = ", ".join(f"{part.retriever} #{part.rank} ({part.share:.0%})" for part in one.proposals)
    yield f"     proposed by {proposals or 'no retriever'}"
    if one.base is not None:
        yield f"     {one.base:+.4f}  before anything is known of it"
        rest = sum(value for _, value in one.groups[MOST_GROUPS:])
        for what, value in one.groups[:MOST_GROUPS]:
            yield f"     {value:+.4f}  {what}"
        yield f"     {rest:+.4f}  all else"
    for past in one.because:
        yield f"     {because_sentence(past, lambda item: _name(known, item))}"


def _name(known: AsKnown, item: int) -> str:
    catalogue = known.recommender.catalogue
    return f"“{catalogue.titles[item] or catalogue.vocabulary.item_ids[item]}”"
