"""The project folder: its DAG, params.yaml, data under DVC; nothing here trains, judges or releases."""
