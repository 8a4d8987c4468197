"""Preflight: every planted mistake is named with its place and its remedy, all at once, without anything heavy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.errors import UserError
from features.settings import Settings
from flows.preflight.goal import check_until
from flows.preflight.preflight import find_mistakes
from flows.project.dataset import Project
from tests.support.command_line import recops_here

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "lightgbm", "sentence_transformers", "feast", "prefect", "great_expectations")

# text of params.yaml → what stands in its place; then the line that is named, and words of the message and the remedy
PLANTED = {
    "a key without its colon": (
        "retrieve:\n  k: 100",
        "retrieve:\n  k 100",
        "n_cutoffs:",
        ["not readable as YAML", "colon"],
    ),
    "a key that stands twice": (
        "  least_volume: 0.8",
        "  stale_days: 7",
        "stale_days: 7",
        ["twice", "stale_days", "remove"],
    ),
    "a tab": (
        "  batch_size: 8",
        "\tbatch_size: 8",
        "\tbatch_size: 8",
        ["not readable as YAML", "spaces, not with tabs"],
    ),
    "a section nobody reads": (
        "reranker:",
        "rerankers:",
        "rerankers:",
        ["section 'rerankers'", "did you mean 'reranker'"],
    ),
    "a profile": ("profile: default", "profile: fast", "profile: fast", ["profile 'fast'", "best, default, quick"]),
    "a choice by profile": (
        "epochs: {quick: 0,",
        "epochs: {quik: 0,",
        "epochs: {quik",
        ["'quik'", "did you mean 'quick'"],
    ),
    "a retriever": ("  popular:\n", "  populer:\n", "  populer:", ["no retriever 'populer'", "did you mean 'popular'"]),
    "a ranker": (
        "name: horizons",
        "name: horizon",
        "name: horizon",
        ["no ranker 'horizon'", "did you mean 'horizons'"],
    ),
    "a reranker": ("name: mmr", "name: mrm", "name: mrm", ["no reranker 'mrm'", "'mmr'", "dpp"]),
    "a param": (
        "    neighbors: 20 ",
        "    neighbours: 20 ",
        "neighbours: 20",
        ["no param 'neighbours'", "did you mean 'neighbors'"],
    ),
    "an old name": ("    unobserved: 25", "    size: 25", "size: 25", ["'size'", "called embedding_size now"]),
    "a word for a number": ("k: 100 ", "k: many ", "k: many", ["retrieve.k is 'many'", "expected a whole number"]),
    "a number beyond its bounds": ("dropout: 0.2", "dropout: 1.5", "dropout: 1.5", ["dropout is 1.5", "less than 1"]),
    "a choice": (
        "scheme: global_time",
        "scheme: global_tme",
        "scheme: global_tme",
        ["global_tme", "did you mean 'global_time'"],
    ),
    "cuts in the wrong order": (
        "test_share: 0.9",
        "test_share: 0.7",
        "split:",
        ["valid_share 0.8 must be below", "correct"],
    ),
    "values that do not fit together": (
        "    max_length: 200",
        "    heads: 3\n    max_length: 200",
        "  sequence:",
        ["64", "3", "correct these values"],
    ),
    "a metric of the gate": (
        "metric: pop_lift@10",
        "metric: popp_lift@10",
        "popp_lift",
        ["no metric 'popp_lift@10'", "did you mean 'pop_lift@10'"],
    ),
    "a segment of the gate": (
        "segment: new_users",
        "segment: new_user",
        "segment: new_user",
        ["no segment 'new_user'", "did you mean 'new_users'"],
    ),
    "a retriever that does not learn": (
        "[popular, item_knn, ease]",
        "[popular, itemknn]",
        "itemknn",
        ["no retriever 'itemknn'", "did you mean 'item_knn'"],
    ),
    "a source": (
        "name: simulator ",
        "name: simulater ",
        "name: simulater",
        ["no source 'simulater'", "did you mean 'simulator'"],
    ),
    "data that are not there": (
        "input: data/initial/simulated.json",
        "input: data/raw",
        "input: data/raw",
        ["data/raw is missing", "recops data import"],
    ),
    "an encoder that is not there": (
        "encoder: null",
        "encoder: ./minilm",
        "encoder: ./minilm",
        ["'./minilm'", "correct the path"],
    ),
}


def make_project(folder: Path, *changes: tuple[str, str]) -> Path:
    """The repository's params and initial data; each change replaces a text that is there just once or first."""
    shutil.copytree(ROOT / "data" / "initial", folder / "data" / "initial")
    shutil.copy(ROOT / "dvc.yaml", folder)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    return folder


def recops(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RECOPS_")}
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_repositorys_params_have_no_mistake(tmp_path: Path) -> None:
    assert find_mistakes(Project(make_project(tmp_path)), Settings()) == []


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_mistake_is_named_with_place_and_remedy(name: str, tmp_path: Path) -> None:
    old, new, line, words = PLANTED[name]
    project = make_project(tmp_path, (old, new))
    (mistake,) = find_mistakes(Project(project), Settings())
    lines = (project / "params.yaml").read_text(encoding="utf-8").splitlines()
    number = next(number for number, text in enumerate(lines, start=1) if line in text)
    assert mistake.where.startswith(f"params.yaml, line {number}, column "), mistake.paragraph
    text = " ".join(mistake.paragraph.split())
    assert [word for word in words if word.lower() not in text.lower()] == [], text


def test_learning_without_a_retriever_that_can_is_a_mistake(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("learn:                 ", "learn: {enabled: true}\nleft:"))
    text = (project / "params.yaml").read_text(encoding="utf-8")
    start, end = text.index("\nretrievers:"), text.index("\nretrieve:")
    gone = text.index("\nleft:"), text.index("\ntune:")
    text = text[:start] + "\nretrievers: {ease: {}}\n" + text[end : gone[0]] + text[gone[1] :]
    text = text.replace("{text: 0.5, cold_items: 0.2}", "{}").replace("[popular, item_knn, ease]", "[ease]")
    (project / "params.yaml").write_text(text, encoding="utf-8")
    (mistake,) = find_mistakes(Project(project), Settings())
    assert "none of the retrievers can learn" in mistake.paragraph
    assert "'graph', 'item_knn', 'markov', 'popular'" in " ".join(mistake.paragraph.split())
    (project / "params.yaml").write_text(text.replace("{ease: {}}", "{ease: {}, popular: {}}"), encoding="utf-8")
    assert find_mistakes(Project(project), Settings()) == []


def test_all_mistakes_are_listed_at_once_before_anything_runs(tmp_path: Path) -> None:
    # left out: what cannot be read at all, and what touches the lines of others or shows only when they are corrected
    alone = {"a key without its colon", "a key that stands twice", "a tab", "a section nobody reads"}
    alone |= {"a retriever that does not learn", "cuts in the wrong order", "values that do not fit together"}
    together = [name for name in PLANTED if name not in alone]
    assert len(together) >= 12
    project = make_project(tmp_path, *(PLANTED[name][:2] for name in together))
    started = time.monotonic()
    done = recops(project, "run")
    print(f"{len(together)} mistakes in {time.monotonic() - started:.2f} s")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    text = " ".join(done.stderr.split()).lower()
    for name in together:
        assert [word for word in PLANTED[name][3] if word.lower() not in text] == [], (name, done.stderr)
    assert f"{len(together)} mistakes to correct; nothing was run" in text
    assert not (project / ".dvc").exists() and not (project / "data" / "tables").exists()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("command", [["run"], ["release"], ["tune"]])
def test_run_release_and_tune_stop_at_a_mistake(command: list[str], tmp_path: Path) -> None:
    done = recops_here(make_project(tmp_path, PLANTED["a retriever"][:2]), *command)
    assert done.returncode == 2
    assert "did you mean 'popular'" in done.stderr.lower() and "Traceback" not in done.stderr


def test_an_import_that_dvc_keeps_can_be_pulled(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("input: data/initial/simulated.json", "input: data/raw"))
    (project / "data" / "raw.dvc").write_text("outs:\n- path: raw\n")
    (mistake,) = find_mistakes(Project(project), Settings())
    assert "dvc pull data/raw.dvc" in mistake.remedy and "recops data import" in mistake.remedy


def test_a_folder_that_is_no_import_is_named(tmp_path: Path) -> None:
    project = make_project(tmp_path, ("input: data/initial/simulated.json", "input: data/raw"))
    (project / "data" / "raw").mkdir()
    (mistake,) = find_mistakes(Project(project), Settings())
    assert "data/raw lacks interactions.parquet and source.json" in mistake.what


def test_the_check_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from features.settings import Settings\n"
        "from flows.preflight.preflight import preflight; from flows.project.dataset import Project\n"
        f"preflight(Project(Path.cwd()), Settings()); print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=make_project(tmp_path),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("spilt", ["no stage 'spilt'", "did you mean 'split'", "train_ranker"]),
        ("train_retriever@alss", ["no stage of 'train_retriever' is called 'alss'", "did you mean 'als'"]),
    ],
)
def test_a_stage_to_stop_at_that_does_not_exist_is_named(until: str, words: list[str], tmp_path: Path) -> None:
    project = Project(make_project(tmp_path))
    for good in ("split", "train_retriever", "train_retriever@als"):
        check_until(project, good)
    with pytest.raises(UserError) as error:
        check_until(project, until)
    assert [word for word in words if word not in str(error.value)] == []


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(8)
)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("now: null", "now: 2026-13-45", "a value cannot be read"),
        ("now: null", "now: 2026-11-01T25:00:00Z", "a value cannot be read"),
        ("  k: 100", "  k: !!int abc", "a value cannot be read"),
        ("category_from_tags: true", "category_from_tags: !!bool hello", "a value cannot be read"),
        ("targets: null", "targets: &a [*a]", "for themselves"),
        ("text: {}", "text: &a {b: *a}", "for themselves"),
        ("profile: default", f"{BOMB}profile: default", "more than 100,000 values"),
    ],
)
def test_what_yaml_cannot_hold_is_a_mistake_and_no_crash(old: str, new: str, word: str, tmp_path: Path) -> None:
    (mistake,) = find_mistakes(Project(make_project(tmp_path, (old, new))), Settings())
    assert word in " ".join(mistake.paragraph.lower().split())


def test_a_source_that_no_file_can_have_is_missing(tmp_path: Path) -> None:
    project = Project(make_project(tmp_path, ("input: data/initial/simulated.json", f"input: {'x' * 5000}")))
    assert any("is missing" in mistake.what for mistake in find_mistakes(project, Settings()))


def test_answers_that_are_not_there_are_named(tmp_path: Path) -> None:
    project = Project(make_project(tmp_path, ("answers: data/initial/answers", "answers: data/answers")))
    (mistake,) = [mistake for mistake in find_mistakes(project, Settings()) if "data/answers" in mistake.what]
    assert mistake.what == "the folder data/answers is missing" and "data/initial/answers" in mistake.remedy


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    project = make_project(tmp_path / "p")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=project, check=True)
    done = recops(project, "run", "--until", "ingest", RECOPS_HOME=str(tmp_path / "home"))
    assert done.returncode == 2, done.stderr
    assert "set RECOPS_HOME" in done.stderr
    assert "Traceback" not in done.stderr
