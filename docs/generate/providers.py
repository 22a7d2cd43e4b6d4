"""docs/providers.md: what each plugin of this repository can do, from its code."""

import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from scmhost.sdk import HOOK_PREFIX, Provider
from scmhost.sdk.testing.runner import CAPABILITIES

from .markdown import code, table

_PLUGINS: Final = Path(__file__).parents[2] / "plugins"
_HEAD: Final = """\
# Providers

This page is generated from the plugins of this repository. Each is a distribution of its own, uses nothing but
`scmhost.sdk`, and is off until an operator enables it in `plugins.toml`. For any other code host, write
[a plugin](plugin-authors.md), or use *Custom SCM*, which works without an API: clients send the commits, and links are
built from URL templates.

"""
_TAIL: Final = """\

- **renews credentials**: the host calls the plugin when the code host refuses a token, and before a token expires.
- **registers webhooks**: scmhost sets up the webhook of each repository that is added. Elsewhere you enter its address
  and secret at the code host.
- **one address for deliveries**: the code host sends the events of all installations to one address.
- A link without **checks that files exist** is built from the repository's known files, and may be unverified.
"""


def providers_page() -> str:
    """Return the whole page."""
    plugins = [(folder, project, _module(project)) for folder, project in _projects()]
    about = [
        (f"[{_provider(module).name}](../plugins/{folder}/README.md)", code(project["name"]), project["description"])
        for folder, project, module in plugins
    ]
    hooks = [_hooks(module) for _, _, module in plugins]
    rows = [
        (capability, *("yes" if needed[0] in own else "" for own in hooks))
        for capability, needed in CAPABILITIES
        if any(needed[0] in own for own in hooks)
    ]
    names = [_provider(module).name for _, _, module in plugins]
    return (
        f"{_HEAD}{table(('provider', 'distribution', 'description'), about)}\n"
        f"{table(('capability', *names), rows)}{_TAIL}"
    )


def _projects() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(_PLUGINS.glob("*/pyproject.toml")):
        yield path.parent.name, tomllib.loads(path.read_text(encoding="utf-8"))["project"]


def _module(project: dict[str, Any]) -> ModuleType:
    (name,) = project["entry-points"]["scmhost"].values()
    return import_module(name)


def _provider(module: ModuleType) -> Provider:
    (provider,) = module.scm_register_providers()
    assert isinstance(provider, Provider)  # noqa: S101 - for the type checker
    return provider


def _hooks(module: ModuleType) -> set[str]:
    return {name for name in vars(module) if name.startswith(HOOK_PREFIX)}
