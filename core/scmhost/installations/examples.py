"""Example pages of an installation that is not saved yet, so that a person sees what the fields of a form give."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from scmhost.infra.errors import InvalidInput
from scmhost.plugins import ProviderCalls
from scmhost.plugins.calls import refusals
from scmhost.sdk import Installation, Location, NoUrl, Organization, Repository
from scmhost.sdk.secrets import secret_fields
from scmhost.services import Services

from .install import get_installation, read_form

_NAME: Final = "team/app"
_SHA: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_OLDER_SHA: Final = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
_PATH: Final = "src/cart.py"


@dataclass(frozen=True, slots=True)
class ExamplePage:
    """A page of a sample repository.

    Attributes:
        title: what the page shows.
        url: its address; None if the installation has no such page.
        problem: why there is none.
    """

    title: str
    url: str | None
    problem: str = ""


def has_examples(services: Services, organization: Organization, provider_key: str) -> bool:
    """Return whether a form of a provider can be tried: without secrets, and without a person at the code host."""
    calls = services.plugins.calls_for(provider_key, organization)
    return not calls.has("scm_begin_install") and not secret_fields(calls.provider.install_form)


def examples_of_form(
    services: Services, organization: Organization, provider_key: str, fields: Mapping[str, JsonValue]
) -> list[ExamplePage]:
    """Return example pages of the installation that an install form describes. Nothing is saved.

    Raises:
        ProviderOff, InvalidForm, ProviderRefused, PluginFault: as for ``install_provider``.
        InvalidInput: the provider's form cannot be tried.
    """
    if not has_examples(services, organization, provider_key):
        raise InvalidInput("This provider has no examples before it is installed.")
    calls = services.plugins.calls_for(provider_key, organization)
    with refusals():
        draft = calls.install(read_form(calls, calls.provider.install_form, fields), organization)
    installation = Installation(
        id=0,
        organization_id=organization.id,
        provider=provider_key,
        name=draft.name,
        external_id=draft.external_id,
        metadata=draft.metadata,
        configuration=draft.configuration,
    )
    return _pages(services, calls, installation)


def examples_of_configuration(
    services: Services, organization: Organization, installation_id: int, fields: Mapping[str, JsonValue]
) -> list[ExamplePage]:
    """Return example pages of an installation with another configuration. Nothing is saved.

    Raises:
        NotFound, ProviderOff, InvalidInput, InvalidForm: as for ``configure_installation``.
    """
    stored = get_installation(services, organization, installation_id).installation
    calls = services.plugins.calls_for(stored.provider, organization)
    model = calls.provider.configuration
    if model is None or secret_fields(model):
        raise InvalidInput("This provider has no examples.")
    configuration = read_form(calls, model, fields).model_dump(mode="json", exclude_none=True)
    return _pages(services, calls, stored.model_copy(update={"configuration": configuration}))


def _pages(services: Services, calls: ProviderCalls, installation: Installation) -> list[ExamplePage]:
    base = installation.metadata.get("domain_name")
    # A provider may show its organization or team as a part of the address; the sample has one of its own.
    host = base.removesuffix(f"/{installation.name}") if isinstance(base, str) and base else "https://git.example.com"
    repository = Repository(
        id=0,
        organization_id=installation.organization_id,
        name=_NAME,
        url=f"{host if '://' in host else f'https://{host}'}/{_NAME}".replace(f"//{_NAME}", f"/{_NAME}"),
        provider=installation.provider,
        installation_id=installation.id,
        external_id=_NAME,
        created_at=services.clock.now(),
    )
    at_branch = Location(ref="main", ref_kind="branch", path=_PATH, line=41)
    at_commit = Location(ref=_SHA, ref_kind="commit", path=_PATH, line=41, end_line=44)
    with refusals():
        return [
            _page("A line of a file", calls.source_url(installation, repository, at_branch)),
            _page("Lines at a commit", calls.source_url(installation, repository, at_commit)),
            _page("A commit", calls.commit_url(installation, repository, _SHA)),
            _page("A comparison", calls.compare_url(installation, repository, _OLDER_SHA, _SHA)),
        ]


def _page(title: str, url: str | NoUrl) -> ExamplePage:
    if isinstance(url, NoUrl):
        return ExamplePage(title, None, url.message or url.reason.value.replace("_", " "))
    return ExamplePage(title, url)
