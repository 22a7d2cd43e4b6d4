"""The schema of plugins.toml, the settings of a running host, and references to the environment.

``{ env = "NAME" }`` in the place of a plugin's setting refers to the environment variable ``NAME``. Only a table in one
line with that one key and a name in capitals is a reference. A plugin's own setting of that form can be written under
a header of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, SecretStr

from scmhost.infra.secret_box import is_key
from scmhost.infra.settings import (
    Breaker,
    DatabaseSettings,
    Limits,
    MetricsSettings,
    ServerSettings,
    SpansSettings,
    Table,
    WebSettings,
)
from scmhost.plugins.errors import ConfigError, Problem
from scmhost.sdk import authority_of, check_web_url
from scmhost.sdk.execution import ANY_ADDRESS, OutboundPolicy, allowed_host

SCHEMA: Final = 1
EVERYTHING: Final = "*"

KeyPath = tuple[str, ...]
"""The keys that lead to a value, from the top of the file."""

_ENV_KEY: Final = "env"
# A name, an IPv4 address, or an IPv6 address without brackets.
_HOST_NAME: Final = re.compile(r"\*|[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_ENV_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_]*")


def _exact(value: object) -> object:
    """Return a number as it is written: the float 0.1 is not exactly a tenth."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _slug_or_id(value: object) -> str | int:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    raise ValueError("an organization is named by its slug (a string) or its id (an integer)")


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a key is written: the name of an environment variable, or the path of a file; and the key, once read."""

    kind: Literal["env", "file"]
    name: str
    key: SecretStr | None = None


def _secret_key(value: object) -> SecretStr | KeySource:
    """Return a key, or where to read it. The text of the error must not repeat a key."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, name),) = value.items()
        if kind in ("env", "file") and isinstance(name, str) and name:
            return KeySource(kind, name)
    if isinstance(value, str):
        value = SecretStr(value)
    if isinstance(value, KeySource) or (isinstance(value, SecretStr) and is_key(value.get_secret_value())):
        return value
    raise ValueError(
        'this is no key; make one with "scmhost secrets new-key", or write { env = ".." } or { file = ".." }'
    )


def _address(url: str) -> str:
    """Return the address of the service without its final slash; paths are appended to it."""
    if "?" in url:
        raise ValueError("the address has a query; leave out the ? and what follows")
    return check_web_url(url)


def _origin(text: str) -> str:
    """Return an origin as browsers send it."""
    if text == EVERYTHING:
        return text
    origin = authority_of(text)
    if check_web_url(text).lower() != origin:
        raise ValueError(f"an origin has no path; write {origin}")
    return origin


def _allowed_host(entry: str) -> str:
    allowed_host(entry)
    return entry


def _host_name(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no host; write its name or address alone, without https://, port and path")
    return text.lower()


HostName = Annotated[str, AfterValidator(_host_name)]
AllowedHost = Annotated[str, AfterValidator(_allowed_host)]
WebhookKey = Annotated[SecretStr, Field(min_length=32)]
SecretKey = Annotated[SecretStr | KeySource, PlainValidator(_secret_key)]
Origin = Annotated[str, AfterValidator(_origin)]
WebUrl = Annotated[str, AfterValidator(_address)]
Percent = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100, decimal_places=3)]
OrganizationName = Annotated[str | int, PlainValidator(_slug_or_id)]


class OutboundSettings(Table):
    """``[host.outbound]``: which addresses plugins may connect to through the SDK's client."""

    deny_private: bool = Field(
        default=False, description="Refuses connections to private, loopback, link-local and other special addresses."
    )
    allow: Annotated[tuple[AllowedHost, ...], Field(strict=False)] = Field(
        default=(), description="Hosts, addresses and networks that are allowed nevertheless."
    )

    @property
    def policy(self) -> OutboundPolicy:
        """The same as rules on addresses."""
        return OutboundPolicy.of(deny_private=True, allow=self.allow) if self.deny_private else ANY_ADDRESS


class HostSettings(Table):
    """``[host]``."""

    database_url: str = Field(default="sqlite:///scmhost.db", min_length=1, description="URL of the database.")
    read_url: str | None = Field(
        default=None,
        min_length=1,
        description="URL of a replica of a PostgreSQL database, from which requests read that change nothing.",
    )
    url: WebUrl | None = Field(
        default=None,
        description="Address of this service in browsers and at code hosts, such as `https://scmhost.example`.",
    )
    allowed_hosts: Annotated[tuple[HostName, ...], Field(strict=False)] = Field(
        default=(),
        description="Hosts that requests may name while `url` is not set, such as `scmhost.lan`; `*`: all. Loopback "
        "names and the address in `[server]` always may.",
    )
    webhook_key: WebhookKey | None = Field(
        default=None, description="Key for deriving webhook secrets: at least 32 random characters."
    )
    register_webhooks: bool = Field(
        default=True,
        description="Registers webhooks at code hosts whose plugins can; needs `url` and `webhook_key`.",
    )
    secret_keys: Annotated[tuple[SecretKey, ...], Field(strict=False, max_length=20)] = Field(
        default=(),
        description="Keys for the secrets of installations, or `{ env = ... }` or `{ file = ... }` for where they are "
        "written: the first encrypts, all decrypt.",
    )
    breaker: Breaker = Breaker()
    # Not strict: TOML has arrays, and the frozen model needs a tuple.
    cors_origins: Annotated[tuple[Origin, ...], Field(strict=False)] = Field(
        default=(),
        description="Origins whose pages may read answers in a browser, such as `https://tools.example.com`; `*`: all.",
    )
    operators: Annotated[tuple[OrganizationName, ...], Field(strict=False)] = Field(
        default=(),
        description="Organizations whose `org:admin` tokens may read plugin data; default: the only organization.",
    )
    data_folder: str = Field(
        default="scmhost-data", min_length=1, description="Folder in which each plugin has a folder for its own files."
    )
    sync_hours: int = Field(
        default=24,
        ge=0,
        le=8_760,
        description="Hours between two comparisons of an installation's repositories with its code host; 0: only on "
        "request.",
    )
    mcp: bool = Field(
        default=False, description="Answers agents with tokens at `/mcp`; needs the extra `scmhost[mcp]`."
    )
    outbound: OutboundSettings = OutboundSettings()
    metrics: MetricsSettings = MetricsSettings()
    spans: SpansSettings = SpansSettings()

    @property
    def encryption_keys(self) -> tuple[SecretStr, ...]:
        """The values of ``secret_keys``."""
        values = (key if isinstance(key, SecretStr) else key.key for key in self.secret_keys)
        return tuple(value for value in values if value)


class Organizations(Table):
    """Organizations by slug or id. Ids are safer: slugs may change."""

    organizations: Annotated[tuple[OrganizationName, ...], Field(strict=False)] = ()

    def name(self, slug: str, organization_id: int) -> bool:
        """Return whether the list contains an organization."""
        # A slug is a string and an id an integer, so that a slug of digits matches no id.
        return slug in self.organizations or organization_id in self.organizations


class Rollout(Table):
    """On for a percentage of all organizations; the same salt always selects the same ones."""

    percent: Percent
    salt: Annotated[str, Field(min_length=1)] | None = None


_DISTRIBUTION: Final = "The distribution that may own this name, and the provider key of this name."


class PluginSettings(Table):
    """``[plugins.NAME]``: whether a plugin is loaded, and for which organizations its providers are on."""

    enabled: bool = Field(default=False, description="False: the plugin is never imported.")
    distribution: str | None = Field(default=None, description=_DISTRIBUTION)
    default: bool = Field(default=False, description="The result for an organization that no rule names.")
    allow: Organizations = Organizations()
    deny: Organizations = Organizations()
    rollout: Rollout | None = None
    kill: bool = Field(default=False, description="True: off for everyone, now.")
    order: int = Field(default=100, description="Position among plugins: lower first, then by name.")
    breaker: Breaker | None = None
    settings: dict[str, Any] = Field(default_factory=dict, description="Validated by the plugin's model.")


class FlagsProvider(Table):
    """``[flags_provider]``: another OpenFeature provider, evaluated before the file's rules on organizations."""

    provider: str = Field(
        min_length=1,
        description="An entry point of the group scmhost.flags; called with settings.",
    )
    timeout: float = Field(
        default=0.25,
        gt=0,
        le=5,
        strict=False,
        description="Seconds for a result; after that the file's decision applies.",
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="Arguments for the provider.")


class FileSettings(Table):
    """All of plugins.toml."""

    # ``schema`` is a name that pydantic's models have taken.
    schema_version: Literal[1] = Field(default=SCHEMA, alias="schema")
    host: HostSettings = HostSettings()
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    limits: Limits = Limits()
    web: WebSettings = WebSettings()
    plugins: dict[str, PluginSettings] = Field(default_factory=dict)
    flags_provider: FlagsProvider | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The file of the settings, the line of each of its keys, and the SHA-256 of its bytes.

    An ``absent`` file does not exist; the settings are the defaults then.
    """

    file: str = "defaults"
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    sha256: str | None = None
    absent: bool = False

    def line(self, *path: str) -> int | None:
        """Return the line of a key, or of the nearest table around it."""
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), None)

    def place(self, *path: str) -> str:
        """Return ``plugins.toml:12``, or the file alone when it does not contain the key."""
        line = self.line(*path)
        if self.absent:
            return f"there is no {self.file}"
        return self.file if line is None else f"{self.file}:{line}"


class Settings(BaseModel):
    """The operator's decisions: the file, with the environment applied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: HostSettings = HostSettings()
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    limits: Limits = Limits()
    web: WebSettings = WebSettings()
    plugins: dict[str, PluginSettings] = Field(default_factory=dict)
    flags_provider: FlagsProvider | None = None
    plugins_off: frozenset[str] = frozenset()
    source: Source = Source()

    def off_by_environment(self, plugin: str) -> bool:
        """Return whether the environment turns a plugin off. This overrides the file."""
        return bool(self.plugins_off & {plugin, EVERYTHING})

    def of(self, plugin: str) -> PluginSettings:
        """Return a plugin's settings. A plugin that the file does not name is not enabled."""
        return self.plugins.get(plugin, _UNNAMED)

    def breaker(self, plugin: str) -> Breaker:
        """Return the thresholds of a plugin's circuit breaker: its own keys, and the host's for the others."""
        own = self.of(plugin).breaker
        # Only keys that are written override: a default of the plugin's table must not hide the host's value.
        return self.host.breaker.model_copy(update=own.model_dump(exclude_unset=True)) if own else self.host.breaker

    def enables(self, plugin: str) -> bool:
        """Return whether a plugin is imported at all."""
        return self.of(plugin).enabled and not self.off_by_environment(plugin)


_UNNAMED: Final = PluginSettings()


class EnvironmentReference:
    """A setting that refers to an environment variable. ``value`` is None while the variable is not set."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str | None) -> None:
        self.name = name
        self.value = value

    # The value is a secret and must not appear in logs or reports.
    def __repr__(self) -> str:
        return f"(from the environment {self.name})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnvironmentReference) and (self.name, self.value) == (other.name, other.value)

    def __hash__(self) -> int:
        return hash((self.name, self.value))


def with_references(settings: Mapping[str, Any], path: KeyPath, source: Source, environ: Mapping[str, str]) -> Any:
    """Return settings at a path with an ``EnvironmentReference`` for each table that is one.

    An empty environment variable counts as not set.
    """

    def reference(place: KeyPath, value: Any) -> Any:
        name = value.get(_ENV_KEY) if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            return value
        in_one_line = source.line(*path, *place) == source.line(*path, *place, _ENV_KEY)
        return EnvironmentReference(name, environ.get(name) or None) if in_one_line else value

    return _replaced(settings, reference)


def environment_references(value: Any, place: KeyPath = ()) -> Iterator[tuple[KeyPath, EnvironmentReference]]:
    """Yield all references among settings with their keys. Items of an array have the key of the array."""
    match value:
        case EnvironmentReference():
            yield place, value
        case dict():
            for name, inner in value.items():
                yield from environment_references(inner, (*place, name))
        case list():
            for inner in value:
                yield from environment_references(inner, place)


def with_values(settings: Mapping[str, Any], path: KeyPath, source: Source) -> Any:
    """Return settings with the values of their environment references.

    Raises:
        ConfigError: an environment variable is not set.
    """
    absent = [(place, item.name) for place, item in environment_references(settings) if item.value is None]
    if absent:
        raise ConfigError(*(_not_set((*path, *place), name, source) for place, name in absent))
    return _replaced(settings, lambda _, value: value.value if isinstance(value, EnvironmentReference) else value)


def _not_set(path: KeyPath, name: str, source: Source) -> Problem:
    hint = f"set {name} where this process is started, or write the value here"
    return Problem(source.file, source.line(*path), ".".join(path), f"the environment has no {name}", hint)


def _replaced(value: Any, replace: Callable[[KeyPath, Any], Any], place: KeyPath = ()) -> Any:
    new = replace(place, value) if place else value
    if isinstance(new, dict):
        return {name: _replaced(inner, replace, (*place, name)) for name, inner in new.items()}
    if isinstance(new, list):
        return [_replaced(inner, replace, place) for inner in new]
    return new
