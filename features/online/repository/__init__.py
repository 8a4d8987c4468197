"""What Feast's own tools see of all releases: the shared registry, the live release's rows; nothing of one request."""
