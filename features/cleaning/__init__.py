"""Trust weights, repeats, the catalogue and its texts; nothing here drops what validation refuses."""
