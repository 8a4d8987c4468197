"""Recording of events and impressions; nothing recorded here is read back while answering."""
