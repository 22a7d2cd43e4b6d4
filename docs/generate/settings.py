"""docs/settings.md, from the models that read plugins.toml."""

from collections.abc import Iterator
from typing import Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scmhost.infra.limits import Limits
from scmhost.plugins.config.reading import CONFIG_VARIABLE, PLUGINS_OFF, WEBHOOK_KEY
from scmhost.plugins.config.reading import DATABASE_URL as DATABASE_VARIABLE
from scmhost.plugins.config.schema import (
    Breaker,
    FileSettings,
    FlagsProvider,
    HostSettings,
    MetricsSettings,
    Organizations,
    PluginSettings,
    Rollout,
    SpansSettings,
)

from .fields import needed, type_of
from .markdown import table

_TABLES: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("The top of the file", FileSettings),
    ("`[host]`", HostSettings),
    ("`[host.breaker]`, and `breaker` of a plugin", Breaker),
    ("`[host.metrics]`", MetricsSettings),
    ("`[host.spans]`", SpansSettings),
    ("`[limits]`", Limits),
    ("`[plugins.NAME]`", PluginSettings),
    ("`allow` and `deny` of a plugin", Organizations),
    ("`rollout` of a plugin", Rollout),
    ("`[flags_provider]`", FlagsProvider),
)
# Keys whose model says nothing about them.
_TOLD: Final = {
    (FileSettings, "schema"): "The form of the file. There is one so far.",
    (FileSettings, "host"): "The process, below.",
    (HostSettings, "metrics"): "Counts for Prometheus, below.",
    (HostSettings, "spans"): "Spans for OpenTelemetry, below.",
    (FileSettings, "limits"): "How much is taken at once, below.",
    (FileSettings, "plugins"): "A table for each plugin, by the plugin's name, below.",
    (FileSettings, "flags_provider"): "Another flag service, below.",
    (HostSettings, "breaker"): "When a hook that keeps failing is suspended, below.",
    (PluginSettings, "breaker"): "The same for this plugin; what it leaves out is as in `[host.breaker]`.",
    (PluginSettings, "allow"): "Organizations for which it is on, below.",
    (PluginSettings, "deny"): "Organizations for which it is off; wins over `allow`.",
    (PluginSettings, "rollout"): "A part of all organizations, below.",
    (Organizations, "organizations"): 'Slugs (`"acme"`) or ids (`42`). Ids never change.',
    (Rollout, "percent"): "How large the part is, with up to three decimals.",
    (Rollout, "salt"): "Another salt is another part. Without one, the plugin's name.",
}
_HEAD: Final = """\
# Settings

This page is generated from the models that read `plugins.toml`; [operators.md](operators.md) says how to use them.

The file is `plugins.toml` in the working directory, unless `--config` or the environment names another. Without a
file the defaults below hold and no plugin is loaded. A key that is not on this page is an error that names the file,
the line and the nearest known key.
"""


_OF_PLUGINS: Final = """\
A value below `[plugins.NAME.settings]` may stand in the environment: `token = { env = "QUARRY_TOKEN" }`. So is read a
table in one line with the one key `env` and a name of capitals, digits and `_`. A table of the plugin's own that looks
the same is written under a header: `[plugins.NAME.settings.token]`.
"""


def settings_page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_section(title, model) for title, model in _TABLES), _environment()])


def limits() -> str:
    """The limits as users of the API read them."""
    rows = [
        (f"`limits.{name}`", f"{field.default:,}", field.description or "")
        for name, field in Limits.model_fields.items()
    ]
    return table(("limit", "default", "what it is"), rows)


def _section(title: str, model: type[BaseModel]) -> str:
    rows = table(("key", "type", "default", "what it is"), _rows(model))
    return f"## {title}\n\n{rows}"


def _rows(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        kind = "table" if _nested(field) else type_of(field)
        yield f"`{name}`", kind, needed(field), field.description or _TOLD[model, name]


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a table, or a table of tables."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _environment() -> str:
    rows = [
        (f"`{CONFIG_VARIABLE}`", "The file to read, where `--config` does not name one."),
        (f"`{DATABASE_VARIABLE}`", "The database, in place of `host.database_url`; `--database-url` wins over both."),
        (f"`{WEBHOOK_KEY}`", "The key of webhooks, in place of `host.webhook_key`."),
        (f"`{PLUGINS_OFF}`", "Plugins that are off, whatever the file says: names with commas, or `*`."),
        ("`SCMHOST_URL`", "The server that `scmhost commits send` sends to, where `--url` does not name one."),
        ("`SCMHOST_AUTH_TOKEN`", "Its token, where `--token` does not give one."),
    ]
    return f"## The environment\n\n{_OF_PLUGINS}\n{table(('variable', 'what it is'), rows)}"
