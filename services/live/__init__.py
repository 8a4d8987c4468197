"""The live release and the sessions of its users; nothing here speaks HTTP."""
