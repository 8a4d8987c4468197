"""The HTTP service: recommendations and the recording of events."""
