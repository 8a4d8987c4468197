"""Types, queries and tables of one vocabulary; nothing here learns."""
