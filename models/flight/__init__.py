"""The flight recorder's records: their files, their replay, and what they say of an answer; nothing here answers."""
