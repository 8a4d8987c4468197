"""User and item states: one recursion, offline and online; nothing here accesses an online store."""
