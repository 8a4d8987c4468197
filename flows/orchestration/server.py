"""Which Prefect server a flow reports to: the one that is named or runs here, else one inside the process."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from features.errors import UserError
from features.settings import Settings
from flows.orchestration.loopback import answers, bypass_proxies

LOCAL = "http://127.0.0.1:4200/api"
OUR_LOGGERS = ("flows", "models", "features")


def choose_server(settings: Settings) -> str | None:
    """Sets Prefect's environment before its first import; the address of the server, None for one in the process.

    With no server the runs are kept in PREFECT_HOME (RECOPS_HOME/prefect by default); a server that is started with
    that home later shows them.

    Raises:
        UserError: PREFECT_HOME cannot be written.
    """
    bypass_proxies()
    os.environ.setdefault("PREFECT_HOME", str(settings.home / "prefect"))
    home = Path(os.environ["PREFECT_HOME"])
    reason = "it is not writable"
    try:
        home.mkdir(parents=True, exist_ok=True)  # Prefect makes the last folder only
    except OSError as error:
        reason = error.strerror or str(error)
    if not home.is_dir() or not os.access(home, os.W_OK):
        raise UserError(f"{home}: {reason}; runs are recorded there: set RECOPS_HOME to a folder that can be written")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", ",".join(OUR_LOGGERS))  # our lines stand on the run's page
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).propagate = False  # to the server's page only: whoever called it tells what went wrong
    if not os.environ.get("PREFECT_API_URL") and answers(f"{LOCAL}/health", timeout_s=0.5):
        os.environ["PREFECT_API_URL"] = LOCAL
    if not os.environ.get("PREFECT_API_URL"):
        os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")  # it retries what it reports
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")  # 20 is short when busy
        logging.getLogger("prefect").setLevel(logging.ERROR)
    return os.environ.get("PREFECT_API_URL")
