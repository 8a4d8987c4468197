"""Items that joined after a bundle was made: its recommender, grown by them in memory; nothing is fitted here."""
