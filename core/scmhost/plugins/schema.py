"""The shape of plugins.toml, and the settings of a running host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, SecretStr

from scmhost.infra.limits import Limits

from .toml_lines import Path, line_of

SCHEMA: Final = 1
EVERYTHING: Final = "*"


def _exact(value: object) -> object:
    """A float as it is written, not as it is stored: 0.1 is a tenth."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _slug_or_id(value: object) -> str | int:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    raise ValueError("an organization is named by its slug (a string) or its id (an integer)")


WebhookKey = Annotated[SecretStr, Field(min_length=32)]
Percent = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100, decimal_places=3)]
OrganizationName = Annotated[str | int, PlainValidator(_slug_or_id)]


class Table(BaseModel):
    """Base of all tables of the file: frozen, no unknown keys, no guessing between types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Breaker(Table):
    """``[host.breaker]``: when a hook that keeps failing is suspended, and for how long."""

    faults: int = Field(default=5, ge=1, description="Faults in a row after which a hook of a plugin is suspended.")
    pause_seconds: int = Field(
        default=10, ge=1, description="How long the first pause is; each next one is twice that."
    )
    longest_pause_seconds: int = Field(default=300, ge=1, description="How long a pause may become.")


class MetricsSettings(Table):
    """``[host.metrics]``."""

    enabled: bool = Field(default=False, description="True: `GET /metrics` answers, in Prometheus' format.")


class SpansSettings(Table):
    """``[host.spans]``."""

    enabled: bool = Field(default=False, description="True: requests and calls of plugins are OpenTelemetry spans.")


class HostSettings(Table):
    """``[host]``."""

    database_url: str = Field(default="sqlite:///scmhost.db", min_length=1, description="Where rows are kept.")
    webhook_key: WebhookKey | None = Field(
        default=None, description="The secret from which those of webhooks are derived: 32 or more random characters."
    )
    breaker: Breaker = Breaker()
    operators: Annotated[tuple[OrganizationName, ...], Field(strict=False)] = Field(
        default=(),
        description="Organizations whose `org:admin` tokens may see the host's plugins; without any, the only one.",
    )
    metrics: MetricsSettings = MetricsSettings()
    spans: SpansSettings = SpansSettings()


class Organizations(Table):
    """Organizations by slug or id. Ids are safer: slugs may change."""

    organizations: Annotated[tuple[OrganizationName, ...], Field(strict=False)] = ()

    def name(self, slug: str, organization_id: int) -> bool:
        """Whether an organization is among them."""
        return slug in self.organizations or organization_id in self.organizations


class Rollout(Table):
    """On for a part of all organizations, always the same part for the same salt."""

    percent: Percent
    salt: Annotated[str, Field(min_length=1)] | None = None


class PluginSettings(Table):
    """``[plugins.NAME]``: whether a plugin is loaded, and for whom its providers are on."""

    enabled: bool = Field(default=False, description="False: the plugin is never imported.")
    distribution: str | None = Field(default=None, description="The distribution that may own this name.")
    default: bool = Field(default=False, description="The answer for an organization that no rule names.")
    allow: Organizations = Organizations()
    deny: Organizations = Organizations()
    rollout: Rollout | None = None
    kill: bool = Field(default=False, description="True: off for everyone, now.")
    order: int = Field(default=100, description="Lower comes first; then the name decides.")
    breaker: Breaker | None = None
    settings: dict[str, Any] = Field(default_factory=dict, description="Checked by the plugin's own model.")


class FlagsProvider(Table):
    """``[flags_provider]``: another OpenFeature provider, asked before the file's rules on organizations."""

    provider: str = Field(
        min_length=1,
        description="An entry point of the group scmhost.flags, or ``module:object``; called with settings.",
    )
    timeout: float = Field(
        default=0.25, gt=0, le=5, strict=False, description="Seconds for an answer; then the file's answer stands."
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="The provider's own arguments.")


class FileSettings(Table):
    """All of plugins.toml."""

    # ``schema`` is a name that pydantic's models have taken.
    schema_version: Literal[1] = Field(default=SCHEMA, alias="schema")
    host: HostSettings = HostSettings()
    limits: Limits = Limits()
    plugins: dict[str, PluginSettings] = Field(default_factory=dict)
    flags_provider: FlagsProvider | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The file that settings came from, the line of each of its keys, and the SHA-256 of its bytes.

    One that is ``absent`` would be read if it were there; the settings are the defaults then.
    """

    file: str = "defaults"
    lines: Mapping[Path, int] = field(default_factory=dict)
    sha256: str | None = None
    absent: bool = False

    def line(self, *path: str) -> int | None:
        """The line of a key, or of the nearest table around it."""
        return line_of(self.lines, path)

    def place(self, *path: str) -> str:
        """``plugins.toml:12``, or the file alone when the key is not in it."""
        line = self.line(*path)
        if self.absent:
            return f"there is no {self.file}"
        return self.file if line is None else f"{self.file}:{line}"


class Settings(BaseModel):
    """What an operator decided: the file, with the environment applied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: HostSettings = HostSettings()
    limits: Limits = Limits()
    plugins: dict[str, PluginSettings] = Field(default_factory=dict)
    flags_provider: FlagsProvider | None = None
    plugins_off: frozenset[str] = frozenset()
    source: Source = Source()

    def off_by_environment(self, plugin: str) -> bool:
        """Whether the environment switches a plugin off, whatever the file says."""
        return bool(self.plugins_off & {plugin, EVERYTHING})

    def of(self, plugin: str) -> PluginSettings:
        """A plugin's settings; one that the file does not name is not enabled."""
        return self.plugins.get(plugin, _UNNAMED)

    def breaker(self, plugin: str) -> Breaker:
        """When a plugin's hooks are suspended: its own keys, and the host's for those that it leaves out."""
        own = self.of(plugin).breaker
        return self.host.breaker.model_copy(update=own.model_dump(exclude_unset=True)) if own else self.host.breaker

    def wants(self, plugin: str) -> bool:
        """Whether a plugin is to be imported at all."""
        return self.of(plugin).enabled and not self.off_by_environment(plugin)


_UNNAMED: Final = PluginSettings()
