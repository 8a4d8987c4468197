"""What a trial of params is worth, and which values are tried; no files here."""
