"""How a run drives the DAG: what is judged before it, and the stages' processes. No stage imports it."""
