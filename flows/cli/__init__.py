"""The command line, one file a group of commands; reading arguments and printing only, the work is done elsewhere."""
