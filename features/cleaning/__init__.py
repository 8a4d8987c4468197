"""Trust weights, deduplication, the catalogue and its texts; rows that validation refuses are not dropped here."""
