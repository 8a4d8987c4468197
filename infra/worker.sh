#!/usr/bin/env bash
# What a worker's machine runs: the pool, the deployments of prefect.yaml with the automations that find crashed runs,
# and the worker itself.
set -euo pipefail
export PREFECT_FLOWS_HEARTBEAT_FREQUENCY=${PREFECT_FLOWS_HEARTBEAT_FREQUENCY:-30}
prefect work-pool create local --type process --overwrite
prefect deploy --all --no-prompt
python -m flows.orchestration.automations
exec prefect worker start --pool local
