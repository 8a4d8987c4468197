"""What the flows show in Prefect, from the reports that the stages leave."""

from __future__ import annotations

from flows.orchestration.artifacts import metric_table, publish_train, release_text
from models.release.store import Release

METRICS = {
    "models": {
        "challenger": {"ndcg@10": 0.123456, "coverage@10": 0.5},
        "ease": {"ndcg@10": 0.11},
        "champion": {"ndcg@10": 0.1},
    },
    "challenger_against": {"champion": {"ndcg@10": {"difference": 0.023456, "low": 0.01, "high": 0.0365}}},
}


def test_the_table_has_challenger_and_champion_first_and_the_interval_of_their_difference():
    first, second = metric_table(METRICS)
    assert list(first) == ["metric", "challenger", "champion", "ease", "challenger - champion"]
    assert first == {
        "metric": "ndcg@10",
        "challenger": 0.1235,
        "champion": 0.1,
        "ease": 0.11,
        "challenger - champion": "+0.0235 [+0.0100, +0.0365]",
    }
    assert (second["champion"], second["challenger - champion"]) == (None, None)


def test_outside_a_flow_run_nothing_is_published_and_nothing_fails(tmp_path):
    assert publish_train(tmp_path, [{"stage": "ingest", "wrote": ""}], {"bundle": "b"}) == []


def test_a_release_in_markdown_says_what_it_was_made_from():
    source = {"who": "a", "git": {"commit": "c0ffee", "dirty": True, "differs": ["M a.py", "?? b.py"], "folder": ""}}
    release = Release(
        release="id",
        bundle_hash="hash",
        created_at="2026-01-01T00:00:00+00:00",
        data_until=0,
        events_through=0,
        namespace="n",
        bento_tag="recops:x",
        metrics={"ndcg@10": 0.5},
        source=source,
    )
    text = release_text(release, "promoted by the gate")
    assert "# id" in text
    assert "| bundle | hash |" in text
    assert "| ndcg@10 | 0.5000 |" in text
    assert "| who | a |" in text
    assert "| git | commit c0ffee, dirty True, differs M a.py, ?? b.py |" in text
