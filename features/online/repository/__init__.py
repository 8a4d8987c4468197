"""Access for Feast's own tools: the shared registry and the live release's rows; not used to answer requests."""
