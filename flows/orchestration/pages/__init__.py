"""What people look at: a run's artifacts, the reports over HTTP. No report is written here; models/reports does it."""
