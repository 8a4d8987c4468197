"""The project's dead letters: listed, tried again, dropped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from features.errors import UserError
from features.events.event_log import EventLog, ValueRefusedError
from features.settings import Settings
from features.streams.dead_letters import DeadLetter, DeadLetters
from features.streams.event_source import StreamMessage
from features.streams.intake import Taken, take
from flows.project.dataset import Project
from flows.streams.consume import hasher_of


def listed(settings: Settings, ids: Sequence[str] = (), limit: int = 100) -> list[str]:
    """A line a letter, newest last, and one with their number."""
    with closing(EventLog(settings.events_url)) as log:
        table = DeadLetters(log.database)
        letters, n_letters = table.letters(ids, limit), table.count()
    lines = [_line(letter) for letter in letters]
    shown = f", the newest {len(letters)} are shown" if len(letters) < n_letters and not ids else ""
    return [*lines, f"{n_letters} dead letters{shown}" if n_letters else "no dead letters"]


def retry(project: Project, settings: Settings, ids: Sequence[str] = (), body: bytes | None = None) -> str:
    """Judges letters by today's rules; those that pass are recorded and leave the table. What happened, in a sentence.

    body: instead of the kept one, of the one letter that is named. An event has the id that it would have had at first,
    so one that is retried twice is recorded once.

    Raises:
        UserError: an id names no letter, or `body` is given for several.
    """
    hasher = hasher_of(project, settings)
    with closing(EventLog(settings.events_url)) as log:
        table = DeadLetters(log.database)
        letters = _named(table, ids)
        if body is not None and len(letters) != 1:
            raise UserError("--body: names the content of one letter; name it by one --id")
        n_events, mended = 0, []
        for letter in letters:
            content = body if body is not None else letter.body if letter.is_whole else None
            if content is None:
                continue
            taken = Taken()
            take(StreamMessage(letter.position, content), log.latest(), hasher, taken)
            if taken.refusals:
                continue
            try:
                n_events += len(log.append(taken.events).events)
            except ValueRefusedError:
                continue
            mended.append(letter.id)
        table.remove(mended)
    n_left = len(letters) - len(mended)
    return f"{len(mended)} of {len(letters)} dead letters recorded ({n_events} new events), {n_left} stay"


def drop(settings: Settings, ids: Sequence[str] = ()) -> str:
    """Deletes letters, all of them where none is named; how many, in a sentence.

    Raises:
        UserError: an id names no letter.
    """
    with closing(EventLog(settings.events_url)) as log:
        table = DeadLetters(log.database)
        letters = _named(table, ids)
        table.remove([letter.id for letter in letters])
    return f"{len(letters)} dead letters dropped"


def erase_user(settings: Settings, user_id: str) -> int:
    """Deletes the letters of a user (an id as the log holds it); how many."""
    with closing(EventLog(settings.events_url)) as log:
        return DeadLetters(log.database).erase_user(user_id)


def _named(table: DeadLetters, ids: Sequence[str]) -> list[DeadLetter]:
    letters = table.letters(ids)
    missing = sorted(set(ids) - {letter.id for letter in letters})
    if missing:
        raise UserError(f"--id {missing[0]}: there is no such dead letter; `recops events dead-letters` lists them")
    return letters


def _line(letter: DeadLetter) -> str:
    at = datetime.fromtimestamp(letter.at / 1e6, UTC).isoformat(timespec="seconds")
    body = letter.body[:120].decode(errors="replace").translate(_BREAKS)
    rest = f" … {letter.n_bytes} bytes" if letter.n_bytes > 120 else ""
    return f"{letter.id}  {at}  {letter.position}\n    {letter.reason}\n    {body}{rest}"


_BREAKS = dict.fromkeys((*range(32), 127, 0x85, 0x2028, 0x2029), " ")
