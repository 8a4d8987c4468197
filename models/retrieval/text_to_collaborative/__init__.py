"""The learned map from item texts to choices, and how it is fitted; no retriever."""
