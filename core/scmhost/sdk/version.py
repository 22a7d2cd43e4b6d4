"""The version of the contract between the host and its plugins, apart from the host's own."""

from typing import Final

API_VERSION: Final = "1.1"
"""MAJOR.MINOR. A new hook or optional argument raises MINOR; a removal or a changed meaning raises MAJOR."""
