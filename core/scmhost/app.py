"""The composition root: the one module that knows every room."""

import gc
import os
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from scmhost import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from scmhost.infra.loops import Loop
    from scmhost.infra.telemetry import Telemetry
    from scmhost.plugins import Settings
    from scmhost.services import Services


TOLD_BY_A_LOOK: Final = ("plugin refused",)
WATCH_SECONDS: Final = 0.5


class Host:
    """scmhost inside a process: ``with Host.open(settings) as host: ... host.services``."""

    def __init__(self, settings: "Settings", services: "Services") -> None:
        self.settings = settings
        self.services = services

    @classmethod
    def open(cls, settings: "Settings", *, migrate: bool = True, telemetry: "Telemetry | None" = None) -> Self:
        """Open the database, bring it up to date, and admit the plugins. Without telemetry nobody is told of it.

        Raises:
            ScmhostError: the database cannot be opened. A plugin that fails is listed as broken instead.
        """
        from scmhost.infra.clock import SystemClock
        from scmhost.infra.db.engine import Store
        from scmhost.infra.telemetry import SILENT
        from scmhost.plugins import PluginHost
        from scmhost.services import Services

        store = Store.open(settings.host.database_url)
        if migrate:
            store.migrate()
        told = telemetry or SILENT
        plugins = PluginHost.open(settings, telemetry=told)
        services = Services(
            store,
            plugins,
            SystemClock(),
            settings.limits,
            settings.host.webhook_key,
            operators=settings.host.operators,
            telemetry=told,
        )
        return cls(settings, services)

    def watch(self, path: "Path") -> "Loop":
        """Apply what is written to plugins.toml from now on. A file that is not valid changes nothing.

        The loop ends with the host. Call its ``wake`` to have the file read at once.
        """
        from scmhost.admin.configuration import SwitchboardWatch
        from scmhost.infra.loops import Loop, Loops
        from scmhost.plugins import read_settings

        watch = SwitchboardWatch(self.services, path, partial(read_settings, path, os.environ))
        loop = Loop("configuration", watch.look, seconds=WATCH_SECONDS, telemetry=self.services.telemetry)
        self.services.shared(Loops).add(loop.start())
        return loop

    def close(self) -> None:
        """End the loops, close the plugins, then the database."""
        from scmhost.infra.loops import Loops

        self.services.shared(Loops).stop()
        self.services.plugins.close()
        self.services.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def read_configuration(
    config: str | None = None, database_url: str | None = None, environ: Mapping[str, str] = os.environ
) -> "Settings":
    """The settings of plugins.toml, which words on the command line and the environment may override.

    Without a word on it, ``plugins.toml`` in the working directory is read if it is there.
    """
    from scmhost.plugins.config import reading

    return reading.read_configuration(config, database_url, environ)


def open_host(
    config: str | None = None,
    database_url: str | None = None,
    *,
    quiet: bool = True,
    plugins: bool = True,
    look: bool = False,
) -> Host:
    """A host by configuration file and database, as commands need it: quiet ones log only what goes wrong.

    Without plugins none is imported, whatever the file says. The audit log tells of the user who runs the command.
    For a look the database is neither made nor brought up to date, and what the answer tells is not logged too.
    """
    from scmhost.admin.configuration_audit import operating_user
    from scmhost.infra.logs import configure_logs

    configure_logs(quiet=quiet, besides=TOLD_BY_A_LOOK if look else ())
    settings = read_configuration(config, database_url)
    wanted = settings if plugins else settings.model_copy(update={"plugins": {}, "flags_provider": None})
    host = Host.open(wanted, migrate=not look)
    host.services = host.services.for_actor(operating_user())
    return host


def asgi() -> "FastAPI":
    """The application of one worker process; its configuration comes through the environment."""
    from scmhost.infra.logs import configure_logs
    from scmhost.infra.telemetry import open_telemetry
    from scmhost.plugins.config.reading import configuration_path
    from scmhost.plugins.config.watching import on_hangup
    from scmhost.service.application import create_application

    configure_logs()
    settings = read_configuration()
    telemetry = open_telemetry(metrics=settings.host.metrics.enabled, spans=settings.host.spans.enabled)
    host = Host.open(settings, migrate=False, telemetry=telemetry)
    on_hangup(host.watch(configuration_path()).wake)
    application = create_application(host.services, on_shutdown=host.close)
    # What is here now stays: no collection need look through it again, as each would that many commits set off.
    gc.collect()
    gc.freeze()
    return application


def main() -> None:
    """The ``scmhost`` command."""
    if sys.argv[1:] == ["--version"]:
        # Shells and installers call this often; it needs no import.
        print(f"scmhost {__version__}")  # noqa: T201 - this is the answer
        return
    from scmhost.cli.main import run

    run(open_host, sys.argv[1:])
