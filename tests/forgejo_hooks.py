"""Calls of every hook of the Forgejo plugin that sends requests, for an installation at a fake host."""

from collections.abc import Callable, Coroutine
from typing import Any

from forgejo_team import Team
from scmhost.sdk import AddRequest, Location, RegisteredWebhook
from scmhost_forgejo import plugin

HOOKS: dict[str, Callable[[Team], Coroutine[Any, Any, Any]]] = {
    "offer": lambda team: plugin.scm_offer_repositories(team.installation, "", ""),
    "search": lambda team: plugin.scm_offer_repositories(team.installation, "app", ""),
    "dispatch": lambda team: plugin.scm_dispatch_repository(team.installation, AddRequest(identifier="team/app"), None),
    "sync": lambda team: plugin.scm_sync_repositories(team.installation, [team.repository]),
    "exists": lambda team: plugin.scm_file_exists(
        team.installation, team.repository, Location(ref="main", ref_kind="branch", path="src/cart.py")
    ),
    "resolve": lambda team: plugin.scm_resolve_ref(team.installation, team.repository, "main"),
    "compare": lambda team: plugin.scm_compare_commits(
        team.installation, team.repository, None, "a" * 40, team.settings
    ),
    "read": lambda team: plugin.scm_read_file(team.installation, team.repository, "main", "src/cart.py"),
    "register": lambda team: plugin.scm_register_webhook(
        team.installation, team.repository, "https://scmhost.example/hook", "secret"
    ),
    "unregister": lambda team: plugin.scm_unregister_webhook(
        team.installation,
        team.repository,
        RegisteredWebhook(external_id="7", metadata={"address": "https://scmhost.example/hook"}),
    ),
}
