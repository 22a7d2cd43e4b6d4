"""Install a provider, and configure an installation: forms that are made from the plugin's model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import JsonValue
from starlette.responses import Response

from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.installations.examples import (
    ExamplePage,
    examples_of_configuration,
    examples_of_form,
    has_examples,
)
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
from .schema_form import SchemaField, read_schema_fields, schema_fields
from .visit import Visit, get, post

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
