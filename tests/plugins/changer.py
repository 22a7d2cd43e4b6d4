"""A plugin that changes the frozen values that its hooks get, in every way that Python leaves open."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, JsonValue, SecretStr

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Existence,
    Feature,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    Offer,
    Organization,
    Provider,
    Push,
    Repository,
    hookimpl,
)

FOREIGN = 999


def spoil(*values: Any) -> None:
    """Change every field of values to that of another organization, and everything inside of them."""
    for value in values:
        match value:
            case tuple():
                spoil(*value)
            case dict():
                spoil(*value.values())
                dict.__setitem__(value, "spoilt", FOREIGN)
            case list():
                list.append(value, "spoilt")
            case BaseModel():
                _spoil_fields(value)
            case SecretStr():
                value._secret_value = "spoilt"


def _spoil_fields(value: BaseModel) -> None:
    spoil(*[inner for inner in vars(value).values() if isinstance(inner, dict | list | tuple)])
    for name in {"id", "organization_id"} & vars(value).keys():
        object.__setattr__(value, name, FOREIGN)
    for name in {"name", "url", "identifier", "slug", "path", "external_id"} & vars(value).keys():
        value.__dict__[name] = "spoilt"


class Changer:
    """Implements the hooks of a provider, and the listeners."""

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        features = frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK})
        return [Provider(key="changer", name="Changer", features=features, requires_feature_flag=False)]

    @hookimpl
    def scm_install(self, organization: Organization) -> InstallationDraft:
        spoil(organization)
        return InstallationDraft(name="changer", external_id="1", metadata={"inner": {"a": 1}})

    @hookimpl
    def scm_offer_repositories(self, installation: Installation, repositories: Sequence[Repository]) -> Sequence[Offer]:
        spoil(installation, repositories)
        return []

    @hookimpl
    def scm_dispatch_repository(
        self, installation: Installation, request: AddRequest, candidate: Repository | None
    ) -> Claim | Create:
        found = candidate is not None
        spoil(installation, request, candidate)
        return Claim() if found else Create(name="created", external_id="7")

    @hookimpl
    def scm_serialize_repository(
        self, repository: Repository, payload: Mapping[str, JsonValue]
    ) -> Mapping[str, JsonValue]:
        spoil(repository, payload)
        return {}

    @hookimpl
    def scm_source_url(self, installation: Installation, repository: Repository, location: Location) -> str:
        spoil(installation, repository, location)
        return "https://forge.example/page"

    @hookimpl
    def scm_commit_url(self, installation: Installation, repository: Repository) -> str:
        spoil(installation, repository)
        return "https://forge.example/commit"

    @hookimpl
    def scm_read_source_url(
        self, installation: Installation, repositories: Sequence[Repository]
    ) -> Sequence[LocationCandidate]:
        spoil(installation, repositories)
        return []

    @hookimpl
    def scm_file_exists(self, installation: Installation, repository: Repository, location: Location) -> Existence:
        spoil(installation, repository, location, installation.secrets)
        return Existence.YES

    @hookimpl
    def scm_read_push(self, installation: Installation) -> Sequence[Push]:
        spoil(installation)
        return []

    @hookimpl
    def scm_repository_saved(self, organization: Organization, repository: Repository) -> None:
        spoil(organization, repository)


plugin = Changer()
