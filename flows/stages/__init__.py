"""One thin file a DVC stage: read files, call one pure function, write files."""
