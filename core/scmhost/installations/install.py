"""Install a provider for an organization, configure and list installations."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, JsonValue, SecretStr, ValidationError

from scmhost.audit.queries import record
from scmhost.infra.db.base import without_surrogates
from scmhost.infra.db.engine import Transaction
from scmhost.infra.db.errors import BadText, Duplicate
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.paging import Page, PageQuery
from scmhost.organizations.quotas import take_rows
from scmhost.plugins import PluginFault, ProviderCalls
from scmhost.plugins.calls import refusals
from scmhost.plugins.errors import Origin
from scmhost.sdk import Installation, InstallationDraft, JsonObject, Organization, Provider
from scmhost.sdk.installing import field_key
from scmhost.sdk.secrets import enclosed_secrets, secret_fields
from scmhost.services import Services

from . import queries
from .queries import StoredInstallation
from .sealing import seal, stored_secrets


class InvalidForm(InvalidInput):
    """A form's fields are wrong. ``problems`` maps each field to what is wrong with it."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(f"{field}: {' '.join(texts)}" for field, texts in problems.items()))
        self.problems = problems


def install_provider(
    services: Services, organization: Organization, provider_key: str, fields: Mapping[str, JsonValue]
) -> StoredInstallation:
    """Validate the form, get the installation from the plugin, and save it.

    Raises:
        ProviderOff: the provider is not on for this organization.
        InvalidForm: the fields are not valid for the provider's form.
        ProviderRefused: the plugin rejected the request.
        PluginFault: the plugin returns text that cannot be stored, or a configuration that its model refuses.
        Conflict: this installation exists already, or it has secrets and the host has no key for them.
    """
    calls = services.plugins.calls_for(provider_key, organization)
    form = read_form(calls, calls.provider.install_form, fields)
    # Outside of the transaction: the plugin may call its code host, and a write must not wait for that.
    with refusals():
        draft = calls.install(form, organization)
    with services.store.write() as tx:
        stored = save_draft(tx, services, organization, calls, draft)
    notify_saved(services, organization, stored)
    return stored


def save_draft(
    tx: Transaction,
    services: Services,
    organization: Organization,
    calls: ProviderCalls,
    draft: InstallationDraft,
    hook: str = "scm_install",
) -> StoredInstallation:
    """Save the installation that a hook returned, with its secrets.

    Raises:
        PluginFault: the plugin returned text that cannot be stored.
        Conflict: this installation exists already, or it has secrets and the host has no key for them.
    """
    provider_key = calls.provider.key
    try:
        version = services.plugins.plugin_version(provider_key)
        stored = queries.create(tx, organization.id, provider_key, draft, services.clock.now(), version)
        if draft.secrets:
            sealed = seal(services.secret_box, stored.installation, draft.secrets)
            queries.save_secrets(tx, stored.installation, *sealed, draft.secrets_expire_at)
    except Duplicate as error:
        raise Conflict(f"This {provider_key} installation exists already.") from error
    except BadText as error:
        raise _bad_draft(services, calls.plugin, hook, error) from error
    take_rows(tx, services, organization, {"installations": 1})
    # The name is the plugin's, not the form's: the plugin may have normalized it.
    target = stored.installation.id, stored.installation.name
    record(tx, services, organization, "integration.add", target, {"provider": provider_key})
    return stored


def notify_saved(services: Services, organization: Organization, stored: StoredInstallation) -> None:
    """Notify listeners of a new or changed installation, without its secrets. Call it after the transaction."""
    services.plugins.notify("scm_installation_saved", organization=organization, installation=stored.installation)


def configure_installation(
    services: Services, organization: Organization, installation_id: int, fields: Mapping[str, JsonValue]
) -> StoredInstallation:
    """Replace an installation's configuration by the given fields, after the provider's form validated them.

    Raises:
        NotFound: the organization has no such installation.
        ProviderOff: its provider is not on for this organization.
        InvalidInput: the provider has nothing to configure.
        InvalidForm: the fields are not valid for the provider's form.
        Conflict: the form has secrets, and the host has no key for them.
    """
    installation = get_installation(services, organization, installation_id).installation
    calls = services.plugins.calls_for(installation.provider, organization)
    model = calls.provider.configuration
    if model is None:
        raise InvalidInput(f"Installations of {installation.provider} have nothing to configure.")
    enclosed = enclosed_secrets(model)
    if enclosed:
        problem = "has a secret inside of another value, which cannot be stored; the plugin must give it a field"
        raise InvalidForm({name: [f"This field {problem} of its own."] for name in enclosed})
    own = secret_fields(model)
    held = stored_secrets(services, installation) if own else {}
    form = read_form(calls, model, {**_kept_secrets(model, held), **fields})
    # To a form, a field that is null is one that is missing: both are stored in the same way.
    configuration = form.model_dump(mode="json", exclude_none=True, exclude=set(own))
    secrets = _with_form(held, form, own)
    with services.store.write() as tx:
        version = services.plugins.plugin_version(installation.provider)
        queries.set_configuration(tx, organization.id, installation_id, configuration, version)
        changed = _changed_fields(installation.configuration, configuration) + _changed_fields(held, secrets)
        if secrets and secrets != held:
            queries.save_secrets(tx, installation, *seal(services.secret_box, installation, secrets), None)
        elif held and not secrets:
            queries.delete_secrets(tx, installation)
        # Saving a form without changes is no event for the audit log.
        if changed:
            target = installation.id, installation.name
            record(tx, services, organization, "integration.edit", target, {"fields": changed})
    stored = get_installation(services, organization, installation_id)
    if changed:
        notify_saved(services, organization, stored)
    return stored


def get_installation(services: Services, organization: Organization, installation_id: int) -> StoredInstallation:
    """Return one installation of the organization.

    Raises:
        NotFound: there is no such installation.
    """
    with services.store.read() as tx:
        stored = queries.get(tx, organization.id, installation_id)
    if stored is None:
        raise NotFound(f"Organization {organization.slug!r} has no installation with the id {installation_id}.")
    return stored


def list_installations(
    services: Services,
    organization: Organization,
    request: PageQuery,
    *,
    provider_key: str | None = None,
    features: frozenset[str] = frozenset(),
) -> Page[StoredInstallation]:
    """Return a page of installations by name, of one provider or of providers that have one of the features."""
    # The features become provider keys, so that the database filters before it makes pages.
    keys = frozenset({provider_key}) if provider_key else None
    if features:
        matching = _with_features(services, organization, features)
        keys = matching if keys is None else matching & keys
    with services.store.read() as tx:
        return queries.page(tx, organization.id, request, keys)


def list_linking_installations(services: Services, organization: Organization) -> Page[StoredInstallation]:
    """Return the first page of the installations whose provider makes links, by name, from the cache."""
    links = frozenset({"stacktrace_link"})
    keys = _with_features(services, organization, links)
    rows = services.store.caches.of(organization, services.clock.now())
    return rows.get(
        "linking installations",
        keys,
        lambda: list_installations(services, organization, PageQuery(), features=links),
    )


def _with_features(services: Services, organization: Organization, features: frozenset[str]) -> frozenset[str]:
    """Return the keys of the providers that are on and have one of these features."""
    lower = {name.lower() for name in features}
    providers = services.plugins.providers(organization)
    return frozenset(each.key for each in providers if lower & {feature.name.lower() for feature in each.features})


def catalogue(services: Services, organization: Organization) -> list[tuple[Provider, JsonObject]]:
    """Return the providers that are on for this organization, by key, each with its install form as JSON Schema."""
    providers = services.plugins.providers(organization)
    with_calls = ((provider, services.plugins.calls(provider.key)) for provider in providers)
    # A reload may remove a provider between the two look-ups. Nothing has validated the texts of a plugin's form.
    return [(provider, without_surrogates(calls.form_schema())) for provider, calls in with_calls if calls is not None]


def shown_configuration(services: Services, installation: Installation) -> JsonObject:
    """Return an installation's configuration without secrets, which older versions of scmhost stored there."""
    provider = services.plugins.provider(installation.provider)
    model = provider.configuration if provider else None
    own = secret_fields(model) if model else frozenset()
    return {name: value for name, value in installation.configuration.items() if name not in own}


def configuration_form(services: Services, installation: Installation) -> list[JsonValue]:
    """Return the provider's configuration model as JSON Schema, in a list; nothing if it has none, or is not loaded."""
    calls = services.plugins.calls(installation.provider)
    try:
        schema = calls.configuration_schema() if calls else None
    except PluginFault:
        # The installation is shown without it; the guard has logged the fault.
        return []
    return [without_surrogates(schema)] if schema else []


def field_problems(error: ValidationError, known: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return pydantic's errors by field; of an unknown field with the nearest of the known ones."""
    problems: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        # Sentry's text for a missing field.
        text = "This field is required." if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
        name = str(item["loc"][0]) if item["loc"] else "nonFieldErrors"
        near = get_close_matches(name, known, n=1) if item["type"] == "extra_forbidden" else ()
        problems.setdefault(name, []).append(f"{text}; did you mean {near[0]!r}?" if near else text)
    return problems


def read_form(calls: ProviderCalls, model: type[BaseModel], fields: Mapping[str, JsonValue]) -> BaseModel:
    """Return the fields as one of the provider's models.

    Raises:
        InvalidForm: the model refuses them.
    """
    try:
        return calls.read_form(model, fields)
    except ValidationError as error:
        names = [field.alias or name for name, field in model.model_fields.items()]
        raise InvalidForm(field_problems(error, names)) from error


def _kept_secrets(model: type[BaseModel], held: Mapping[str, SecretStr]) -> dict[str, Any]:
    """Return the fields of stored secrets: a person who changes another field cannot repeat them."""
    names = secret_fields(model) & held.keys()
    return {field_key(model, name): held[name].get_secret_value() for name in sorted(names)}


def _with_form(held: Mapping[str, SecretStr], form: BaseModel, names: frozenset[str]) -> dict[str, SecretStr]:
    """Return the secrets of an installation with those of a form; one that is null is removed."""
    kept = {name: secret for name, secret in held.items() if name not in names}
    given = {name: getattr(form, name) for name in sorted(names)}
    return kept | {name: secret for name, secret in given.items() if secret and secret.get_secret_value()}


def _changed_fields(before: Mapping[str, object], after: Mapping[str, object]) -> list[JsonValue]:
    """Return the names of the fields that differ. Their values may be secret, so the audit log must not have them."""
    return [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]


def _bad_draft(services: Services, plugin: str, hook: str, error: BadText) -> PluginFault:
    # The draft was valid for the guard; only the database refuses texts such as those with a NUL.
    distributions = {report.name: report.distribution for report in services.plugins.plugins}
    origin = Origin(plugin, distributions.get(plugin) or "unknown", hook)
    return PluginFault(origin, "bad_result", str(error))
