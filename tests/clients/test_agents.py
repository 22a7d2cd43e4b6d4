"""The inspector of the Model Context Protocol talks to ``scmhost mcp`` and to ``/mcp``."""

import json
from pathlib import Path
from typing import Any

import pytest

from command import SCMHOST, GitRepository
from organization_client import OrganizationClient
from real_clients import McpInspector
from serving import Served

TRACE = '  File "/srv/shop/cart.py", line 2, in total'


@pytest.fixture
def inspector(node: None, tmp_path: Path) -> McpInspector:
    """The inspector, in a checkout."""
    made = GitRepository(tmp_path / "checkout")
    made.commit("First", {"shop/cart.py": "one\ntwo\n"})
    made.git("remote", "add", "origin", "https://github.com/acme/shop.git")
    return McpInspector(made.path)


def frames(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the frames in an answer, which must be the same in its text."""
    assert json.loads(answer["content"][0]["text"]) == answer["structuredContent"]
    found: list[dict[str, Any]] = answer["structuredContent"]["frames"]
    return found


def test_the_inspector_talks_to_a_checkout(inspector: McpInspector) -> None:
    """It lists the tools, and gets links over standard input and output."""
    server = [str(SCMHOST), "mcp"]
    # The check of schemas for problems with some models ends with another code than 0 if it finds one.
    tools = {tool["name"] for tool in inspector(*server, "--method", "tools/list", "--strict")["tools"]}
    assert tools == {"locate_trace", "explain_frame", "find_suspects", "read_url", "list_repositories"}
    call = ["--method", "tools/call", "--tool-name", "locate_trace", "--tool-arg", f"text={TRACE}"]
    (frame,) = frames(inspector(*server, *call))
    assert frame["url"].endswith("/shop/cart.py#L2")


def test_the_inspector_talks_to_a_service(
    inspector: McpInspector, served: Served, organization: OrganizationClient
) -> None:
    """It gets links over HTTP with a token."""
    organization.map(organization.claimed("team/app"), "/srv/")
    server = [f"{served.url}/mcp", "--transport", "http", "--header", f"Authorization: Bearer {organization.token}"]
    call = ["--method", "tools/call", "--tool-name", "locate_trace", "--tool-arg", f"text={TRACE}"]
    (frame,) = frames(inspector(*server, *call))
    assert frame["url"] == "https://git.example.com/team/app/src/branch/main/shop/cart.py#L2"
