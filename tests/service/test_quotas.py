"""Quotas: a bucket for each key, shared by all workers, and 429 with the seconds to wait."""

from __future__ import annotations

import hashlib
import json

import pytest

from features.errors import UserError
from services.access.quotas import Quota, Quotas, parse_quotas, quota_of
from tests.support.small_release import release

A, B = (hashlib.sha256(key.encode()).hexdigest() for key in ("key-a", "key-b"))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_then_one_request_each_1_over_rate_seconds():
    clock = Clock()
    quotas = Quotas("client:2/3", {A: "client"}, clock=clock)
    assert [quotas.take(A) for _ in range(3)] == [None, None, None]
    assert quotas.take(A) == 0.5  # two a second: the next token is there in half a second
    clock.now += 0.4
    assert quotas.take(A) == pytest.approx(0.1)
    clock.now += 0.1
    assert quotas.take(A) is None
    clock.now += 60  # the bucket holds three, however long it fills
    assert [quotas.take(A) is None for _ in range(4)] == [True, True, True, False]


def test_keys_of_one_role_do_not_share_a_bucket_and_workers_do(tmp_path):
    clock = Clock()
    roles = {A: "client", B: "client"}
    first, second = (Quotas("client:1/2", roles, tmp_path, clock) for _ in range(2))
    assert [first.take(A), second.take(A)] == [None, None]
    assert [first.take(A), second.take(A)] == [1.0, 1.0]
    assert [first.take(B), second.take(B)] == [None, None]


def test_the_longest_prefix_of_a_keys_hash_goes_before_its_role_and_that_before_everybodys():
    quotas = parse_quotas(f"*:1/1, client:2/2 {A[:8]}:3/3,{A[:10]}:4/4")
    assert quota_of(A, "client", quotas) == Quota(4, 4)
    assert quota_of(B, "client", quotas) == Quota(2, 2)
    assert quota_of(B, "reader", quotas) == Quota(1, 1)
    assert quota_of(B, "reader", {}) is None


@pytest.mark.parametrize("text", ["client", "client:5", "client:0/5", "client:5/0.5", ":5/5", "a:1/1,a:2/2", "a:-1/5"])
def test_what_is_no_quota_is_refused_at_the_start(text):
    with pytest.raises(UserError, match="RECOPS_QUOTAS"):
        Quotas(text, {})


def test_over_http_it_is_429_with_retry_after_and_probes_are_free(made, settings, start):
    release(made, settings, "r1")
    client = start(RECOPS_API_KEYS=f"client:{A},reader:{B}", RECOPS_QUOTAS="client:0.1/3")
    key_a, key_b = {"X-API-Key": "key-a"}, {"X-API-Key": "key-b"}
    answers = [client.get("/status", headers=key_a) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    assert json.loads(refused.text)["error"]["code"] == "quota_exceeded"
    assert 8 <= int(refused.headers["retry-after"]) <= 10  # one token in ten seconds
    assert client.get("/status", headers=key_b).status_code == 200
    assert client.get("/livez", headers=key_a).status_code != 429
    assert 'recops_quota_refusals_total{role="client"} 2.0' in client.get("/metrics").text
