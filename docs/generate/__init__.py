"""Render the parts of the documentation that are derived from code: ``python -m docs.generate``."""
