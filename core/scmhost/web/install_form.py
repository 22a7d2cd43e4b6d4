"""Install a provider, and configure an installation: forms that are made from the plugin's model."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pydantic import JsonValue
from starlette.responses import Response

from scmhost.infra.db.base import without_surrogates
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.installations.examples import ExamplePage, examples_of_configuration, examples_of_form, has_examples
from scmhost.installations.install import (
    InvalidForm,
    catalogue,
    configuration_form,
    configure_installation,
    shown_configuration,
)
from scmhost.installations.install_steps import BegunInstallation, begin_installation
from scmhost.installations.queries import StoredInstallation
from scmhost.sdk import Provider

from .installations import path_of, stored
from .repositories import REFUSALS
from .visit import Visit, get, post

FieldKind = Literal["text", "password", "choice", "checkbox", "number", "lines", "json"]

# Field names of a plugin and those of the page share a form.
PREFIX: Final = "field-"
# Of more options, a person types one.
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


Problems = Mapping[str, Sequence[str]]
_OTHER: Final = "nonFieldErrors"


def show_install(visit: Visit) -> Response:
    """The install form of a provider."""
    visit.require_admin()
    provider, schema = _offered(visit)
    return _install_page(visit, provider, schema_fields(schema, {}))


def install(visit: Visit) -> Response:
    """Show examples of what the form gives, or install the provider."""
    organization = visit.require_admin()
    provider, schema = _offered(visit)
    fields = schema_fields(schema, {}, visit.form)

    def act(given: dict[str, JsonValue]) -> Response:
        if visit.field("do") == "examples":
            examples = examples_of_form(visit.services, organization, provider.key, given)
            return _install_page(visit, provider, fields, examples=examples)
        made = begin_installation(visit.acting, organization, provider.key, given)
        if isinstance(made, BegunInstallation):
            # A link, because the policy of pages lets no form lead to another host.
            return visit.page("pending.html", pending=made.pending, redirect=made.redirect)
        return visit.redirect(path_of(visit, made), f"{made.installation.name} is installed.")

    return _answered(visit, fields, act, lambda problems: _install_page(visit, provider, fields, problems=problems))


def show_configuration(visit: Visit) -> Response:
    """The configuration of an installation as a form."""
    visit.require_admin()
    found = stored(visit)
    return _configuration_page(visit, found, _configuration_fields(visit, found))


def configure(visit: Visit) -> Response:
    """Show examples of what the form gives, or save the configuration."""
    organization = visit.require_admin()
    found = stored(visit)
    fields = _configuration_fields(visit, found, visit.form)

    def act(given: dict[str, JsonValue]) -> Response:
        if visit.field("do") == "examples":
            examples = examples_of_configuration(visit.services, organization, found.installation.id, given)
            return _configuration_page(visit, found, fields, examples=examples)
        configure_installation(visit.acting, organization, found.installation.id, given)
        return visit.redirect(path_of(visit, found), "The configuration is saved.")

    return _answered(visit, fields, act, lambda problems: _configuration_page(visit, found, fields, problems=problems))


def _answered(
    visit: Visit,
    fields: Sequence[SchemaField],
    act: Callable[[dict[str, JsonValue]], Response],
    show: Callable[[Problems], Response],
) -> Response:
    """Return the answer of a form, or its page with the problems of the fields beside them."""
    try:
        return act(read_schema_fields(visit, fields))
    except InvalidForm as error:
        return show(error.problems)
    except InvalidInput as error:
        return show({error.field or _OTHER: [error.message]})
    except REFUSALS as error:
        return show({_OTHER: [str(error)]})


def _offered(visit: Visit) -> tuple[Provider, Mapping[str, Any]]:
    """Return the provider in the path with the schema of its form, if it is on for the organization."""
    for provider, schema in catalogue(visit.services, visit.organization):
        if provider.key == visit.path("provider"):
            return provider, schema
    raise NotFound("This organization may install no such provider.")


def _configuration_fields(
    visit: Visit, found: StoredInstallation, sent: Mapping[str, str] | None = None
) -> list[SchemaField]:
    schemas = configuration_form(visit.services, found.installation)
    if not schemas or not isinstance(schemas[0], dict):
        raise NotFound("This installation has nothing to configure.")
    fields = schema_fields(schemas[0], shown_configuration(visit.services, found.installation), sent)
    # A stored secret is never shown, and a form without it keeps it.
    return [replace(field, required=False) if field.kind == "password" else field for field in fields]


def _install_page(
    visit: Visit,
    provider: Provider,
    fields: Sequence[SchemaField],
    *,
    problems: Problems | None = None,
    examples: Sequence[ExamplePage] | None = None,
) -> Response:
    return visit.page(
        "install.html",
        400 if problems else 200,
        provider=provider,
        fields=fields,
        problems=problems or {},
        others=_others(fields, problems),
        examples=examples,
        can_show=has_examples(visit.services, visit.organization, provider.key),
    )


def _configuration_page(
    visit: Visit,
    found: StoredInstallation,
    fields: Sequence[SchemaField],
    *,
    problems: Problems | None = None,
    examples: Sequence[ExamplePage] | None = None,
) -> Response:
    return visit.page(
        "configuration.html",
        400 if problems else 200,
        stored=found,
        path=path_of(visit, found),
        fields=fields,
        problems=problems or {},
        others=_others(fields, problems),
        examples=examples,
        can_show=not any(field.kind == "password" for field in fields),
    )


def _others(fields: Sequence[SchemaField], problems: Problems | None) -> list[str]:
    """Return the problems that belong to no field of the page."""
    known = {field.key for field in fields}
    others = {name: texts for name, texts in (problems or {}).items() if name not in known}
    return [text if name == _OTHER else f"{name}: {text}" for name, texts in others.items() for text in texts]


VIEWS: Final = (
    get("/organizations/{organization}/installations/new/{provider}", show_install),
    post("/organizations/{organization}/installations/new/{provider}", install),
    get("/organizations/{organization}/installations/{installation}/configuration", show_configuration),
    post("/organizations/{organization}/installations/{installation}/configuration", configure),
)
