"""What a long-running process does about faults that last; nothing here knows a store."""
