"""Updates of the live release: rows from data and event log, judging, the release; no Prefect here."""
