"""How good lists and ratings are, with intervals; nothing here decides or prints."""
