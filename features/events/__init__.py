"""The durable event log, its databases and shards; nothing here knows features."""
