"""Commands on the state of a project: `recops status | doctor`."""

from __future__ import annotations

import typer

from flows.cli.app import app, open_project


@app.command()
def status() -> None:
    """Print what is live, what is stale, and how old the data are.

    Also the gate's last verdict, and which services and servers are there.

    \b
      recops status
    """
    project, settings = open_project()
    from flows.health.checkup import status as findings_of
    from flows.terminal.findings_table import print_findings

    print_findings(findings_of(project, settings))


@app.command()
def doctor() -> None:
    """Check the whole set-up, and say what to do.

    Python and packages, git, DVC, disk, params.yaml, the stores and servers that the settings name, locks that a killed
    command left, and all of `recops status`. Exit code 1 when something is wrong.

    \b
      recops doctor
    """
    project, settings = open_project()
    from flows.health.checkup import checkup
    from flows.terminal.findings_table import print_findings

    findings = print_findings(checkup(project, settings))
    n_wrong, n_notes = (sum(finding.level == level for finding in findings) for level in ("wrong", "note"))
    print(f"{n_wrong or 'nothing'} wrong, {n_notes} to note")
    if n_wrong:
        raise typer.Exit(1)
