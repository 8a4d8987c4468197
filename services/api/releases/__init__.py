"""Routes that change what is live, and lists while a release is on trial."""
