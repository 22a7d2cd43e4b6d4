"""Forgejo, Gitea and Codeberg, through their API."""
