"""What a process does about faults that last, and about the end of the process that it works for; nothing here knows a
store."""
