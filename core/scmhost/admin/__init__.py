"""The host itself: health, metrics, plugins, plugins.toml, jobs, doctor."""
