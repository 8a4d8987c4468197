"""The reports over HTTP: pages below data/reports and nothing else."""

from __future__ import annotations

import http.client
import threading

import pytest

from features.errors import UserError
from flows.orchestration.pages.reports_server import make_server


@pytest.fixture
def reports(tmp_path):
    folder = tmp_path / "project" / "data" / "reports"
    (folder / "docs" / "static").mkdir(parents=True)
    (folder / "report.html").write_text("<h1>report</h1>")
    (folder / "docs" / "index.html").write_text("<h1>docs</h1>")
    (folder / "docs" / "static" / "a.css").write_text("b {}")
    (folder / ".hidden").write_text("secret")
    (tmp_path / "project" / "params.yaml").write_text("secret")
    (folder / "leads-out").symlink_to(tmp_path / "project" / "params.yaml")
    cached = tmp_path / "project" / ".dvc" / "cache" / "files" / "ab"
    cached.parent.mkdir(parents=True)
    cached.write_text("from the cache")
    (folder / "cached.html").symlink_to(cached)
    return folder


@pytest.fixture
def ask(reports):
    server = make_server(reports, "127.0.0.1", 0, "http://reports.example:4201")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def answer(path, method="GET", host=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request(method, path, headers={"Host": host or f"127.0.0.1:{server.server_port}"})
        reply = connection.getresponse()
        return reply.status, reply.read().decode(), dict(reply.getheaders())

    yield answer
    server.shutdown()
    server.server_close()


def test_pages_are_shown_also_where_dvc_links_to_its_cache(ask):
    assert ask("/report.html")[:2] == (200, "<h1>report</h1>")
    assert ask("/docs/")[:2] == (200, "<h1>docs</h1>")
    assert ask("/docs/static/a.css")[2]["Content-type"] == "text/css"
    assert ask("/cached.html")[:2] == (200, "from the cache")


def test_the_front_door_leads_to_the_report(ask):
    status, _, headers = ask("/")
    assert (status, headers["Location"]) == (302, "/report.html")


@pytest.mark.parametrize(
    "path",
    [
        "/../params.yaml",
        "/%2e%2e/params.yaml",
        "/..%2f..%2fparams.yaml",
        "/docs/../../../params.yaml",
        "//etc/passwd",
        "/.hidden",
        "/leads-out",
        "/docs/static/",
        "/nothing.html",
        "/%00",
    ],
)
def test_nothing_else_is(ask, path):
    status, body, _ = ask(path)
    assert status == 404
    assert "secret" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(ask, method):
    assert ask("/report.html", method)[0] == 501


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("[::1]:1", 200), ("reports.example", 200)])
def test_it_answers_under_its_own_names(ask, host, status):
    assert ask("/report.html", host=host)[0] == status


def test_a_page_of_another_name_that_resolves_here_gets_nothing(ask):
    assert ask("/report.html", host="attacker.example")[:1] == (421,)


def test_a_port_that_is_taken_is_said_in_a_sentence(reports):
    with (
        make_server(reports, "127.0.0.1", 0) as first,
        pytest.raises(UserError, match="cannot listen there .*--port"),
    ):
        make_server(reports, "127.0.0.1", first.server_port)
