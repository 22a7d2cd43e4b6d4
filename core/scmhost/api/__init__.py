"""The HTTP API: the wire of Sentry's API for source control, and what goes beyond it."""
