"""How a run drives the DAG: checks before it, and the stages' processes. No stage imports it."""
