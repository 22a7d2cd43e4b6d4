"""The sample values that an author gives to the suite, and defaults for those that are left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

from scmhost.sdk.secrets import secret_fields

DEFAULT_URL: Final = "https://git.example.com"
_URL_WORDS: Final = ("url", "uri", "server", "host", "address", "domain", "base")

Headers = Mapping[str, str] | Callable[[str, bytes], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class PushSample:
    """A valid delivery of a push webhook.

    Attributes:
        body: the body that the code host sends.
        headers: its headers; or a function of secret and body that signs, so that the suite can sign other bodies.
        secret: the secret that signs the sample.
    """

    body: bytes
    headers: Headers
    secret: str = "s3cret"  # noqa: S105 - of a sample

    def signed(self, secret: str, body: bytes) -> Mapping[str, str]:
        """Return the headers of a delivery, with names in lower case."""
        headers = self.headers(secret, body) if callable(self.headers) else self.headers
        return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class FileSample:
    """A file of the sample repository. Checks of files, refs and commits ask for what is known to exist.

    Attributes:
        ref: a branch, a tag or a commit that has the file, and commits before it.
        path: the path of the file; it has at least one line.
        large: the path of a file of more than ``MAX_FILE_BYTES``, if there is one.
        outside: paths of symbolic links that lead out of the repository.
    """

    ref: str
    path: str
    large: str = ""
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """Accept the violation of a check for a reason and until a day. Later, or once the check is kept, it fails."""

    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Samples:
    """The plugin to check, and the values to check it with.

    Attributes:
        plugin: the plugin's module or object, its entry point, or the name of its entry point.
        provider: the key of the provider to check; empty for the first.
        settings: the operator's settings, as under ``settings`` in plugins.toml.
        form: the fields of the install form; required fields that are left out get defaults.
        installation: fields of the installation, such as external_id and configuration, used when scm_install cannot
            reach its host; fields that are left out come from the form.
        repository: fields of the sample repository, such as its name and url. What ``scm_dispatch_repository`` decides
            about it adds the others; give external_id and configuration only if your host is not there to decide.
        hosts: base URLs that links may lead to, besides those in the form, the settings and the repository.
        push: a valid delivery of a push webhook.
        old_configurations: configurations of installations that earlier versions of the plugin stored, by version.
        file: a file of the sample repository.
        examples: the number of generated inputs for each check.
    """

    plugin: object
    provider: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    installation: Mapping[str, Any] = field(default_factory=dict)
    repository: Mapping[str, Any] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    push: PushSample | None = None
    old_configurations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    file: FileSample | None = None
    examples: int = 50


def default_fields(model: type[BaseModel]) -> dict[str, JsonValue]:
    """Return values for the required fields of a form, chosen by its JSON schema."""
    schema = model.model_json_schema()
    shared: Mapping[str, Any] = schema.get("$defs", {})
    fields: Mapping[str, Any] = schema.get("properties", {})
    return {name: _value(name, fields[name], shared) for name in schema.get("required", ())}


def default_draft(samples: Samples, form: BaseModel) -> dict[str, Any]:
    """Return the fields of an installation for a plugin whose code host cannot be reached."""
    secrets = secret_fields(type(form))
    fields = to_jsonable_python(form.model_dump(exclude=set(secrets)), fallback=str)
    texts = [value for value in fields.values() if isinstance(value, str) and value]
    name = next((text for text in texts if not text.lower().startswith("http")), "team")
    # Cut to the limits of ``InstallationDraft``.
    made = {"name": name[:200], "external_id": name[:64], "metadata": {}, "configuration": fields}
    made["secrets"] = {field: value for field in sorted(secrets) if (value := getattr(form, field))}
    return {**made, **samples.installation}


def _value(name: str, schema: Mapping[str, Any], shared: Mapping[str, Any]) -> JsonValue:
    if "$ref" in schema:
        return _value(name, shared[schema["$ref"].rpartition("/")[2]], shared)
    # The first type of an optional field is not null.
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _value(name, schema[several][0], shared)
    known: list[JsonValue] = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    known += schema.get("examples", ())
    return known[0] if known else _OF_TYPE.get(schema.get("type", "string"), _text)(name, schema)


def _text(name: str, schema: Mapping[str, Any]) -> JsonValue:
    # An email_address has a word of URLs in its name, but is none.
    is_mail = schema.get("format") == "email" or "mail" in name.lower()
    is_url = schema.get("format") == "uri" or any(word in name.lower() for word in _URL_WORDS if not is_mail)
    if is_url:
        return DEFAULT_URL
    text = "ada@example.com" if is_mail else "team"
    return text.ljust(schema.get("minLength", 0), "m")[: schema.get("maxLength")]


def _number(_name: str, schema: Mapping[str, Any]) -> JsonValue:
    least: JsonValue = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    return least


_OF_TYPE: Final[Mapping[str, Callable[[str, Mapping[str, Any]], JsonValue]]] = {
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": lambda _name, _schema: True,
    "array": lambda _name, _schema: [],
    "object": lambda _name, _schema: {},
    "null": lambda _name, _schema: None,
}
