"""Organizations, projects, tokens, and what a token may do."""
