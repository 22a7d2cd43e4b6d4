"""A plugin with every hook that keeps every check; each wrong plugin changes one thing."""

import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr, ValidationError, field_validator

from scmhost.sdk import (
    AddRequest,
    BlamedLine,
    Claim,
    Command,
    CommitDraft,
    Create,
    DeliveryRoute,
    Existence,
    Feature,
    Installation,
    InstallationDraft,
    Location,
    LocationCandidate,
    NoUrl,
    Offer,
    OfferPage,
    Organization,
    Pages,
    Provider,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Push,
    Reason,
    RedirectTo,
    RefreshedCredentials,
    Refusal,
    RegisteredWebhook,
    Repository,
    RepositoryUpdate,
    ResolvedRef,
    UrlTemplates,
    check_signature,
    check_web_url,
    hookimpl,
    read_own_url,
)

PAGES = Pages(
    view="{repo_url}/show/{ref|segment}/{path}",
    anchor="#L{line}",
    commit="{repo_url}/commit/{commit}",
    compare="{repo_url}/compare/{base}...{head}",
)


# Of the operator's settings, in a real plugin.
APP_SECRET = SecretStr("secret of the application")


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    team: str
    server: str

    @field_validator("server")
    @classmethod
    def _web_url(cls, url: str) -> str:
        return check_web_url(url)


class Settings(BaseModel):
    token: SecretStr = SecretStr("sample-token")
    reads: int = 0


class Delivery(BaseModel):
    """The body of the host's push webhook."""

    account: str = "team"
    repository: str
    shas: tuple[str, ...]

    def push(self) -> Push:
        return Push(repository=self.repository, commits=tuple(CommitDraft(sha=sha) for sha in self.shas))


class Configuration(BaseModel):
    server: str
    token: SecretStr | None = None


PROVIDER = Provider(
    key="correct",
    name="Correct",
    features=frozenset(Feature),
    install_form=Form,
    configuration=Configuration,
    settings=Settings,
)
NO_URL = NoUrl(reason=Reason.REPOSITORY_WITHOUT_URL)


class Correct:
    """Implements every hook correctly."""

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (PROVIDER,)

    @hookimpl
    def scm_install(self, form: Form) -> InstallationDraft:
        return InstallationDraft(
            name=form.team,
            external_id=form.team,
            metadata={"domain_name": form.server},
            configuration={"server": form.server},
            secrets={"token": SecretStr("token of the installation")},
        )

    @hookimpl
    def scm_begin_install(self, form: Form, callback_url: str, state: str) -> RedirectTo | InstallationDraft:
        query = urlencode({"redirect_uri": callback_url, "state": state})
        return RedirectTo(url=f"{form.server}/authorize?{query}", saved={"team": form.team, "server": form.server})

    @hookimpl
    def scm_finish_install(self, query: Mapping[str, str], saved: Mapping[str, JsonValue]) -> InstallationDraft:
        if "error" in query:
            raise ProviderForbidden("The person declined.")
        if not query.get("code"):
            raise ProviderError("The forge sent no code.")
        try:
            form = Form.model_validate(dict(saved))
        except ValidationError:
            raise ProviderError("Begin the installation again.") from None
        return self.scm_install(form)

    @hookimpl
    def scm_refresh_credentials(self, installation: Installation) -> RefreshedCredentials | None:
        token = installation.secrets.get("token")
        return RefreshedCredentials(secrets={"token": SecretStr(token.get_secret_value()[::-1])}) if token else None

    @hookimpl
    def scm_offer_repositories(
        self, repositories: Sequence[Repository], search: str, cursor: str
    ) -> Sequence[Offer] | OfferPage:
        offers = [Offer(identifier=str(one.id), name=one.name) for one in repositories if search in one.name]
        if cursor not in ("", "second"):
            raise ProviderError("There is no such page.")
        if cursor:
            return OfferPage(offers=tuple(offers[2:]))
        return OfferPage(offers=tuple(offers[:2]), next="second" if len(offers) > 2 else None)

    @hookimpl
    def scm_sync_repositories(self, repositories: Sequence[Repository]) -> Sequence[RepositoryUpdate]:
        return [RepositoryUpdate(repository_id=one.id, state="archived") for one in repositories]

    @hookimpl
    def scm_upgrade_configuration(self, configuration: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        server = configuration.get("server") or configuration.get("base_url")
        return {"server": server if isinstance(server, str) else "https://git.example.com"}

    @hookimpl
    def scm_uninstall(self, installation: Installation) -> None:
        return None

    @hookimpl
    def scm_dispatch_repository(self, request: AddRequest, candidate: Repository | None) -> Claim | Create | Refusal:
        return Claim() if candidate else Refusal(reason="not_found", message=f"There is no {request.identifier!r}.")

    @hookimpl
    def scm_serialize_repository(
        self, repository: Repository, payload: Mapping[str, JsonValue]
    ) -> Mapping[str, JsonValue]:
        return {"externalSlug": repository.name, "team": "correct"}

    @hookimpl
    def scm_url_templates(self, repository: Repository) -> UrlTemplates | None:
        return UrlTemplates(pages=PAGES, repo_url=repository.url) if repository.url else None

    @hookimpl
    def scm_source_url(self, repository: Repository, location: Location) -> str | NoUrl:
        templates = self.scm_url_templates(repository)
        return templates.view(location) if templates else NO_URL

    @hookimpl
    def scm_commit_url(self, repository: Repository, sha: str) -> str | NoUrl:
        templates = self.scm_url_templates(repository)
        return templates.commit(sha) if templates else NO_URL

    @hookimpl
    def scm_compare_url(self, repository: Repository, base: str, head: str) -> str | NoUrl:
        templates = self.scm_url_templates(repository)
        return templates.compare(base, head) if templates else NO_URL

    @hookimpl
    def scm_read_source_url(self, url: str, repositories: Sequence[Repository]) -> Sequence[LocationCandidate]:
        return [
            LocationCandidate(
                repository_id=one.id, location=Location.model_validate(found.model_dump(exclude={"repo"}))
            )
            for one in repositories
            for found in (read_own_url(url, PAGES, one.url) if one.url else ())
            if found.ref is not None
        ]

    @hookimpl
    async def scm_file_exists(self, location: Location) -> Existence:
        return Existence.YES if location.path.endswith(".py") else Existence.UNKNOWN

    @hookimpl
    async def scm_resolve_ref(self, ref: str | None) -> ResolvedRef | None:
        if ref == "c0ffee":
            return ResolvedRef(name="c0ffee", kind="commit", sha="c0ffee")
        return ResolvedRef(name="main", kind="branch", sha="c0ffee") if ref in (None, "main") else None

    @hookimpl
    def scm_read_file(self, ref: str, path: str) -> bytes | None:
        return b"one\ntwo\n" if (ref, path) == ("main", "a.py") else None

    @hookimpl
    def scm_blame_lines(self, ref: str, path: str, lines: Sequence[int]) -> Sequence[BlamedLine]:
        known = lines if (ref, path) == ("main", "a.py") else ()
        return [BlamedLine(line=line, sha="c0ffee") for line in known if line in (1, 2)]

    @hookimpl
    def scm_compare_commits(self, installation: Installation, base: str | None, head: str) -> Sequence[CommitDraft]:
        # Only the host has the commits of a branch.
        if re.fullmatch(r"[0-9a-f]+", head):
            return [CommitDraft(sha=head)]
        server = urlsplit(str(installation.configuration.get("server", "https://forge.example")))
        try:
            with socket.create_connection((server.hostname, server.port or 443), timeout=1) as connection:
                connection.recv(1)
        except OSError as error:
            raise ProviderUnavailable("The forge does not answer.") from error
        return [CommitDraft(sha=head)]

    @hookimpl
    def scm_register_webhook(self, repository: Repository, address: str) -> RegisteredWebhook:
        return RegisteredWebhook(external_id=f"{repository.name}: {address}"[:200], metadata={"of": repository.name})

    @hookimpl
    def scm_unregister_webhook(self, webhook: RegisteredWebhook) -> None:
        return None

    @hookimpl
    def scm_route_delivery(self, headers: Mapping[str, str], body: bytes) -> DeliveryRoute | None:
        if "x-scmhost-signature" not in headers:
            return None
        try:
            return DeliveryRoute(external_id=Delivery.model_validate_json(body).account, secret=APP_SECRET)
        except ValidationError:
            raise ProviderError("The body is not a push.") from None

    @hookimpl
    def scm_read_push(self, headers: Mapping[str, str], body: bytes, secret: str) -> Sequence[Push]:
        if not check_signature(secret, body, headers.get("x-scmhost-signature", "")):
            raise ProviderForbidden("The signature is wrong.")
        try:
            return [Delivery.model_validate_json(body).push()]
        except ValidationError:
            raise ProviderError("The body is not a push.") from None

    @hookimpl
    def scm_repository_saved(self, organization: Organization, repository: Repository) -> None:
        return None

    @hookimpl
    def scm_installation_saved(self, organization: Organization, installation: Installation) -> None:
        return None

    @hookimpl
    def scm_commits_saved(self, organization: Organization, shas: Sequence[str]) -> None:
        return None

    @hookimpl
    def scm_startup(self, settings: Settings) -> None:
        return None

    @hookimpl
    def scm_shutdown(self) -> None:
        return None

    @hookimpl
    def scm_register_commands(self) -> Sequence[Command]:
        return [Command(name="correct", summary="Print the arguments.", run=print)]


plugin = Correct()


def with_provider(**changes: Any) -> Provider:
    """Return the provider with some fields changed."""
    return PROVIDER.model_copy(update=changes)
