"""`recops events dead-letters`: listed, retried when mended, dropped."""

from __future__ import annotations

from contextlib import closing

import pytest

from features.errors import UserError
from features.events.event_log import EventLog
from features.settings import Settings
from features.streams.dead_letters import MOST_BYTES, DeadLetters
from features.streams.event_source import StreamMessage
from features.streams.intake import Taken, take
from flows.project.dataset import Project
from flows.streams import letters
from tests.support.streams import bodies, event, project_folder

AT = 1_700_000_000_000_000


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(project_folder(tmp_path / "project"))


@pytest.fixture
def settings(project) -> Settings:
    return Settings(home=project.root / ".recops")


def refuse(settings, *messages: bytes, latest: int = AT) -> list[str]:
    """Dead letters of messages at positions s/0, s/1, …; their ids."""
    with closing(EventLog(settings.events_url)) as log:
        table, taken = DeadLetters(log.database), Taken()
        for index, body in enumerate(messages):
            take(StreamMessage(f"s/{index}", body), latest, None, taken)
        table.add("redis:h/s", taken.refusals, AT)
        return [letter.id for letter in sorted(table.letters(), key=lambda letter: letter.position)]


def recorded(settings) -> list[tuple[str, str]]:
    with closing(EventLog(settings.events_url)) as log:
        return [(one.event_id, one.item_id) for one in log.read()]


def test_a_letter_is_listed_with_position_reason_and_content(settings):
    (letter_id,) = refuse(settings, b"no\njson")
    assert letters.listed(settings) == [
        f"{letter_id}  2023-11-14T22:13:20+00:00  s/0\n"
        "    the message is not JSON: JSON is malformed: invalid character (byte 4)\n    no json",
        "1 dead letters",
    ]
    assert letters.drop(settings, [letter_id]) == "1 dead letters dropped"
    assert letters.listed(settings) == ["no dead letters"]


def test_what_passes_today_is_recorded_under_the_id_that_it_would_have_had(project, settings):
    refuse(settings, *bodies([event(timestamp=1_700_000_500), event(item=" ")]))  # 500 s ahead of the clock, then
    told = "1 of 2 dead letters recorded (1 new events), 1 stay"
    assert letters.retry(project, settings) == told
    assert recorded(settings) == [("s/0", "i1")]
    assert letters.retry(project, settings) == "0 of 1 dead letters recorded (0 new events), 1 stay"


def test_a_mended_message_takes_the_place_of_the_kept_one(project, settings):
    first, second = refuse(settings, *bodies([event(item=" "), event(item=" ")]))
    with pytest.raises(UserError, match="--body: names the content of one letter"):
        letters.retry(project, settings, [], b"{}")
    (mended,) = bodies([event(item="i9")])
    assert letters.retry(project, settings, [first], mended) == "1 of 1 dead letters recorded (1 new events), 0 stay"
    assert recorded(settings) == [("s/0", "i9")]
    assert second in letters.listed(settings)[0]


def test_one_that_was_too_long_to_be_kept_whole_stays(project, settings):
    refuse(settings, *bodies([event(color="x" * MOST_BYTES)]))
    assert letters.retry(project, settings) == "0 of 1 dead letters recorded (0 new events), 1 stay"


def test_an_id_that_names_no_letter_is_refused(project, settings):
    with pytest.raises(UserError, match="--id nothing: there is no such dead letter"):
        letters.drop(settings, ["nothing"])


def test_users_are_hashed_as_in_the_data(project):
    from features.privacy.hashed_ids import IdHasher
    from flows.streams.consume import hasher_of

    key = "a key of more than 16 characters"
    raw = project.root / "data" / "raw"
    raw.mkdir(parents=True)
    raw.joinpath("source.json").write_text(f'{{"id_key": "{IdHasher(key).fingerprint}"}}')
    hasher = hasher_of(project, Settings(home=project.root / ".recops", id_key=key))
    assert hasher is not None
    assert hasher("bob@example.com").startswith("hid_")
    with pytest.raises(UserError, match="RECOPS_ID_KEY is not set"):
        hasher_of(project, Settings(home=project.root / ".recops"))
