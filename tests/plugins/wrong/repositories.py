"""Plugins that violate a check of installing, offering, claiming or serializing."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, SecretStr

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    InstallationDraft,
    Offer,
    OfferPage,
    Provider,
    ProviderError,
    RefreshedCredentials,
    Refusal,
    Repository,
    RepositoryUpdate,
    hookimpl,
    join_url,
)

from .correct import Correct, Settings, with_provider


class FormWithoutValidation(BaseModel):
    team: str
    server: str


class AcceptsAnyUrl(Correct):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [with_provider(install_form=FormWithoutValidation)]


class RaisesForUnsafeUrls(AcceptsAnyUrl):
    @hookimpl
    def scm_install(self, form: FormWithoutValidation) -> InstallationDraft:
        return InstallationDraft(name=form.team, external_id="1", metadata={"home": join_url(form.server, form.team)})


class ShowsSecretInInstallation(Correct):
    @hookimpl
    def scm_install(self, form: Any, settings: Settings) -> InstallationDraft:
        token = settings.token.get_secret_value()
        return InstallationDraft(name=form.team, external_id="1", configuration={"token": token})


class ShowsSecretInError(Correct):
    @hookimpl
    def scm_compare_commits(self, settings: Settings) -> Sequence[Any]:
        raise ProviderError(f"401 for https://x:{settings.token.get_secret_value()}@git.example.com")


class ReturnsMaskOfSecret(Correct):
    @hookimpl
    def scm_install(self, form: Any, settings: Settings) -> InstallationDraft:
        fields = {"server": form.server, **settings.model_dump(mode="json", include={"token"})}
        return InstallationDraft(name=form.team, external_id="1", configuration=fields)


class ReturnsOtherConfiguration(Correct):
    @hookimpl
    def scm_install(self, form: Any) -> InstallationDraft:
        return InstallationDraft(name=form.team, external_id="1", configuration={"servr": form.server})


class NestedSecrets(BaseModel):
    server: str
    tokens: list[SecretStr] = []


class NestsSecrets(Correct):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [with_provider(configuration=NestedSecrets)]


class RenewsExpiredCredentials(Correct):
    @hookimpl
    def scm_refresh_credentials(self) -> RefreshedCredentials:
        return RefreshedCredentials(
            secrets={"token": SecretStr("renewed")}, expires_at=datetime(2026, 1, 2, tzinfo=UTC)
        )


class OffersSameIdentifier(Correct):
    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository]) -> Sequence[Offer]:
        return [Offer(identifier=one.name[:1], name=one.name) for one in repositories]


class RepeatsPage(Correct):
    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository], cursor: str) -> OfferPage:
        return OfferPage(offers=(), next={"": "a", "a": "b"}.get(cursor, "a"))


class RepeatsOffers(Correct):
    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository], cursor: str) -> OfferPage:
        offers = tuple(Offer(identifier=str(one.id), name=one.name) for one in repositories)
        return OfferPage(offers=offers, next=None if cursor else "2")


class OffersWithoutEnd(Correct):
    @hookimpl
    def scm_offer_repositories(self, cursor: str) -> OfferPage:
        return OfferPage(offers=(), next=f"{cursor[:900]}x")


class BeginsAgainAtUnknownCursor(Correct):
    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository], cursor: str) -> OfferPage:
        return OfferPage(offers=tuple(Offer(identifier=str(one.id), name=one.name) for one in repositories))


class SyncsOtherRepositories(Correct):
    @hookimpl
    def scm_sync_repositories(self) -> Sequence[RepositoryUpdate]:
        return [RepositoryUpdate(repository_id=1, state="archived")]


class SyncsUnsafeUrls(Correct):
    @hookimpl
    def scm_sync_repositories(self, repositories: Sequence[Repository]) -> Sequence[RepositoryUpdate]:
        return [RepositoryUpdate(repository_id=one.id, url="javascript:alert(1)") for one in repositories]


class OffersUnknownIdentifier(Correct):
    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository]) -> Sequence[Offer]:
        return [Offer(identifier=f"offer:{one.id}", name=one.name) for one in repositories]


class RefusesAll(Correct):
    @hookimpl
    def scm_dispatch_repository(self) -> Refusal:
        return Refusal(reason="invalid", message="Not today.")


class ClaimsWithoutCandidate(Correct):
    @hookimpl
    def scm_dispatch_repository(self, candidate: Repository | None) -> Claim:
        return Claim()


class CreatesDuplicates(Correct):
    @hookimpl
    def scm_dispatch_repository(self, request: AddRequest) -> Create | Refusal:
        name = request.identifier[:100]
        return Create(name=name, external_id="7") if name else Refusal(reason="invalid", message="No name.")


class AlternatesDecisions(Correct):
    def __init__(self) -> None:
        self._calls = itertools.count()

    @hookimpl
    def scm_dispatch_repository(self, candidate: Repository | None) -> Claim | Refusal:
        refusal = Refusal(reason="unavailable", message="Once more, please.")
        return Claim() if candidate and next(self._calls) % 2 else refusal


class RemembersRepositories(Correct):
    def __init__(self) -> None:
        self._known: dict[int, Repository] = {}

    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository]) -> Sequence[Offer]:
        self._known.update({one.id: one for one in repositories})
        return [Offer(identifier=str(one.id), name=one.name) for one in self._known.values()]


class CachesOffers(Correct):
    def __init__(self) -> None:
        self._offers: Sequence[Offer] = ()

    @hookimpl
    def scm_offer_repositories(self, repositories: Sequence[Repository]) -> Sequence[Offer]:
        self._offers = self._offers or [Offer(identifier=str(one.id), name=one.name) for one in repositories]
        return self._offers


class ReplacesTextByNumber(Correct):
    @hookimpl
    def scm_serialize_repository(self, repository: Repository) -> Mapping[str, Any]:
        return {"name": repository.id}


class DropsInstallationId(Correct):
    @hookimpl
    def scm_serialize_repository(self) -> Mapping[str, Any]:
        return {"integrationId": None}
