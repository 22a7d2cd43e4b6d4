"""A plugin whose dependency is not installed."""

import nothing_of_this_name  # type: ignore[import-not-found]  # noqa: F401 - its fault
