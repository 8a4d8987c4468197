"""Who may ask, and how much; nothing here knows what is answered."""
