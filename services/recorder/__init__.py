"""What is written down of requests; nothing here is read back while answering."""
