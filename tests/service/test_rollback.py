"""Rollback over HTTP: once whoever asks how often, and refused with the reason where it is not possible."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from features.online.namespace import OnlineNamespace
from models.release.store import ReleaseStore
from tests.support.small_release import release


def roll_back(client, body):
    return client.post("/admin/rollback", json=body, headers={"X-Recops-Admin": "1"})


@pytest.fixture
def two(made, settings, start):
    """A client of a service on r2, with r1 before it."""
    release(made, settings, "r1")
    release(made, settings, "r2")
    return start()


def spans(settings) -> list[str]:
    return [span.release for span in ReleaseStore(settings.home).history()]


def live(client) -> str:
    return client.post("/recommend", json={"user_id": "u"}).json()["release"]


@pytest.mark.parametrize("body", [None, {}, {"why": "it was worse"}])
def test_one_of_from_and_to_is_obligatory(two, settings, body):
    answer = roll_back(two, body or {})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "from")
    assert spans(settings) == ["r1", "r2"]


@pytest.mark.parametrize("body", [{"from": "r2"}, {"to": "r1"}, {"from": "r2", "to": "r1"}])
def test_it_brings_back_a_release_and_does_nothing_more_when_it_is_sent_again(two, settings, body):
    assert roll_back(two, {**body, "why": "it was worse"}).json() == {"release": "r1", "changed": True}
    assert live(two) == "r1"
    assert ReleaseStore(settings.home).history()[-1].why == "it was worse"
    for _ in range(2):
        again = roll_back(two, body)
        assert (again.status_code, again.json()) == (200, {"release": "r1", "changed": False})
    assert spans(settings) == ["r1", "r2", "r1"]


def test_six_at_once_change_it_once(two, settings):
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: roll_back(two, {"from": "r2"}), range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert sorted(answer.json()["changed"] for answer in answers) == [False] * 5 + [True]
    assert spans(settings) == ["r1", "r2", "r1"]


@pytest.mark.parametrize(
    ("body", "field"), [({"from": "typo"}, "from"), ({"to": "typo"}, "to"), ({"from": "r2", "to": "../r1"}, "to")]
)
def test_a_release_that_never_was_is_404(two, settings, body, field):
    answer = roll_back(two, body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (404, field)
    assert spans(settings) == ["r1", "r2"]


@pytest.mark.parametrize("blank", ["", "  ", "null"])
def test_a_blank_names_no_release(two, settings, blank):
    answer = roll_back(two, {"from": blank})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "from")
    assert spans(settings) == ["r1", "r2"]


def test_with_nothing_before_it_says_so(client):
    answer = roll_back(client, {"from": "r1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "release_not_possible")
    assert "no release before r1" in answer.json()["error"]["message"]


def lose_rows(settings, store):
    for path in (settings.home / "online").glob("r1_ns.db*"):
        path.unlink()


HARMS = {
    "namespace": (lambda settings, store: OnlineNamespace(settings, "r1_ns").drop(), "namespace"),
    "rows of the namespace": (lose_rows, "cannot be served"),
    "bundle": (lambda settings, store: (store.folder("r1") / "bundle").unlink(), "bundle"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_cannot_be_served_is_409_with_the_reason(two, settings, harm):
    work, reason = HARMS[harm]
    work(settings, ReleaseStore(settings.home))
    answer = roll_back(two, {"from": "r2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "release_not_possible"), answer.text
    assert reason in answer.json()["error"]["message"]
    assert spans(settings) == ["r1", "r2"]
    assert live(two) == "r2"
