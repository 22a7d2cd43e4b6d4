"""Where plugins.toml is, by the command line and the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .schema import Settings
from .settings import DATABASE_URL, read_settings, settings_without

CONFIG_VARIABLE: Final = "SCMHOST_CONFIG"
DEFAULT_CONFIG: Final = Path("plugins.toml")


def configuration_path(config: str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the switchboard is, or would be."""
    return Path(config or environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def read_configuration(
    config: str | None = None, database_url: str | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """The settings of plugins.toml, which words on the command line and the environment may override.

    Without a word on it, ``plugins.toml`` in the working directory is read if it is there.

    Raises:
        ConfigError: the file or the environment is wrong, or a file that was named is not there.
    """
    path = configuration_path(config, environ)
    named = bool(config or environ.get(CONFIG_VARIABLE))
    read = read_settings if named or path.exists() else settings_without
    return read(path, with_database(environ, database_url))


def with_database(environ: Mapping[str, str], database_url: str | None) -> Mapping[str, str]:
    """The environment with a database of the command line, if there is one."""
    return {**environ, DATABASE_URL: database_url} if database_url else environ
