"""Brokers, one file each: the scheme of a URL to the class that reads it; nothing here knows what an event is."""

BROKERS = {
    "redis": "features.streams.brokers.redis_streams:RedisStream",
    "rediss": "features.streams.brokers.redis_streams:RedisStream",
    "nats": "features.streams.brokers.jetstream:JetStream",
    "tls": "features.streams.brokers.jetstream:JetStream",
    "kafka": "features.streams.brokers.kafka_topic:KafkaTopic",
}
