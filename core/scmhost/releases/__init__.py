"""Releases, refs and deploys."""
