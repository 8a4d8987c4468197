#!/usr/bin/env bash
# What a worker's machine runs: the pool, the deployments of prefect.yaml with the automations that find crashed runs,
# and the worker itself.
set -euo pipefail
export PREFECT_FLOWS_HEARTBEAT_FREQUENCY=30     # the automations count on it
export PREFECT_WORKER_QUERY_SECONDS=${PREFECT_WORKER_QUERY_SECONDS:-2}
prefect work-pool create local --type process --overwrite
prefect deploy --all --no-prompt
python -m flows.orchestration.automations
exec prefect worker start --pool local
