"""Importing a source into data/raw; how a file is read is in features/reading."""
