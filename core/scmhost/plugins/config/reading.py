"""Find and read plugins.toml, apply the environment, and describe mistakes by line with a hint."""

import logging
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from scmhost.infra.secret_box import is_key
from scmhost.infra.settings import (
    Breaker,
    DatabaseSettings,
    Limits,
    MetricsSettings,
    OpenIdSettings,
    OwnQuota,
    Quotas,
    ServerSettings,
    SpansSettings,
    WebSettings,
)
from scmhost.plugins.discovery import discover
from scmhost.plugins.errors import ConfigError, Problem
from scmhost.plugins.isolation.faults import safe_text
from scmhost.sdk.validation import did_you_mean

from .files import check_ownership, key_lines
from .schema import (
    EVERYTHING,
    SCHEMA,
    FileSettings,
    FlagsProvider,
    HostSettings,
    KeyPath,
    KeySource,
    Organizations,
    OutboundSettings,
    PluginSettings,
    Rollout,
    Settings,
    Source,
    with_references,
)

_log = logging.getLogger(__name__)

DATABASE_URL: Final = "SCMHOST_DATABASE_URL"
READ_URL: Final = "SCMHOST_READ_URL"
WEBHOOK_KEY: Final = "SCMHOST_WEBHOOK_KEY"
SECRET_KEYS: Final = "SCMHOST_SECRET_KEYS"  # noqa: S105 - the name of a variable
OPENID_SECRET: Final = "SCMHOST_OPENID_SECRET"  # noqa: S105 - the name of a variable
PLUGINS_OFF: Final = "SCMHOST_PLUGINS_OFF"
CONFIG_VARIABLE: Final = "SCMHOST_CONFIG"
DEFAULT_CONFIG: Final = Path("plugins.toml")

_HOST_VARIABLES: Final = {
    "database_url": DATABASE_URL,
    "read_url": READ_URL,
    "webhook_key": WEBHOOK_KEY,
    "secret_keys": SECRET_KEYS,
}
# A key has 44 characters; a larger file is something else.
_MAX_KEY_FILE: Final = 1_024

Tables = Mapping[KeyPath, type[BaseModel]]

# The model of each table, by its path; * stands for a plugin's name.
_TABLES: Final[Tables] = {
    (): FileSettings,
    ("host",): HostSettings,
    ("host", "breaker"): Breaker,
    ("host", "metrics"): MetricsSettings,
    ("host", "outbound"): OutboundSettings,
    ("host", "spans"): SpansSettings,
    ("database",): DatabaseSettings,
    ("limits",): Limits,
    ("limits", "quotas"): Quotas,
    ("limits", "quotas", "organizations", "*"): OwnQuota,
    ("server",): ServerSettings,
    ("web",): WebSettings,
    ("web", "openid"): OpenIdSettings,
    ("flags_provider",): FlagsProvider,
    ("plugins", "*"): PluginSettings,
    ("plugins", "*", "allow"): Organizations,
    ("plugins", "*", "breaker"): Breaker,
    ("plugins", "*", "deny"): Organizations,
    ("plugins", "*", "rollout"): Rollout,
}
_TOML_TYPES: Final[Mapping[type, str]] = {
    bool: "a boolean",
    dict: "a table",
    float: "a float",
    int: "an integer",
    list: "an array",
    str: "a string",
}
_PLACE_IN_TEXT: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def configuration_path(config: str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of plugins.toml, whether the file exists or not."""
    return Path(config or environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def read_configuration(
    config: str | None = None, database_url: str | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings of plugins.toml; options of the command line and the environment override them.

    Without an option, ``plugins.toml`` in the working directory is read if it exists. One that may be from others is
    an error; if the command line names the database, it is left out with a warning instead.

    Raises:
        ConfigError: the file or the environment is wrong, a file that was named does not exist, or one that was not
            named may be from others.
    """
    path = configuration_path(config, environ)
    database = with_database(environ, database_url)
    if is_named(config, environ):
        return read_settings(path, database)
    try:
        check_ownership(path)
    except ConfigError as error:
        if not database_url:
            raise
        _log.warning("configuration not read", extra={"file": str(path), "fault": str(error)})
        return settings_without(path, database)
    # A missing file is an error only if somebody named it; the default path is optional.
    return read_settings(path, database) if path.exists() else settings_without(path, database)


def is_named(config: str | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the command line or the environment names the file."""
    return bool(config or environ.get(CONFIG_VARIABLE))


def with_database(environ: Mapping[str, str], database_url: str | None) -> Mapping[str, str]:
    """Return the environment with the database of the command line, if there is one."""
    return {**environ, DATABASE_URL: database_url} if database_url else environ


def read_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file with the environment applied. Without a path: the defaults, no plugin enabled.

    Raises:
        ConfigError: the file is missing or wrong, or the environment names an unknown plugin.
    """
    return _settings(*((FileSettings(), Source()) if path is None else _file(_content(path), str(path))), environ)


def settings_without(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings where the file does not exist yet: the defaults with the environment applied.

    Raises:
        ConfigError: the environment is wrong.
    """
    return _settings(FileSettings(), Source(str(path), absent=True), environ)


def settings_of(content: bytes, file: str, environ: Mapping[str, str]) -> Settings:
    """Return the settings of content that may be written to the file.

    Raises:
        ConfigError: it is wrong.
    """
    return _settings(*_file(content, file), environ)


def _settings(file: FileSettings, source: Source, environ: Mapping[str, str]) -> Settings:
    return Settings(
        host=_host(file.host, source, environ),
        server=file.server,
        database=file.database,
        limits=file.limits,
        web=_web(file.web, environ),
        plugins={name: _with_references(name, table, source, environ) for name, table in file.plugins.items()},
        flags_provider=file.flags_provider,
        plugins_off=_plugins_off(environ.get(PLUGINS_OFF, ""), file.plugins),
        source=source,
    )


def _web(file: WebSettings, environ: Mapping[str, str]) -> WebSettings:
    secret = environ.get(OPENID_SECRET)
    if not (secret and file.openid):
        return file
    openid = file.openid.model_copy(update={"client_secret": SecretStr(secret)})
    return file.model_copy(update={"openid": openid})


def _with_references(name: str, table: PluginSettings, source: Source, environ: Mapping[str, str]) -> PluginSettings:
    if not table.settings:
        return table
    settings = with_references(table.settings, ("plugins", name, "settings"), source, environ)
    return table.model_copy(update={"settings": settings})


def _host(file: HostSettings, source: Source, environ: Mapping[str, str]) -> HostSettings:
    # An empty variable counts as not set: container files often pass it on empty.
    given: dict[str, Any] = {
        name: environ[variable] for name, variable in _HOST_VARIABLES.items() if environ.get(variable)
    }
    if "database_url" in given:
        # The replica that the file names is one of the database that it names.
        given.setdefault("read_url", None)
    if "secret_keys" in given:
        given["secret_keys"] = [key for key in map(str.strip, given["secret_keys"].split(",")) if key]
    else:
        given["secret_keys"] = [_read_key(key, source, environ) for key in file.secret_keys]
    try:
        return HostSettings.model_validate({**file.model_dump(exclude={"secret_keys"}), **given})
    except ValidationError as error:
        raise ConfigError(*(_environment_problem(detail) for detail in error.errors(include_url=False))) from None


def _environment_problem(detail: ErrorDetails) -> Problem:
    variable = _HOST_VARIABLES.get(str(detail["loc"][0]), "")
    return Problem("environment", None, variable, _lowered(detail["msg"].removeprefix("Value error, ")), "")


def _read_key(key: SecretStr | KeySource, source: Source, environ: Mapping[str, str]) -> SecretStr | KeySource:
    """Return a key, read from where it is written.

    Raises:
        ConfigError: there is no key.
    """
    if isinstance(key, SecretStr):
        return key
    if key.kind == "env":
        text, where = environ.get(key.name, ""), f"the environment variable {key.name}"
    else:
        text, where = _key_file(Path(key.name)), f"the file {key.name}"
    if is_key(text.strip()):
        return replace(key, key=SecretStr(text.strip()))
    hint = "make a key with: scmhost secrets new-key"
    raise ConfigError(
        Problem(source.file, source.line("host", "secret_keys"), "host.secret_keys", f"{where} has no key", hint)
    )


def _key_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_KEY_FILE).decode(errors="replace")
    except OSError:
        return ""


def problems_of(
    error: ValidationError, source: Source, table: KeyPath = (), model: type[BaseModel] = FileSettings
) -> list[Problem]:
    """Return the errors of a table's model with the line of each key. Values are not repeated: they may be secrets."""
    tables = _TABLES if model is FileSettings else {table: model}
    return [_problem(detail, source, table, tables) for detail in error.errors(include_url=False)]


def _file(content: bytes, file: str) -> tuple[FileSettings, Source]:
    text = _text(content, file)
    data = _parsed(text, file)
    # The hash lets operators check that all workers use the same bytes.
    source = Source(file, key_lines(text), sha256(content).hexdigest())
    _check_schema(data.get("schema"), source)
    try:
        return FileSettings.model_validate(data), source
    except ValidationError as error:
        raise ConfigError(*problems_of(error, source)) from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror})"
        raise ConfigError(Problem(str(path), None, "", problem, "check the path and its rights")) from None


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(Problem(file, line, "", "this is not UTF-8", "save the file as UTF-8")) from None


def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = _PLACE_IN_TEXT.search(message)
        # An error at the end of the document has no line in the parser's message.
        line = int(found[1]) if found and found[1] else len(text.splitlines()) or 1
        problem = f"this is not TOML: {_PLACE_IN_TEXT.sub('', message)}"
        raise ConfigError(Problem(file, line, "", problem, "fix this line")) from None


def _check_schema(schema: object, source: Source) -> None:
    """Report a newer schema before its keys are reported as unknown."""
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        problem = f"the file is written in schema {schema}, this scmhost reads {SCHEMA}"
        raise ConfigError(Problem(source.file, source.line("schema"), "schema", problem, "upgrade scmhost"))


def _problem(detail: ErrorDetails, source: Source, table: KeyPath, tables: Tables) -> Problem:
    path = (*table, *map(str, detail["loc"]))
    what, hint = _described(detail, path, tables)
    return Problem(source.file, source.line(*path), ".".join(path), what, hint)


def _described(detail: ErrorDetails, path: KeyPath, tables: Tables) -> tuple[str, str]:
    if detail["type"] == "extra_forbidden":
        return "unknown key", _known_key(path, tables)
    if detail["type"] == "missing" and len(path) > 1:
        return "field required", f"add {path[-1]} = ... to [{'.'.join(path[:-1])}]"
    # A plugin's own validator may have written the text.
    what = safe_text(detail["msg"]).removeprefix("Value error, ")
    if detail["type"].endswith("_type"):
        what += f", not {_TOML_TYPES.get(type(detail['input']), 'this')}"
    return _lowered(what), ""


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _known_key(path: KeyPath, tables: Tables) -> str:
    pattern = tuple("*" if place == 1 and path[0] == "plugins" else name for place, name in enumerate(path[:-1]))
    model = tables.get(path[:-1]) or tables.get(pattern)
    if model is None:
        return "leave it out"
    return did_you_mean(path[-1], (field.alias or name for name, field in model.model_fields.items()))


def _plugins_off(names: str, named: Iterable[str]) -> frozenset[str]:
    off = frozenset(filter(None, map(str.strip, names.split(","))))
    unknown = off - {*named, EVERYTHING}
    if not unknown:
        return off
    # Installed plugins are read only here: reading metadata is slow, and unknown names are rare.
    known = {*named, *(candidate.name for candidate in discover())}
    if wrong := sorted(unknown - known):
        hints = {name: did_you_mean(name, known) for name in wrong}
        raise ConfigError(
            *(Problem("environment", None, PLUGINS_OFF, f"unknown plugin {name!r}", hints[name]) for name in wrong)
        )
    return off
