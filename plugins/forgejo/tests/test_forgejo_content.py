"""Refs, commits and files, asked of a fake Forgejo over a real repository."""
