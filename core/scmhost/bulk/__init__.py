"""Links of stored frames on other engines: a file with all that links need, and links from that file alone."""
