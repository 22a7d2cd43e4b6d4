"""What an author gives the suite to work with, and what the suite makes up where nothing is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

WEB: Final = "https://git.example.com"
_URL_WORDS: Final = ("url", "uri", "server", "host", "address", "domain", "base")

Headers = Mapping[str, str] | Callable[[str, bytes], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class PushSample:
    """A good delivery of a push webhook.

    Attributes:
        body: what the code host sends.
        headers: what it sends with it; or a function of secret and body that signs, so that the suite can sign others.
        secret: what the sample is signed with.
    """

    body: bytes
    headers: Headers
    secret: str = "s3cret"  # noqa: S105 - of a sample

    def signed(self, secret: str, body: bytes) -> Mapping[str, str]:
        """The headers of a delivery, names in lower case."""
        headers = self.headers(secret, body) if callable(self.headers) else self.headers
        return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Waiver:
    """A law that is not kept yet: why, and until when. After that day, or once the law is kept, it fails."""

    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Samples:
    """Whose laws are asked about, and with what.

    Attributes:
        plugin: the plugin's module or object, or the name of its entry point.
        provider: the key of the provider to ask about; empty for the first.
        settings: what an operator would write under ``settings`` in plugins.toml.
        form: what a person fills into the install form; required fields that are left out are made up.
        installation: fields of the installation, such as its external_id and configuration, for a plugin whose
            scm_install asks its host; those that are left out are taken from the form. Used when no host answers.
        repository: fields of the repository that is added, such as its name and url.
        hosts: base URLs that links may lead to, beside those of the form, the settings and the repository.
        push: a good delivery of a push webhook.
        examples: how many inputs are drawn for a law.
    """

    plugin: object
    provider: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, Any] = field(default_factory=dict)
    installation: Mapping[str, Any] = field(default_factory=dict)
    repository: Mapping[str, Any] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    push: PushSample | None = None
    examples: int = 50


def made_up(model: type[BaseModel]) -> dict[str, JsonValue]:
    """Values for the required fields of a form, as far as its schema says what they are."""
    schema = model.model_json_schema()
    shared: Mapping[str, Any] = schema.get("$defs", {})
    fields: Mapping[str, Any] = schema.get("properties", {})
    return {name: _value(name, fields[name], shared) for name in schema.get("required", ())}


def draft_of(samples: Samples, form: BaseModel) -> dict[str, Any]:
    """The fields of an installation that nobody could ask the plugin's host about."""
    fields = to_jsonable_python(form.model_dump(), fallback=str)
    texts = [value for value in fields.values() if isinstance(value, str) and value]
    name = next((text for text in texts if not text.lower().startswith("http")), "team")
    made = {"name": name[:200], "external_id": name[:64], "metadata": {}, "configuration": fields}
    return {**made, **samples.installation}


def _value(name: str, schema: Mapping[str, Any], shared: Mapping[str, Any]) -> JsonValue:
    if "$ref" in schema:
        return _value(name, shared[schema["$ref"].rpartition("/")[2]], shared)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _value(name, schema[several][0], shared)
    known: list[JsonValue] = [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
    known += schema.get("examples", ())
    return known[0] if known else _OF_TYPE.get(schema.get("type", "string"), _text)(name, schema)


def _text(name: str, schema: Mapping[str, Any]) -> JsonValue:
    is_url = schema.get("format") == "uri" or any(word in name.lower() for word in _URL_WORDS)
    if is_url:
        return WEB
    text = "ada@example.com" if "mail" in name.lower() else "team"
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
