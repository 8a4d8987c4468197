"""What the flows show in Prefect, from the reports that the stages leave."""

from __future__ import annotations

import json

import pytest

from flows.orchestration.pages.artifacts import metric_table, publish_train, release_text
from flows.orchestration.pages.headline import headline_text
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


@pytest.fixture
def reports(tmp_path):
    decision = {
        "promote": True,
        "reasons": ["Promoted: better in ndcg@10.", "ndcg@10: 0.13 against 0.04.", "coverage@10: better."],
    }
    (tmp_path / "decision.json").write_text(json.dumps(decision))
    (tmp_path / "report.html").write_text("")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("")
    return tmp_path


def test_the_headline_is_the_verdict_then_the_primary_metric_then_links_then_other_checks_then_what_ran(reports):
    verdict, metric, links, others, stages = headline_text(reports, ["clean", "split"], "http://host:4201/").split(
        "\n\n"
    )
    assert verdict == "# Promoted: better in ndcg@10."
    assert metric == "ndcg@10: 0.13 against 0.04."
    assert links == "[Report](http://host:4201/report.html) · [Data Docs](http://host:4201/docs/index.html)"
    assert others == "- coverage@10: better."
    assert stages == "2 stages ran: clean, split.\n"


def test_without_a_reports_server_the_headline_names_the_files_and_the_setting(reports):
    text = headline_text(reports, [], "")
    assert "Report `data/reports/report.html`, Data Docs `data/reports/docs/index.html`" in text
    assert "RECOPS_REPORTS_URL" in text
    assert "file://" not in text
    assert "No stage ran: everything was up to date." in text


def test_a_run_that_ended_before_the_gate_says_so(tmp_path):
    assert headline_text(tmp_path, ["clean"], "").startswith("# Not judged yet\n\nThis run ended before the stage")
