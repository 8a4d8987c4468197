"""The Feast repository: store settings, views derived from the Tables, and the ASOF offline store."""
