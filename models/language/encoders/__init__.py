"""Encoders of items, one file each, beside the pretrained one (`models/language/encoder.py`); no retriever."""
