"""The console: what it is served with, and (with a browser) what a person sees of data that are old."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from features.online.pictures import write_pictures
from models.release.store import ReleaseStore
from tests.support.served import serving
from tests.support.small_release import release

CONSOLE = Path(__file__).parents[2] / "services" / "console"
PICTURE = "https://shop.example/a.jpg"


def test_every_file_that_the_console_names_is_served(shared):
    page = shared.get("/").text
    scripts = (CONSOLE / "console.js").read_text()
    files = {*re.findall(r'"console/([^"]+)"', page), *re.findall(r'from "\./([^"]+)"', scripts)}
    assert files == {"console.css", "console.js", "format.js"}
    for file in files:
        assert shared.get(f"/console/{file}").status_code == 200
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'\$\("([^"]+)"\)', scripts)) <= ids


def test_pictures_of_elsewhere_are_allowed_only_where_an_item_has_one(made, settings, start):
    release(made, settings, "r1", live=False)
    client = start(RECOPS_RELEASE="r1")
    assert "https:" not in client.get("/").headers["content-security-policy"]
    folder = ReleaseStore(settings.home).folder("r1")
    item_id = client.runtime.serving().recommender.catalogue.vocabulary.item_ids[5]
    write_pictures(pl.DataFrame({"item_id": [item_id], "image_url": [PICTURE]}), folder)
    client = start(RECOPS_RELEASE="r1")
    policy = client.get("/").headers["content-security-policy"]
    assert re.search(r"img-src 'self' data: https:;", policy)
    assert policy.count("https:") == 1
    everything = {"user_id": "u", "k": 500, "details": True}
    pictures = {item["item_id"]: item["picture"] for item in client.post("/recommend", json=everything).json()["items"]}
    assert {item_id: picture for item_id, picture in pictures.items() if picture} == {item_id: PICTURE}


def test_the_age_is_that_of_the_newest_event_that_is_known(client, made):
    before = client.get("/status").json()
    assert before["newest_event"] == before["data_until"]
    assert before["newest_event_age_days"] == before["data_age_days"] > 1
    assert before["release_age_days"] > 0
    client.post("/events", json={"events": [{"user_id": "u", "item_id": "b001", "event": "click"}]})
    after = client.get("/status").json()
    assert after["data_age_days"] >= before["data_age_days"] > 1
    assert after["newest_event_age_days"] < 0.01


@pytest.mark.soak
def test_a_person_sees_that_the_data_are_old_and_what_an_item_costs(made, settings):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium to look with")
    release(made, settings, "r1")
    with serving(settings.home) as (address, _):
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000", "--dump-dom"]
        page = subprocess.run([*command, f"{address}/"], capture_output=True, text=True, timeout=120).stdout
        filters = "category=romance&category=no+such&price_max=9"
        filtered = subprocess.run(
            [*command, f"{address}/?user=u&{filters}"], capture_output=True, text=True, timeout=120
        )
        routes = subprocess.run([*command, f"{address}/docs"], capture_output=True, text=True, timeout=120).stdout
    assert re.search(r'id="live"[^>]*class="live old"|class="live old"[^>]*id="live"', page)
    assert re.search(r"newest event \d+ (days|months|years) ago", page)
    assert re.search(r'class="about">[^<]+ · \d+[.,]\d\d<', page)
    assert page.count('class="rank"') == 10
    prices = [float(price) for price in re.findall(r'class="about">romance · (\d+\.\d\d)<', filtered.stdout)]
    assert prices
    assert max(prices) <= 9
    assert len(prices) == filtered.stdout.count('class="about"')
    assert "'no such' is no category of release r1" in filtered.stdout
    assert 'aria-label="Remove romance"' in filtered.stdout
    assert "/admin/rollback" in routes
    assert "recommend" in routes
