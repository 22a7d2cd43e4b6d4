"""Commits: rules of payloads, ingest, push deliveries, and finding the repository that commits belong to."""
