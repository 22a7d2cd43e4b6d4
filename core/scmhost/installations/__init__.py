"""Providers set up for an organization, their settings and webhook secrets."""
