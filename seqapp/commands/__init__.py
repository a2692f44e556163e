"""One file per command; the file name is the name of the command."""
