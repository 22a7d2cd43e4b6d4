"""Render docs/settings.md from the models that read plugins.toml."""

from collections.abc import Iterator
from typing import Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from scmhost.infra.settings import (
    Breaker,
    DatabaseSettings,
    GroupRole,
    Limits,
    MetricsSettings,
    OpenIdSettings,
    Quotas,
    ServerSettings,
    SpansSettings,
    WebSettings,
)
from scmhost.plugins.config.reading import CONFIG_VARIABLE, OPENID_SECRET, PLUGINS_OFF, READ_URL, WEBHOOK_KEY
from scmhost.plugins.config.reading import DATABASE_URL as DATABASE_VARIABLE
from scmhost.plugins.config.schema import (
    FileSettings,
    FlagsProvider,
    HostSettings,
    Organizations,
    OutboundSettings,
    PluginSettings,
    Rollout,
)

from .fields import default_of, type_of
from .markdown import table

_TABLES: Final[tuple[tuple[str, type[BaseModel]], ...]] = (
    ("The top of the file", FileSettings),
    ("`[host]`", HostSettings),
    ("`[host.breaker]`, and `breaker` of a plugin", Breaker),
    ("`[host.metrics]`", MetricsSettings),
    ("`[host.spans]`", SpansSettings),
    ("`[host.outbound]`", OutboundSettings),
    ("`[server]`", ServerSettings),
    ("`[database]`", DatabaseSettings),
    ("`[limits]`", Limits),
    ("`[limits.quotas]`", Quotas),
    ("`[web]`", WebSettings),
    ("`[[web.groups]]`", GroupRole),
    ("`[web.openid]`", OpenIdSettings),
    ("`[plugins.NAME]`", PluginSettings),
    ("`allow` and `deny` of a plugin", Organizations),
    ("`rollout` of a plugin", Rollout),
    ("`[flags_provider]`", FlagsProvider),
)
# Keys whose model has no description.
_DESCRIPTIONS: Final = {
    (FileSettings, "schema"): "Version of the file format.",
    (FileSettings, "host"): "Settings of the process, below.",
    (HostSettings, "outbound"): "Which addresses plugins may connect to, below.",
    (HostSettings, "metrics"): "Prometheus metrics, below.",
    (HostSettings, "spans"): "OpenTelemetry spans, below.",
    (FileSettings, "server"): "How `scmhost serve` listens, below.",
    (FileSettings, "database"): "Connections to the database, below.",
    (FileSettings, "limits"): "Limits of requests, below.",
    (FileSettings, "web"): "Pages for people, below.",
    (FileSettings, "plugins"): "One table per plugin, below.",
    (FileSettings, "flags_provider"): "An external flag service, below.",
    (HostSettings, "breaker"): "When a failing hook is suspended, below.",
    (PluginSettings, "breaker"): "The same for this plugin; omitted keys are taken from `[host.breaker]`.",
    (PluginSettings, "allow"): "Organizations for which it is on, below.",
    (PluginSettings, "deny"): "Organizations for which it is off; takes precedence over `allow`.",
    (PluginSettings, "rollout"): "A percentage of all organizations, below.",
    (Organizations, "organizations"): 'Slugs (`"acme"`) or ids (`42`). Ids never change.',
    (Rollout, "percent"): "The percentage, with up to three decimals.",
    (Rollout, "salt"): "Selects which organizations are in the percentage. Default: the plugin's name.",
}
_HEAD: Final = """\
# Settings

All keys of `plugins.toml`, generated from the models that read it. [operators.md](operators.md) describes their use.

The file is `plugins.toml` in the working directory, or the one that `--config` or the environment names. Without a file
the defaults apply and no plugin is loaded. An unknown key is an error; the message has file, line and the nearest known
key.
"""


_REFERENCES: Final = """\
A value below `[plugins.NAME.settings]` can refer to an environment variable: `token = { env = "QUARRY_TOKEN" }`. A
reference is an inline table with the single key `env` and a name of capitals, digits and `_`. Write an ordinary table
with these keys under its own header: `[plugins.NAME.settings.token]`.
"""


def settings_page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *(_section(title, model) for title, model in _TABLES), _environment()])


def limits() -> str:
    """Return the table of limits for users of the API."""
    rows = [
        (f"`limits.{name}`", f"{field.default:,}", field.description or "")
        for name, field in Limits.model_fields.items()
        if name != "quotas"
    ]
    return table(("limit", "default", "description"), rows)


def _section(title: str, model: type[BaseModel]) -> str:
    rows = table(("key", "type", "default", "description"), _rows(model))
    return f"## {title}\n\n{rows}"


def _rows(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        kind = "table" if _nested(field) else type_of(field)
        yield f"`{name}`", kind, default_of(field), field.description or _DESCRIPTIONS[model, name]


def _nested(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is a table or a table of tables."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _environment() -> str:
    rows = [
        (f"`{CONFIG_VARIABLE}`", "The configuration file, if `--config` is not given."),
        (f"`{DATABASE_VARIABLE}`", "Overrides `host.database_url`; `--database-url` overrides both."),
        (f"`{READ_URL}`", "Overrides `host.read_url`, which applies only to the `host.database_url` of the file."),
        (f"`{WEBHOOK_KEY}`", "Overrides `host.webhook_key`."),
        (f"`{OPENID_SECRET}`", "Overrides `web.openid.client_secret`."),
        (f"`{PLUGINS_OFF}`", "Plugins that are off regardless of the file: names separated by commas, or `*`."),
        ("`SCMHOST_URL`", "The server for `scmhost commits send` and `scmhost link`, if `--url` is not given."),
        ("`SCMHOST_AUTH_TOKEN`", "The token for it, if `--token` is not given."),
    ]
    return f"## The environment\n\n{_REFERENCES}\n{table(('variable', 'description'), rows)}"
