"""Event streams consumed into the event log, each message once; no parsing rules of its own and no HTTP."""
