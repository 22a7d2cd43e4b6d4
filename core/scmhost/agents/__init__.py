"""Tools for agents over the Model Context Protocol: in a checkout, and in the service."""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from scmhost.infra.errors import ScmhostError

if TYPE_CHECKING:
    from .routes import McpEndpoint


class AgentsMissing(ScmhostError):
    """The package mcp is not installed, though a setting needs it."""


def agents_endpoint(*, wanted: bool) -> "type[McpEndpoint] | None":
    """Return the endpoint of the service for agents, or None if it is off.

    Raises:
        AgentsMissing: the package mcp is not installed.
    """
    if not wanted:
        return None
    if find_spec("mcp") is None:
        raise AgentsMissing(
            "host.mcp is true, but the package mcp is not installed; install it (pip install 'scmhost[mcp]'), or "
            "switch host.mcp off"
        )
    from .routes import McpEndpoint

    return McpEndpoint
