"""``scmhost serve``: run the service."""

import multiprocessing
import os

import click

from .context import CommandContext, database_options
from .people import echo_first_link


@click.command(name="serve")
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", metavar="PORT", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port."
)
@click.option(
    "--workers", metavar="N", default=1, show_default=True, type=click.IntRange(min=1, max=64), help="Worker processes."
)
@database_options
@click.pass_obj
def serve(
    context: CommandContext, *, host: str, port: int, workers: int, config: str | None, database_url: str | None
) -> None:
    """Run the service. The first start creates the database; every start updates its schema.

    Logs go to standard error: one JSON object per line, or coloured text on a terminal. Ctrl-C stops the service.
    Changes of plugins.toml apply within a second, without a restart; SIGHUP makes every worker check the file
    immediately.
    """
    # Imported here, so that help works without the server extra.
    import structlog
    import uvicorn

    from scmhost.agents import agents_endpoint
    from scmhost.infra.telemetry import check_telemetry
    from scmhost.infra.telemetry.metrics import multiprocess_folder
    from scmhost.plugins.config.watching import block_hangups, forward_hangups

    log = structlog.get_logger(__name__)
    # A SIGHUP that arrives during the start would end the process.
    block_hangups()
    with context.open_host(config, database_url, quiet=False) as opened:
        settings = opened.settings.host
        check_telemetry(spans=settings.spans.enabled)
        agents_endpoint(wanted=settings.mcp)
        echo_first_link(opened.services, f"http://{host}:{port}")
        for report in opened.services.plugins.plugins:
            log.info("plugin", name=report.name, state=report.state, reason=report.reason)
    # Worker processes read their configuration from the environment.
    if config:
        os.environ["SCMHOST_CONFIG"] = config
    if database_url:
        os.environ["SCMHOST_DATABASE_URL"] = database_url
    if workers > 1:
        forward_hangups(lambda: [child.pid for child in multiprocessing.active_children() if child.pid])
    log.info("listening", url=f"http://{host}:{port}", api="/api/openapi.json")
    with multiprocess_folder(wanted=settings.metrics.enabled and workers > 1):
        uvicorn.run(
            "scmhost.app:asgi",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            # The application reads the headers of proxies itself: it needs the address of the proxy too.
            proxy_headers=False,
            # Without these, uvicorn chooses by what is installed, and speed would differ between machines.
            loop="uvloop",
            http="httptools",
            # The service writes its own access log, as JSON.
            access_log=False,
            log_config=None,
            server_header=False,
        )
