"""The code that each DVC stage imports (its closure), against the `deps` of dvc.yaml.

    python infra/stage_deps.py            says what is missing or too much, exit 1 if anything is
    python infra/stage_deps.py --write    puts the lists of code right, everything else in dvc.yaml as it was

A stage lists its code: one that goes stale in silence is the worst fault of such pipelines. Name tables (`__init__.py`)
are left out on purpose, or a new retriever would refit all of them. A part that is loaded by name counts as imported
by whoever loads it: a family of stages lists its own file (`models/retrievers/${key}.py`), others the whole folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ruamel.yaml import YAML

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1])
)  # run as a script: the code beside it, not an installed one
from flows.project.code_closure import OURS, closure, module_files

# module that loads parts by name → folders of parts that come with it
LOADED_BY_NAME = {
    "models/registry.py": ("models/retrievers", "models/rankers", "models/rerankers"),
    "models/language/writing/enriching.py": ("models/language/tasks",),
    "flows/stages/embed.py": ("models/language/encoders",),
}
# file that reads its neighbors by name → the folder that comes with it
WITH_FOLDER = {
    "features/repo/store.py": "features/repo",
    "models/language/writing/prompt.py": "models/language/prompts",
}
# what a stage certainly does not load by name although it imports the loader
NARROWED = {
    "train_retriever": {
        "models/retrievers": "models/retrievers/${key}.py",
        "models/rankers": None,
        "models/rerankers": None,
    },
    "retrieve": {"models/rankers": None, "models/rerankers": None},
    "train_ranker": {"models/retrievers": None, "models/rerankers": None},
}


def expected_code(root: Path, stage: str, command: str) -> list[str]:
    """The code deps of one stage (or family), sorted."""
    module = command.split()[2]
    files = closure(root, module_files(root, module)[0])
    narrowed = NARROWED.get(module.rsplit(".", 1)[-1], {})
    folders: set[str] = set()
    for loader, parts in LOADED_BY_NAME.items():
        if loader in files:
            for folder in parts:
                target = narrowed.get(folder, folder)
                if target:
                    folders.add(target)
                    for part in sorted((root / folder).glob("*.py")):
                        files |= closure(root, part.relative_to(root).as_posix())
    folders |= {folder for file, folder in WITH_FOLDER.items() if file in files}
    covered = {folder for folder in folders if not folder.endswith(".py")}
    own = {f for f in files if not any(f.startswith(f"{folder}/") for folder in covered)}
    own = {f for f in own if not (f.startswith("models/retrievers/") and "models/retrievers/${key}.py" in folders)}
    own = {f for f in own if not f.endswith("__init__.py")}
    return sorted(with_whole_folders(root, own) | folders)


def with_whole_folders(root: Path, files: set[str]) -> set[str]:
    """The files, with a folder in place of its files where all that lie below it (but door signs) are among them."""
    kept = set(files)
    for file in files:
        for folder in list(Path(file).parents)[-3::-1]:  # from the room below the package downward
            below = {path.relative_to(root).as_posix() for path in (root / folder).rglob("*.py")}
            below = {path for path in below if not path.endswith("__init__.py")}
            if len(below) > 1 and below <= files:
                kept = {path for path in kept if not path.startswith(f"{folder.as_posix()}/")} | {folder.as_posix()}
                break
    return kept


def is_code(dep: str) -> bool:
    return dep.split("/")[0] in OURS


def stages(root: Path) -> dict[str, dict[str, object]]:
    """Name → body of each stage as dvc.yaml has it (a family by its `do`)."""
    loaded = YAML().load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: body.get("do", body) for name, body in loaded.items()}


def differences(root: Path) -> list[str]:
    """A sentence for each stage whose deps and imports differ."""
    told = []
    for name, body in stages(root).items():
        listed = {dep for dep in body["deps"] if is_code(dep)}  # type: ignore[attr-defined]
        wanted = set(expected_code(root, name, str(body["cmd"])))
        if missing := sorted(wanted - listed):
            told.append(
                f"dvc.yaml: stage '{name}' imports {missing} but does not list them in deps: "
                "a change there would not rerun it"
            )
        if surplus := sorted(listed - wanted):
            told.append(f"dvc.yaml: stage '{name}' lists {surplus} in deps but does not import them")
    return told


def write(root: Path) -> None:
    """Puts the code deps right, in place."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    path = root / "dvc.yaml"
    loaded = yaml.load(path.read_text(encoding="utf-8"))
    for name, body in loaded["stages"].items():
        stage = body.get("do", body)
        data = [dep for dep in stage["deps"] if not is_code(str(dep))]
        code = expected_code(root, name, str(stage["cmd"]))
        while len(stage["deps"]):
            stage["deps"].pop()
        stage["deps"].extend([*data, *code])
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(loaded, file)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    if "--write" in sys.argv:
        write(here)
    found = differences(here)
    print("\n".join(found) or "every stage lists the code that it imports")
    sys.exit(1 if found else 0)
