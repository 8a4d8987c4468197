"""Language: encoders that turn the text of items into vectors."""
