"""The version of the contract between the host and its plugins. It is independent of the host's version."""

from typing import Final

API_VERSION: Final = "1.1"
"""MAJOR.MINOR. A new hook or optional argument raises MINOR; a removal or a changed meaning raises MAJOR."""
