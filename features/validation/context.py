"""The Great Expectations context of the data: a folder that `gx.get_context` opens, the same for the same data.

It holds the rows that were asked (`frames/`), the suites, a validation definition and a checkpoint for each suite, and
the checkpoint `data` for all of them. What a person runs there writes its results below `uncommitted/`, which is no
part of the stage's output.
"""

from __future__ import annotations

import logging
import re
import shutil
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.errors import UserError
from features.validation.rules import Rule, columns_of

N_EXAMPLES = 3
ALL = "data"
_RESULT_FORMAT = {
    "result_format": "SUMMARY",
    "partial_unexpected_count": N_EXAMPLES,  # rows by their number: named columns cost 30 s a million
}
_id = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def open_new_context(folder: Path) -> Any:
    """An empty file context in `folder`, which is replaced."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # sets its own
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "frames").mkdir(parents=True)
    context = gx.get_context(mode="file", context_root_dir=folder)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.enable_analytics(False)
    # as the caller writes it: relative to the project, so that a clone elsewhere opens it too
    context.data_sources.add_pandas_filesystem("tables", base_directory=folder / "frames")
    return context


def run_suite(context: Any, folder: Path, name: str, frame: pl.DataFrame, rules: list[Rule], now: datetime) -> Any:
    """Adds a suite with its rows and validation definition to the context, and runs it.

    Raises:
        UserError: the arguments of a rule are not those of its expectation.

    Returns the ExpectationSuiteValidationResult, whose results have the rule's name in `expectation_config.meta`. The
    run's time is that of the data, never the clock.
    """
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

    columns = {column for rule in rules for column in columns_of(rule.arguments)}
    frame.select(column for column in frame.columns if column in columns).write_parquet(
        folder / "frames" / f"{name}.parquet"
    )
    suite = context.suites.add(gx.ExpectationSuite(name, expectations=[_expectation(rule) for rule in rules]))
    asset = context.data_sources.get("tables").add_parquet_asset(name)
    batch = asset.add_batch_definition_path("all rows", path=f"{name}.parquet")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    return definition.run(result_format=dict(_RESULT_FORMAT), run_id=RunIdentifier(run_name="data", run_time=now))


def _expectation(rule: Rule) -> Any:
    from great_expectations import expectations
    from great_expectations.compatibility.pydantic import ValidationError

    kind = getattr(expectations, rule.expectation)
    try:
        return kind(**rule.arguments, description=rule.says, meta={"rule": rule.name}, severity=rule.severity)
    except (ValidationError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"rule {rule.title}: {rule.expectation} does not take these arguments: {reason}") from None


def add_checkpoints(context: Any) -> None:
    """A checkpoint for each suite by its name, and `data` for all of them; each rebuilds the context's Data Docs."""
    import great_expectations as gx
    from great_expectations.checkpoint import UpdateDataDocsAction

    definitions = sorted(context.validation_definitions.all(), key=lambda definition: str(definition.name))
    for name, chosen in [*((definition.name, [definition]) for definition in definitions), (ALL, definitions)]:
        context.checkpoints.add(
            gx.Checkpoint(
                name=name,
                validation_definitions=chosen,
                actions=[UpdateDataDocsAction(name="data docs", site_names=["local_site"])],
                result_format=dict(_RESULT_FORMAT),
            )
        )


def seal_context(folder: Path) -> None:
    """Leaves what is a function of the data: no results, no files of ours to git, ids by order."""
    for name in ("uncommitted", "plugins"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / ".gitignore").unlink(missing_ok=True)
    ids: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".json", ".yml"} or path.name == ".ge_store_backend_id":
            text = path.read_text(encoding="utf-8")
            path.write_text(
                _id.sub(lambda match: ids.setdefault(match[0], str(uuid.UUID(int=len(ids) + 1))), text),
                encoding="utf-8",
            )
