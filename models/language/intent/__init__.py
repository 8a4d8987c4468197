"""What a message means, by message, memory and catalogue; its phrases are data files. No lists, no servers."""
