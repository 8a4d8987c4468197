"""Turns the telemetry of every library off unless RECOPS_TELEMETRY is true."""

from __future__ import annotations

import os

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "BENTOML_DO_NOT_TRACK": "True",
    "GX_ANALYTICS_ENABLED": "false",
    "DVC_NO_ANALYTICS": "true",
    "FEAST_USAGE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


SWITCH = "RECOPS_TELEMETRY"
ON = {"1", "true", "t", "yes", "y", "on"}  # what pydantic takes for true


def quiet_telemetry() -> None:
    """Turns the telemetry of every library off for this process and its children, unless RECOPS_TELEMETRY is true.

    It reads its own variable: a stage that imported all settings would be stale with each new one.
    """
    if os.environ.get(SWITCH, "").strip().lower() not in ON:
        os.environ.update(TELEMETRY_OFF)
