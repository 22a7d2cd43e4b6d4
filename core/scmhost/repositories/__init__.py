"""Repositories: create, offer, claim, serialize, delete, and the index of their files."""
