"""The fields of a form that a plugin describes as JSON Schema: what a page shows of them, and how they are read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import JsonValue

from scmhost.infra.db.base import without_surrogates
from scmhost.infra.errors import InvalidInput

from .visit import Visit

FieldKind = Literal["text", "password", "choice", "checkbox", "number", "lines", "json"]

# Field names of a plugin and those of the page share a form.
PREFIX: Final = "field-"
_LONGEST_OPTION_LIST: Final = 200


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A field of a form.

    Attributes:
        key: its name in the input of the model.
        label: its title, for people.
        hint: its description.
        kind: the control that a page shows.
        required: whether the model refuses a form without it.
        shown_first: whether most people fill it in; others are folded away.
        value: the text of the control; ``on`` for a checkbox that is set.
        options: the values of a choice.
    """

    key: str
    label: str
    hint: str
    kind: FieldKind
    required: bool
    shown_first: bool
    value: str = ""
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name in the form of the page."""
        return PREFIX + self.key


def schema_fields(
    schema: Mapping[str, Any], values: Mapping[str, JsonValue], sent: Mapping[str, str] | None = None
) -> list[SchemaField]:
    """Return the fields of a JSON Schema with their stored values, or with those that a browser sent.

    Fields that most people fill in are first: required ones, then those with a default that is not null.
    """
    required = set(schema.get("required", ()))
    properties: Mapping[str, Any] = schema.get("properties", {})
    fields = [
        _field(schema, key, _resolved(schema, info), key in required, values, sent)
        for key, info in properties.items()
        if isinstance(info, dict)
    ]
    return sorted(fields, key=lambda field: (not field.required, not field.shown_first))


def read_schema_fields(visit: Visit, fields: Sequence[SchemaField]) -> dict[str, JsonValue]:
    """Return the input of the model. A blank field is left out, so that its default counts.

    Raises:
        InvalidInput: a field with JSON is malformed.
    """
    given: dict[str, JsonValue] = {}
    for field in fields:
        # The blanks around a password may belong to it.
        text = visit.form.get(field.name, "") if field.kind == "password" else visit.field(field.name)
        if field.kind == "checkbox":
            given[field.key] = bool(text)
        elif text:
            given[field.key] = _read(field, text)
    return given


def _read(field: SchemaField, text: str) -> JsonValue:
    if field.kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if field.kind != "json":
        return text
    try:
        value: JsonValue = without_surrogates(json.loads(text))
    except (ValueError, RecursionError):
        raise InvalidInput("This is not JSON.", field.key) from None
    return value


def _field(
    schema: Mapping[str, Any],
    key: str,
    info: Mapping[str, Any],
    required: bool,  # noqa: FBT001 - a fact of the field
    values: Mapping[str, JsonValue],
    sent: Mapping[str, str] | None,
) -> SchemaField:
    kind = _kind(schema, info)
    default = info.get("default")
    value = values.get(key, default)
    text = sent.get(PREFIX + key, "") if sent is not None else _text(kind, value)
    return SchemaField(
        key=key,
        # Pydantic makes titles of names, with each word in capitals.
        label=str(info.get("title") or key).replace("_", " ").capitalize().replace("Url", "URL"),
        hint=str(info.get("description") or ""),
        kind=kind,
        required=required,
        shown_first=required or default is not None or kind == "password",
        value="" if kind == "password" else text,
        options=tuple(str(each) for each in info.get("enum", ())),
    )


def _text(kind: FieldKind, value: JsonValue) -> str:
    if value is None or kind == "password":
        return ""
    if kind == "checkbox":
        return "on" if value else ""
    if kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _kind(schema: Mapping[str, Any], info: Mapping[str, Any]) -> FieldKind:
    if info.get("format") == "password" or info.get("writeOnly"):
        return "password"
    options = info.get("enum")
    if isinstance(options, list) and len(options) <= _LONGEST_OPTION_LIST:
        return "choice"
    kinds: Mapping[str, FieldKind] = {"string": "text", "boolean": "checkbox", "integer": "number", "number": "number"}
    kind = info.get("type")
    if kind == "array":
        items = _resolved(schema, info.get("items") or {})
        return "lines" if items.get("type") == "string" else "json"
    return kinds.get(str(kind), "json")


def _resolved(schema: Mapping[str, Any], info: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a property with what its reference or its only alternative besides null describes."""
    alternatives = [each for each in info.get("anyOf", ()) if each.get("type") != "null"]
    inner = alternatives[0] if len(alternatives) == 1 else {}
    reference = str(info.get("$ref") or inner.get("$ref") or "")
    named: Mapping[str, Any] = schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {}) if reference else {}
    return {**named, **inner, **info}
