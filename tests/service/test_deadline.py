"""Past its deadline an answer is a cheaper one, named as such: never empty, never an error."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.service.conftest import ADDRESS
from tests.support.late_requests import Delayed


@pytest.mark.parametrize("k", [1, 20])
def test_with_no_time_left_the_list_is_as_long_and_says_so(shared, k):
    user_id = shared.get("/users", params={"limit": 1}).json()["users"][0]
    in_time = shared.post("/recommend", json={"user_id": user_id, "k": k}, headers={"X-Recops-Deadline-Ms": "60000"})
    assert in_time.json()["fallback"] is None
    late = TestClient(Delayed(shared.app), base_url=ADDRESS).post("/recommend", json={"user_id": user_id, "k": k})
    assert late.status_code == 200
    assert late.json()["fallback"] == "deadline"
    assert len({item["item_id"] for item in late.json()["items"]}) == k
    metrics = shared.get("/metrics").text
    assert 'recops_fallbacks_total{fallback="deadline"}' in metrics
    assert "recops_deadline_left_out_total" in metrics
    assert 'recops_stage_seconds_count{stage="retrieve"}' in metrics
