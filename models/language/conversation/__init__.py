"""Conversations: what is remembered of one, which items pass, and what is said. No rules of language, no HTTP."""
