"""Encoders of items, one file each: `vectors_of` makes named arrays from what is Given; no retriever here."""

ENCODERS = {
    "sentence": "models.language.encoders.sentence:vectors_of",
    "words": "models.language.encoders.words:vectors_of",
    "static": "models.language.encoders.static:vectors_of",
    "server": "models.language.encoders.server:vectors_of",
}
