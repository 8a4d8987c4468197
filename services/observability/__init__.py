"""What operators see of a request while it is answered: its id, log lines and spans; nothing here changes an answer."""
