"""What an import was given as named byte files: folders, zip and tar archives, compressed files; no tables here."""
