"""A plugin that fails when it is imported."""

raise RuntimeError("no license found")
