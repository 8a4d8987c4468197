"""What a message means: a pure function of message, memory and catalogue, with its phrases in data files. No lists, no servers."""
