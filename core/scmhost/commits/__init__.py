"""Commits in requests: payloads and their fields, ranges of refs, and the issues that a message names."""
