"""Keys: loopback only without them, 401 and 403 with them, and pages of other origins stay out."""

from __future__ import annotations

import hashlib

import pytest

from features.errors import UserError
from features.settings import Settings
from services.access.keys import Keys, check_host, is_loopback
from services.serve import check
from tests.support.small_release import release


@pytest.fixture(scope="module", params=["plain", "bento"])
def door(request) -> str:
    """Everything here holds for BentoML's methods too."""
    return request.param


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


KEYS = ",".join(f"{role}:{digest(f'{role}-key')}" for role in ("reader", "client", "operator", "admin", "shop"))
EVENT = {"events": [{"user_id": "u", "item_id": "b001", "event": "click"}]}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_a_key_or_with_a_wrong_one_the_answer_is_401(made, settings, start):
    release(made, settings, "r1")
    client = start(RECOPS_API_KEYS=KEYS)
    for headers in ({}, bearer("guess"), {"X-API-Key": "guess"}, {"Authorization": "Basic reader-key"}, bearer("")):
        answer = client.post("/recommend", json={"user_id": "u"}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert client.post("/nothing").status_code == 401
    assert client.get("/").status_code == 200  # the page itself asks for the key
    assert client.get("/console/console.js").status_code == 200


def test_each_role_may_what_those_before_it_may(made, settings, start):
    release(made, settings, "r1")
    client = start(RECOPS_API_KEYS=KEYS)

    def statuses(key: str) -> list[int]:
        headers = bearer(key)
        return [
            client.get("/status", headers=headers).status_code,
            client.post("/recommend", json={"user_id": "u"}, headers=headers).status_code,
            client.post("/events", json=EVENT, headers=headers).status_code,
            client.post("/items", json={"items": []}, headers=headers).status_code,
            client.delete("/items/no-such", headers=headers).status_code,
            client.post("/admin/rollback", json={"from": "r1"}, headers=headers).status_code,
            client.delete("/users/u", headers=headers).status_code,
        ]

    assert statuses("reader-key") == [200, 200, 403, 403, 403, 403, 403]
    assert statuses("client-key") == [200, 200, 200, 403, 403, 403, 403]
    assert statuses("shop-key") == [200, 200, 200, 403, 403, 403, 403]  # any other word is a client of that name
    assert statuses("operator-key") == [200, 200, 200, 200, 404, 403, 403]
    assert statuses("admin-key") == [200, 200, 200, 200, 404, 409, 404]  # nothing to roll back to; a route not made yet
    assert client.get("/status", headers={"X-API-Key": "reader-key"}).status_code == 200


def test_without_keys_requests_of_other_hosts_and_origins_are_refused(client):
    body = {"user_id": "u"}
    for headers in (
        {"Host": "attacker.example"},
        {"Host": "192.168.1.7:3000"},
        {"Origin": "https://attacker.example"},
        {"Origin": "http://127.0.0.1:9999"},
    ):
        answer = client.post("/recommend", json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), headers
    for headers in ({"Origin": "http://127.0.0.1:3000"}, {"Host": "localhost:3000"}, {"Host": "[::1]:3000"}):
        assert client.post("/recommend", json=body, headers=headers).status_code == 200, headers


OWN = "http://127.0.0.1:3000"
OTHER_ORIGINS = [
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://["},
    {"Origin": "http://127.0.0.1:3000@attacker.example"},
    {"Origin": "http://127.0.0.1:3000.attacker.example"},
    {"Origin": "http://127.0.0.1"},  # another port is another origin
    {"Origin": "127.0.0.1:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another port of this machine
    {"Sec-Fetch-Site": "SAME-ORIGIN"},
    {"Sec-Fetch-Site": ""},
    {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("headers", OTHER_ORIGINS, ids=str)
def test_a_page_of_another_origin_is_refused_on_every_route(shared, headers):
    for method, path in (("POST", "/events"), ("POST", "/admin/rollback"), ("GET", "/status"), ("GET", "/")):
        answer = shared.request(method, path, headers={"X-Recops-Admin": "1", **headers})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), (path, answer.text)
        assert answer.json()["error"]["field"] in headers


def test_two_origins_are_refused_when_one_of_them_is_another(shared):
    both = [("Origin", OWN), ("Origin", "https://attacker.example")]
    assert shared.get("/status", headers=both).status_code == 403
    assert shared.get("/status", headers=both[::-1]).status_code == 403


def test_a_page_of_the_service_itself_and_a_typed_address_are_served(shared):
    body = {"user_id": "u"}
    for headers in (
        {"Origin": OWN},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
    ):
        assert shared.post("/recommend", json=body, headers=headers).status_code == 200, headers
    assert shared.get("/", headers={"Sec-Fetch-Site": "none"}).status_code == 200
    assert shared.post("/recommend", json=body, headers={"Sec-Fetch-Site": "none"}).status_code == 403
    secure = {"Host": "localhost", "Origin": "https://localhost:443"}  # the default port may be named
    assert shared.get("/status", headers=secure).status_code == 200


@pytest.mark.parametrize(
    "host", ["[", "[::1", "a b", "127.0.0.1:99999", "127.0.0.1:port", "user@localhost", "localhost/", "é", ""]
)
def test_a_malformed_host_is_400(shared, host):
    answer = shared.get("/status", headers={"Host": host.encode()})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "Host")


FORMS = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/x-json",
    "*",
)


@pytest.mark.parametrize("path", ["/recommend", "/similar", "/events", "/admin/rollback"])
def test_a_body_of_another_type_than_json_is_415(shared, path):
    for kind in (*FORMS, None):
        headers = {"X-Recops-Admin": "1", **({"Content-Type": kind} if kind else {})}
        answer = shared.post(path, content=b"{}", headers=headers)
        assert answer.status_code == 415, kind
        assert answer.json()["error"]["code"] == "unsupported_media_type"
        assert answer.json()["error"]["field"] == "Content-Type"
        chunks = shared.post(path, content=iter([b"{}"]), headers=headers)
        assert chunks.status_code == 415, kind
    empty = shared.post(path, headers={"X-Recops-Admin": "1", "Content-Type": "text/plain"})
    assert empty.status_code == 415  # an empty form
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        answer = shared.post(path, content=b"[]", headers={"X-Recops-Admin": "1", "Content-Type": kind})
        assert answer.status_code == 400, answer.text


def test_without_keys_an_admin_route_needs_a_header_that_no_form_can_send(made, settings, start):
    release(made, settings, "r1")
    release(made, settings, "r2")
    client = start()
    for headers in ({}, {"X-Recops-Admin": "0"}, {"X-Recops-Admin": ""}, {"X-Other": "1"}):
        for method, path in (("POST", "/admin/rollback"), ("DELETE", "/users/u")):
            answer = client.request(method, path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["field"]) == (403, "X-Recops-Admin"), (path, headers)
    assert client.runtime.live.store.live() == "r2"
    assert client.post("/admin/rollback", headers={"X-Recops-Admin": "1"}).status_code != 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org", ""])
def test_any_host_but_loopback_needs_keys(settings, host):
    with pytest.raises(UserError, match="RECOPS_API_KEYS is empty"):
        check_host(settings, host)
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8", "[::1]"])
def test_loopback_needs_none(settings, host):
    check_host(settings, host)


@pytest.mark.parametrize(
    "keys", ["secret", "admin:abc", f"Root!:{'a' * 64}", f"admin:{'g' * 64}", f"reader:{'a' * 64},x"]
)
def test_malformed_keys_are_a_readable_mistake_that_shows_no_key(monkeypatch, keys):
    monkeypatch.setenv("RECOPS_API_KEYS", keys)
    with pytest.raises(UserError, match=r"pair \d is not role:sha256") as found:
        Keys.of(Settings())
    assert keys.split(",")[0] not in str(found.value)


def test_serving_is_refused_with_a_remedy_before_anything_starts(made, settings, monkeypatch):
    with pytest.raises(UserError, match="nothing is live; make a release with `recops run && recops release`"):
        check(settings, "127.0.0.1", 0)
    release(made, settings, "r1")
    assert check(settings, "127.0.0.1", 0, working_tree=True).release == "r1"
    with pytest.raises(UserError, match="RECOPS_API_KEYS is empty"):
        check(settings, "0.0.0.0", 0)
    monkeypatch.setenv("RECOPS_API_KEYS", KEYS)
    assert check(Settings(), "0.0.0.0", 0, working_tree=True).release == "r1"
