"""Learning between releases: the live release's retrievers follow the event log, off the requests' path."""
