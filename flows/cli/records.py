"""Commands on what services keep: `recops replay | forget`."""

from __future__ import annotations

from typing import Annotated

import typer

from features.errors import UserError
from flows.cli.app import app, open_project


@app.command()
def replay(
    request_id: Annotated[str | None, typer.Argument(help="The request_id of an answer.", show_default="none")] = None,
    item: Annotated[str | None, typer.Option("--item", help="Say why this item is not in the list.")] = None,
    newest: Annotated[
        int | None, typer.Option("--newest", min=1, help="Replay so many of the newest records; print how many agree.")
    ] = None,
) -> None:
    """Replay a recorded answer, and say what led to it.

    The recorded features must give the list again, to the bit; the retrievers are asked again with the history as of
    the recorded position of the event log. Exit code 1 when a list differs.

    \b
      recops replay 019ab0c4d5e67f8091a2b3c4d5e6f708
      recops replay 019ab0c4d5e67f8091a2b3c4d5e6f708 --item p-88
      recops replay --newest 1000
    """
    _, settings = open_project()
    if (request_id is None) == (newest is None):
        raise UserError("replay: name one request, or how many of the newest (--newest N), not both and not neither")
    from features.events.event_log import EventLog
    from flows.recorded.answer_replay import as_known, find_record, newest_records, release_of, same_lists
    from flows.recorded.replay_text import replay_lines, why_not_lines
    from models.flight.replay import replayed
    from models.recommender import LONG

    if newest is not None:
        records = newest_records(settings, newest)
        n_same, others = same_lists(settings, records)
        print(f"{n_same} of {n_same + len(others)} recorded answers give the same list, to the bit")
        for other in others[:20]:
            print(f"differs: {other}")
        if others:
            raise typer.Exit(1)
        return
    record = find_record(settings, str(request_id))
    log = EventLog(settings.events_url)
    try:
        with release_of(settings, record.release) as release:
            known = as_known(record, release, log)
            for line in why_not_lines(known, item) if item is not None else replay_lines(known):
                print(line)
            if record.k <= LONG and not replayed(record, release.recommender).same:
                raise typer.Exit(1)
    finally:
        log.close()


@app.command()
def forget(user: Annotated[str, typer.Argument(help="The user's id.")]) -> None:
    """Erase a user from all that services keep.

    The event log (their events become those of strangers), records of answers, sessions in memory, online rows,
    impressions, dead letters and lists of users; a line for each. Data that models are trained on are not touched:
    remove the user's rows from your source, then `recops run` and `recops release`.

    \b
      recops forget u-17
    """
    project, settings = open_project()
    from flows.forgetting.forget import forget as erase
    from flows.recommend import stored_users

    stored = list(stored_users([user], project, settings))
    for line in erase(settings, [*stored, user]):
        print(line)
    from flows.asking.answer_shards import erase as erase_shared
    from flows.project.running.run_lock import hold

    with hold(project.root, wait_s=60):
        n_rows = erase_shared(project, [*stored, user])
    print(f"data/answers (the same, shared): {n_rows or 'nothing'} erased")
