"""Streams of a project: consuming one into its event log, and its dead letters; no broker is known here."""
