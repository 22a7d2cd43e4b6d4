"""The composition root: connects all rooms, for embedders, commands and the service."""

import gc
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, cast

from scmhost import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from scmhost.infra.loops import Loop
    from scmhost.infra.telemetry import Telemetry
    from scmhost.plugins import Settings
    from scmhost.sdk import Organization
    from scmhost.services import Actor, Services


SHOWN_BY_COMMANDS: Final = ("plugin refused",)
"""Log events whose content is part of the output of commands that inspect the host."""

# A change is applied when two checks agree: about a second after the file was written.
WATCH_SECONDS: Final = 0.5

# New objects. A long trace makes some thousands, of which none is a part of a cycle.
_COLLECT_AFTER: Final = 20_000


class Host:
    """scmhost in a process of your own.

    Example::

        with Host.open(read_configuration("plugins.toml")) as host:
            host.watch(Path("plugins.toml"))
            ...  # use cases take host.services

    It changes nothing global: no signal handlers, no logging, no environment.
    """

    def __init__(self, settings: "Settings", services: "Services") -> None:
        self.settings = settings
        self.services = services

    @classmethod
    def open(
        cls, settings: "Settings", *, migrate: bool = True, telemetry: "Telemetry | None" = None, serving: bool = True
    ) -> Self:
        """Open the database and load the enabled plugins.

        Args:
            settings: the configuration, from ``read_configuration``.
            migrate: create missing tables and upgrade older ones. Without it nothing is written.
            telemetry: receives metrics and spans; without it none are made.
            serving: start the plugins; a command that only looks does not.

        Raises:
            ScmhostError: the database cannot be opened. A plugin that fails is listed as broken instead: see
                ``host.services.plugins.plugins``.
        """
        from scmhost.infra.clock import SystemClock
        from scmhost.infra.db.replicas import open_store
        from scmhost.infra.errors import ScmhostError
        from scmhost.infra.secret_box import SecretBox
        from scmhost.infra.telemetry import NO_TELEMETRY
        from scmhost.installations.credentials import InstallationCredentials
        from scmhost.plugins import PluginHost
        from scmhost.services import Services

        store = open_store(settings.host.database_url, settings.host.read_url, settings.database)
        if migrate:
            try:
                store.migrate()
            except ScmhostError:
                store.close()
                raise
        telemetry = telemetry or NO_TELEMETRY
        clock, box = SystemClock(), SecretBox(settings.host.encryption_keys)
        credentials = InstallationCredentials(store, clock, box)
        plugins = PluginHost.open(settings, telemetry=telemetry, credentials=credentials, serving=serving)
        services = Services(
            store,
            plugins,
            clock,
            settings.limits,
            settings.host.webhook_key,
            settings.host.url,
            register_webhooks=settings.host.register_webhooks,
            operators=settings.host.operators,
            cors_origins=settings.host.cors_origins,
            sync_hours=settings.host.sync_hours,
            secret_box=box,
            telemetry=telemetry,
            web=settings.web,
        )
        return cls(settings, services)

    def watch(self, path: "Path") -> "Loop":
        """Apply changes of plugins.toml from now on. While the file is invalid, the last valid one stays in use.

        Two threads run until the host is closed: one applies changes, the other writes them to the audit log, so that
        a database that is down does not delay a change. Call the loop's ``wake`` to read the file at once.
        """
        from scmhost.admin.configuration import ConfigurationAudit, ConfigurationWatch
        from scmhost.infra.loops import Loop, Loops
        from scmhost.plugins import read_settings

        audit = ConfigurationAudit(self.services)
        watch = ConfigurationWatch(self.services, path, partial(read_settings, path, os.environ), audit)
        telemetry = self.services.telemetry
        changes = Loop("configuration", watch.check, seconds=WATCH_SECONDS, telemetry=telemetry)
        entries = Loop("configuration audit", audit.save_pending, seconds=WATCH_SECONDS, telemetry=telemetry)
        self.services.shared(Loops).add(changes.start(), entries.start())
        return changes

    def application(self, organization: "Organization") -> tuple["FastAPI", str]:
        """Return the application for calls within this process, and a token for the actor of the services."""
        from scmhost.application import create_application
        from scmhost.organizations.tokens import add_local_token

        return create_application(self.services), add_local_token(self.services, organization)

    def api(self, organization: "Organization") -> tuple["ASGIApp", str]:
        """Return the API alone for calls within this process, and a token for the actor of the services.

        It makes routes when they are called, so that a command need not make them all.
        """
        from scmhost.local_api import LocalApi
        from scmhost.organizations.tokens import add_local_token

        return LocalApi(self.services), add_local_token(self.services, organization)

    def close(self) -> None:
        """Stop the background loops, then close the plugins and the database."""
        from scmhost.infra.loops import Loops

        # First the loops, whose rounds use the plugins and the database.
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
    """Return the settings of plugins.toml; options of the command line and the environment override them.

    Without ``config``, ``plugins.toml`` in the working directory is read if it exists.

    Raises:
        ConfigError: the file or the environment is invalid.
    """
    from scmhost.plugins.config import reading

    return reading.read_configuration(config, database_url, environ)


def open_host(
    config: str | None = None,
    database_url: str | None = None,
    *,
    quiet: bool = True,
    plugins: bool = True,
    inspect_only: bool = False,
    creates: bool = False,
) -> Host:
    """Open a host for a command. Its changes are audited under the user who runs the command.

    Args:
        config: the path of plugins.toml.
        database_url: overrides the database of the file.
        quiet: log warnings and errors only.
        plugins: load the enabled plugins; otherwise none is imported.
        inspect_only: accept a missing or other database, and do not log events that the command prints.
        creates: create the database, or upgrade its tables. Otherwise it has to exist, in this version.

    Raises:
        ScmhostError: the configuration is invalid, or the database cannot be used.
    """
    from scmhost.infra.logs import configure_logs

    configure_logs(quiet=quiet, without=SHOWN_BY_COMMANDS if inspect_only else ())
    settings = read_configuration(config, database_url)
    if not plugins:
        settings = settings.model_copy(update={"plugins": {}, "flags_provider": None})
    host = Host.open(settings, migrate=creates, serving=False)
    host.services = host.services.for_actor(operating_user())
    if not (creates or inspect_only):
        _require_database(host)
    return host


def _require_database(host: Host) -> None:
    from scmhost.infra.errors import ScmhostError
    from scmhost.services import check_database

    try:
        check_database(host.services)
    except ScmhostError:
        host.close()
        raise


def operating_user() -> "Actor":
    """Return the operating system's user who runs this process, as an actor of the audit log."""
    import getpass

    from scmhost.services import Actor

    try:
        return Actor("user", getpass.getuser())
    except (OSError, KeyError):
        # A container may run under a user id without a name.
        return Actor("user", "unknown")


def asgi() -> "ASGIApp":
    """Return the application of one worker process. Its configuration comes through the environment.

    It reads the headers of proxies itself, as uvicorn does by default, and keeps the address of the proxy.
    """
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    from scmhost.agents import agents_endpoint
    from scmhost.application import create_application
    from scmhost.cli.serve import end_with_supervisor
    from scmhost.infra.http import PeerAddress
    from scmhost.infra.logs import configure_logs
    from scmhost.infra.public_address import trusted_hosts
    from scmhost.infra.telemetry import open_telemetry
    from scmhost.plugins.config.files import on_hangup
    from scmhost.plugins.config.reading import configuration_path

    settings = read_configuration()
    # The command has put the values of its options there.
    configure_logs(level=os.environ.get("SCMHOST_LOG_LEVEL") or settings.server.log_level)
    end_with_supervisor()
    telemetry = open_telemetry(metrics=settings.host.metrics.enabled, spans=settings.host.spans.enabled)
    # The command migrates once, before it starts the workers.
    host = Host.open(settings, migrate=False, telemetry=telemetry)
    hosts = trusted_hosts(os.environ.get("SCMHOST_HOST") or settings.server.host, settings.host.allowed_hosts)
    host.services = replace(host.services, trusted_hosts=hosts)
    on_hangup(host.watch(configuration_path()).wake)
    application = create_application(host.services, host.close, agents_endpoint(wanted=settings.host.mcp))
    # As in the command, whose threshold the processes of several workers do not have.
    gc.set_threshold(_COLLECT_AFTER)
    # Ingesting many commits triggers full garbage collections; frozen objects are not traversed by them.
    gc.collect()
    gc.freeze()
    trusted = os.environ.get("SCMHOST_FORWARDED_ALLOW_IPS") or settings.server.forwarded_allow_ips
    # The two packages write the same protocol with different types.
    behind_proxies: Any = ProxyHeadersMiddleware(cast("Any", application), trusted_hosts=trusted)
    return PeerAddress(behind_proxies)


def main() -> None:
    """Run the ``scmhost`` command."""
    if sys.argv[1:] == ["--version"]:
        # Shells and installers call this often: it is answered without importing anything.
        print(f"scmhost {__version__}")  # noqa: T201 - the output of the command
        return
    # Imports make many objects that stay, and the default threshold searches all of them several times for garbage.
    gc.set_threshold(_COLLECT_AFTER)
    from scmhost.cli.main import run

    try:
        run(open_host, sys.argv[1:])
    finally:
        # The last collection, at the end of the process, then skips the objects that end with it anyway.
        gc.freeze()
