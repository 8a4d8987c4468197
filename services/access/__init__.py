"""Access control and request limits, independent of the routes' content."""
