"""Work over time: DVC stages, Prefect flows and the command line."""
