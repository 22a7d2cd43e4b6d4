"""The rules of plugins.toml as flagd's flag definitions, for whoever moves them there: the same organizations stay on.

A percentage becomes ``bucket < N``, with the bucket that goes along in the context. flagd's own percentages are hashed
otherwise, and in more than one way over its versions.
"""

from collections.abc import Iterator
from typing import Any, Final

from .flag_seat import FLAG_PREFIX
from .rollout import BUCKETS
from .schema import Organizations, PluginSettings, Settings

_SCHEMA: Final = "https://flagd.dev/schema/v0/flags.json"

Rule = Any
"""A rule of JsonLogic."""


def as_flagd(settings: Settings) -> dict[str, Any]:
    """A document for flagd with a flag for each plugin that the file names.

    What flagd is never asked is not in it: the environment, ``kill`` and ``enabled`` decide before.
    """
    flags = {f"{FLAG_PREFIX}{name}": _flag(table) for name, table in sorted(settings.plugins.items())}
    return {"$schema": _SCHEMA, "flags": flags}


def _flag(table: PluginSettings) -> dict[str, Any]:
    flag: dict[str, Any] = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "on" if table.default else "off",
    }
    rules = list(_rules(table))
    if rules or table.rollout:
        flag["targeting"] = {"if": [*rules, *_otherwise(table)]}
    return flag


def _rules(table: PluginSettings) -> Iterator[Rule]:
    """Conditions and answers in turn, as ``if`` takes them."""
    for named, answer in ((table.deny, "off"), (table.allow, "on")):
        if named.organizations:
            yield from (_named(named), answer)


def _otherwise(table: PluginSettings) -> list[Rule]:
    if table.rollout is None:
        return ["on" if table.default else "off"]
    return [{"<": [{"var": "bucket"}, int(table.rollout.percent * (BUCKETS // 100))]}, "on", "off"]


def _named(named: Organizations) -> Rule:
    slugs = [name for name in named.organizations if isinstance(name, str)]
    ids = [name for name in named.organizations if isinstance(name, int)]
    return {"or": [_among("organization_slug", slugs), _among("organization_id", ids)]}


def _among(attribute: str, values: list[Any]) -> Rule:
    return {"in": [{"var": attribute}, values]}
