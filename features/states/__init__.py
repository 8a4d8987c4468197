"""One recursion of user and item states, offline and online; nothing here reads or writes tables of a store."""
