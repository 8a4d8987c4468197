"""POST /chat: from a message to a list under its intent, and to a reply. No rules of language, no other routes."""
