"""Vectors by a server in a project: counted, asked once, read by stage embed; without an answer nothing changes."""

from __future__ import annotations

from models.data.storage import read_arrays
from tests.support.language_server import Play, scripted
from tests.support.workspace import edit_params, make_workspace, recops, run


def test_a_project_asks_for_vectors_once_and_embed_reads_them(tmp_path):
    folder = make_workspace(tmp_path / "project")
    edit_params(folder, {"embed.encoders": ["words", "server"], "embed.server": {"model": "e5"}})
    run("-m", "dvc", "repro", "-q", "clean", cwd=folder)
    assert "vectors: 120 questions" in recops(folder, "ask", "--dry-run").stdout
    with scripted(lambda body, n: Play()) as server:
        said = recops(folder, "ask", "vectors", **server.settings()).stdout
        assert "vectors: 120 answered, 0 refused" in said
        recops(folder, "ask", "vectors", **server.settings())
        assert sum(len(body["input"]) for body in server.bodies) == 120
    run("-m", "dvc", "repro", "-q", "embed", cwd=folder)

    further = read_arrays(folder / "data/vectors/further.safetensors")
    assert further["server"].shape == (120, 8) and further["server"].any(axis=1).all()
    assert read_arrays(folder / "data/vectors/vectors.safetensors")["text"].shape == (120, 0)  # `sentence` is off
    assert not any(b"sk-secret" in path.read_bytes() for path in (folder / "data/answers").iterdir())
