"""plugins.toml: its schema, reading, editing, watching, and the redaction of its secrets."""
