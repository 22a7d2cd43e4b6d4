"""Install a provider for an organization, change its configuration, and take it away."""

from collections.abc import Mapping

from pydantic import BaseModel, JsonValue, ValidationError

from scmhost.audit.record import record
from scmhost.infra.db.errors import Duplicate
from scmhost.infra.errors import Conflict, InvalidInput, NotFound
from scmhost.infra.paging import Page, PageRequest
from scmhost.plugins import ProviderCalls
from scmhost.sdk import JsonObject, Organization, Provider
from scmhost.services import Services

from . import queries
from .provider_calls import calls_for, refusals
from .queries import StoredInstallation


class InvalidForm(InvalidInput):
    """A form's fields are wrong. ``problems`` maps each field to what is wrong with it."""

    def __init__(self, problems: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(f"{field}: {' '.join(texts)}" for field, texts in problems.items()))
        self.problems = problems


def install_provider(
    services: Services, organization: Organization, provider_key: str, fields: Mapping[str, JsonValue]
) -> StoredInstallation:
    """Check the form, let the plugin decide what the installation is, and save it.

    Raises:
        ProviderOff: no such provider is on for this organization.
        InvalidForm: the provider's form refuses the fields.
        ProviderRefused: the plugin refuses.
        Conflict: this installation exists already.
    """
    calls = calls_for(services, provider_key, organization)
    form = _checked_form(calls, calls.provider.install_form, fields)
    with refusals():
        draft = calls.install(form, organization)
    with services.store.write() as tx:
        try:
            saved = queries.create(tx, organization.id, provider_key, draft, services.clock.now())
        except Duplicate as error:
            raise Conflict(f"This {provider_key} installation exists already.") from error
        record(
            tx,
            services,
            organization,
            "integration.add",
            (saved.installation.id, saved.installation.name),
            {"provider": provider_key},
        )
    return saved


def configure_installation(
    services: Services, organization: Organization, installation_id: int, fields: Mapping[str, JsonValue]
) -> StoredInstallation:
    """Replace an installation's configuration by the given fields, after the provider's own check."""
    found = get_installation(services, organization, installation_id)
    calls = calls_for(services, found.installation.provider, organization)
    if calls.provider.configuration is None:
        raise InvalidInput(f"Installations of {found.installation.provider} have nothing to configure.")
    form = _checked_form(calls, calls.provider.configuration, fields)
    with services.store.write() as tx:
        configuration = form.model_dump(mode="json", exclude_none=True)
        changed = _changed(found.installation.configuration, configuration)
        queries.set_configuration(tx, organization.id, installation_id, configuration)
        if changed:
            record(
                tx,
                services,
                organization,
                "integration.edit",
                (found.installation.id, found.installation.name),
                {"fields": changed},
            )
    return get_installation(services, organization, installation_id)


def get_installation(services: Services, organization: Organization, installation_id: int) -> StoredInstallation:
    """One installation of the organization."""
    with services.store.read() as tx:
        found = queries.get(tx, organization.id, installation_id)
    if found is None:
        raise NotFound(f"Organization {organization.slug!r} has no installation with the id {installation_id}.")
    return found


def list_installations(
    services: Services,
    organization: Organization,
    request: PageRequest,
    *,
    provider_key: str | None = None,
    features: frozenset[str] = frozenset(),
) -> Page[StoredInstallation]:
    """Installations by name. The feature filter applies before paging, so that no page comes up short."""
    keys = _keys_with(services, organization, provider_key, features)
    with services.store.read() as tx:
        return queries.page(tx, organization.id, request, keys)


def catalogue(services: Services, organization: Organization) -> list[tuple[Provider, JsonObject]]:
    """The providers that are on for this organization, by key, each with its install form as JSON Schema."""
    listed = ((provider, services.plugins.calls(provider.key)) for provider in services.plugins.providers(organization))
    return [(provider, calls.form_schema()) for provider, calls in listed if calls is not None]


def idle_reason(services: Services, organization: Organization, provider_key: str | None) -> str | None:
    """Why what belongs to this provider is idle now, or None while it works."""
    if provider_key is None:
        return None
    switch = services.plugins.decide(provider_key, organization)
    return None if switch.on else switch.reason


def field_problems(error: ValidationError) -> dict[str, list[str]]:
    """Pydantic's findings as a field map; a missing field in the words that Sentry's clients know."""
    problems: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        text = "This field is required." if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
        problems.setdefault(str(item["loc"][0]) if item["loc"] else "nonFieldErrors", []).append(text)
    return problems


def _changed(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> list[JsonValue]:
    """The names of the fields that differ. What they say may be secret."""
    return [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]


def _checked_form(calls: ProviderCalls, model: type[BaseModel], fields: Mapping[str, JsonValue]) -> BaseModel:
    try:
        return calls.read_form(model, fields)
    except ValidationError as error:
        raise InvalidForm(field_problems(error)) from error


def _keys_with(
    services: Services, organization: Organization, provider_key: str | None, features: frozenset[str]
) -> frozenset[str] | None:
    """The provider keys to keep, or None for all."""
    if not features:
        return frozenset({provider_key}) if provider_key else None
    having = {
        provider.key
        for provider in services.plugins.providers(organization)
        if {feature.name.lower() for feature in provider.features} & {name.lower() for name in features}
    }
    return frozenset(having & {provider_key} if provider_key else having)
