"""The gate: checks, decision and wording; nothing here computes a metric."""
