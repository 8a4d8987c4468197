"""The durable event log, its databases and shards; independent of features."""
