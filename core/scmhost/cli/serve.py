"""``scmhost serve``: run the service."""

import errno
import multiprocessing
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, cast

import click

from scmhost.infra.errors import ScmhostError

from .context import EXIT_ADDRESS, CommandContext, database_options, fail
from .organizations import echo_first_link, first_link

if TYPE_CHECKING:
    from uvicorn import Config

    from scmhost.infra.settings import Limits
    from scmhost.plugins import Settings

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_SET_ADDRESS: Final = "set url, the address in browsers, or allowed_hosts, under [host] in plugins.toml"
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
# The system's queue of connections that no worker has accepted yet.
_BACKLOG: Final = 2048
# Open files of a worker besides its connections: the database, plugins and their processes.
_OTHER_FILES: Final = 256


@click.command(name="serve")
@click.option("--host", metavar="ADDRESS", envvar="SCMHOST_HOST", help="The address to listen on (default: 127.0.0.1).")
@click.option(
    "--port", metavar="PORT", envvar="SCMHOST_PORT", type=click.IntRange(0, 65535), help="The port (default: 8000)."
)
@click.option(
    "--workers",
    metavar="N",
    envvar="SCMHOST_WORKERS",
    type=click.IntRange(min=1, max=64),
    help="Worker processes (default: 1).",
)
@click.option(
    "--log-level",
    envvar="SCMHOST_LOG_LEVEL",
    type=click.Choice(LOG_LEVELS),
    help="The lowest level that is logged (default: info; debug has health probes).",
)
@click.option(
    "--forwarded-allow-ips",
    metavar="ADDRESSES",
    envvar="SCMHOST_FORWARDED_ALLOW_IPS",
    help="Proxies whose X-Forwarded headers are trusted, with commas (default: 127.0.0.1,::1).",
)
@database_options
@click.pass_obj
def serve(context: CommandContext, /, *, config: str | None, database_url: str | None, **options: Any) -> None:
    """Run the service. The first start creates the database; every start updates its schema.

    The options are keys of [server] in plugins.toml, too. Logs go to standard error: one JSON object per line, or
    coloured text on a terminal. Ctrl-C stops the service. Changes of plugins.toml apply within a second, without a
    restart; SIGHUP makes every worker check the file immediately.
    """
    # Imported here, so that help works without the server extra.
    import structlog

    from scmhost.infra.telemetry.metrics import multiprocess_folder
    from scmhost.plugins.config.files import block_hangups, forward_hangups

    log = structlog.get_logger(__name__)
    # A SIGHUP that arrives during the start would end the process.
    block_hangups()
    settings, link = _prepare(context, config, database_url)
    chosen = settings.server.model_copy(update={name: value for name, value in options.items() if value is not None})
    if chosen.workers > 1:
        forward_hangups(lambda: [child.pid for child in multiprocessing.active_children() if child.pid])
    limits = _that_fit(settings.limits)
    with listening(chosen.host, chosen.port) as listener:
        # Worker processes read their configuration from the environment.
        given = {
            "SCMHOST_CONFIG": config,
            "SCMHOST_DATABASE_URL": database_url,
            "SCMHOST_HOST": chosen.host,
            "SCMHOST_LOG_LEVEL": chosen.log_level,
            "SCMHOST_FORWARDED_ALLOW_IPS": chosen.forwarded_allow_ips,
        }
        os.environ.update({name: value for name, value in given.items() if value})
        address = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
        url = f"http://{address}:{listener.getsockname()[1]}"
        log.info("listening", url=url, api="/api/openapi.json")
        if not (settings.host.url or settings.host.allowed_hosts or chosen.host in _LOOPBACK):
            log.warning("address not set", refused="other hosts than loopback names", hint=_SET_ADDRESS)
        notify_systemd("READY=1")
        if link:
            echo_first_link(settings.host.url or url, link)
        with multiprocess_folder(wanted=settings.host.metrics.enabled and chosen.workers > 1):
            _run(_server_config(chosen.workers, limits), listener)


def _server_config(workers: int, limits: "Limits") -> "Config":
    import uvicorn

    from scmhost.infra.connections import bounded_protocol

    return uvicorn.Config(
        "scmhost.app:asgi",
        factory=True,
        workers=workers,
        # The application reads the headers of proxies itself: it needs the address of the proxy too.
        proxy_headers=False,
        # Without it, uvicorn chooses by what is installed, and speed would differ between machines.
        loop="uvloop",
        # A protocol of our own; uvicorn calls it as its classes.
        http=cast("Any", bounded_protocol(limits)),
        timeout_keep_alive=limits.idle_seconds,
        # There are no web sockets; their connections would have no limits.
        ws="none",
        # The service writes its own access log, as JSON.
        access_log=False,
        log_config=None,
        server_header=False,
    )


def _prepare(context: CommandContext, config: str | None, database_url: str | None) -> tuple["Settings", str | None]:
    """Create or update the database, check what the workers need, and log the plugins.

    Returns:
        The settings, and the text of a link for the first person, until somebody has signed in.
    """
    import structlog

    from scmhost.agents import agents_endpoint
    from scmhost.infra.telemetry import check_telemetry

    log = structlog.get_logger(__name__)
    with context.open_host(config, database_url, quiet=False, creates=True) as opened:
        check_telemetry(spans=opened.settings.host.spans.enabled)
        agents_endpoint(wanted=opened.settings.host.mcp)
        for report in opened.services.plugins.plugins:
            log.info("plugin", name=report.name, state=report.state, reason=report.reason)
        return opened.settings, first_link(opened.services)


def _that_fit(limits: "Limits") -> "Limits":
    """Return the limits with as many connections as this process may have open files, which is raised if it can be."""
    import resource

    import structlog

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.connections + _OTHER_FILES
    most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    # Workers inherit it. Without a free one, no connection could be accepted, and no file opened.
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most == needed:
        return limits
    fitting = max(1, most - _OTHER_FILES)
    structlog.get_logger(__name__).warning("fewer connections than limits.connections", most=fitting, open_files=hard)
    return limits.model_copy(update={"connections": fitting})


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Open the socket of the service. Exit with a code of its own if the address cannot be used."""
    try:
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        with listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            # From now on connections are accepted, and no other program can listen there.
            listener.listen(_BACKLOG)
            listener.set_inheritable(True)
            yield listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fail(f"port {port} of {host} is in use by another program; stop it, or choose another --port", EXIT_ADDRESS)
        if error.errno in (errno.EACCES, errno.EADDRNOTAVAIL) or isinstance(error, socket.gaierror):
            fail(f"cannot listen on port {port} of {host}: {error.strerror}", EXIT_ADDRESS)
        raise


def serve_application(application: Any, listener: socket.socket) -> None:
    """Serve an ASGI application in this process, until a signal stops it. Ctrl-C is not an error."""
    import uvicorn

    config = uvicorn.Config(application, access_log=False, log_config=None, server_header=False)
    # uvicorn stops at Ctrl-C, and raises it again.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _run(config: "Config", listener: socket.socket) -> None:
    """Serve until a signal ends the process: in this process, or in workers that are started again if they end."""
    import structlog
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from scmhost.infra.telemetry.metrics import EndedWorkers

    log = structlog.get_logger(__name__)

    class Supervisor(Multiprocess):
        ended = 0
        counted = EndedWorkers()

        def keep_subprocess_alive(self) -> None:
            before = list(self.processes)
            super().keep_subprocess_alive()
            for process in before:
                if process not in self.processes:
                    self.ended += 1
                    self.counted.count(process.exitcode)
                    log.error("worker ended", pid=process.pid, exit_code=process.exitcode, ended_so_far=self.ended)

    if config.workers > 1:
        Supervisor(config, [listener]).run()
    else:
        uvicorn.Server(config).run(sockets=[listener])


def end_with_supervisor() -> None:
    """End this worker when its supervisor has ended: otherwise it would keep the port, and nothing could stop it."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def wait() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="scmhost supervisor", daemon=True).start()


def notify_systemd(state: str) -> None:
    """Send a state to systemd, if it started this process as ``Type=notify``."""
    # The protocol of sd_notify(3): a datagram to the socket of the variable; @ stands for the abstract namespace.
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        try:
            systemd.sendto(state.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)
        except OSError as error:
            raise ScmhostError(f"cannot notify systemd at NOTIFY_SOCKET {address!r}: {error.strerror}") from error
