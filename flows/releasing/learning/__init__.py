"""What a release goes on learning from until the next one; written beside its bundle, never into it."""
