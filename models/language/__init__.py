"""Language: encoders that turn the text of items into vectors; texts of items and users, and how models are asked."""
