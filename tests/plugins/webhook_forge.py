"""A plugin that registers webhooks at a code host in memory, which a test inspects and makes fail."""

import hmac
import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from scmhost.sdk import (
    AddRequest,
    Claim,
    CommitDraft,
    Create,
    DeliveryRoute,
    Feature,
    Installation,
    InstallationDraft,
    Offer,
    Organization,
    Provider,
    ProviderError,
    ProviderForbidden,
    Push,
    RegisteredWebhook,
    Repository,
    check_signature,
    hookimpl,
)

APP_SECRET = "the secret of the application"


class ForgeForm(BaseModel):
    """The form of an installation: the name of the group on the forge."""

    model_config = ConfigDict(extra="forbid")

    group: str = "team"


class ForgeConfiguration(BaseModel):
    """The fields that may be changed later."""

    model_config = ConfigDict(extra="forbid")

    branch: str = "main"


class ForgeSettings(BaseModel):
    """The settings of the operator."""

    model_config = ConfigDict(extra="forbid")

    app_secret: SecretStr = SecretStr(APP_SECRET)


class Forge:
    """The code host. ``reset`` removes everything.

    Attributes:
        webhooks: by id: the address and the secret of each.
        by_group: register one webhook for all repositories of an installation.
        renumbered: a number in the ids of new webhooks; with another one, old webhooks stay and new ones are made.
        error: what a call raises, if anything.
        calls: each call, in order.
        commits: what a comparison lists, newest first.
        compared: the ends of each comparison.
        seen: the names of the repositories that ``scm_read_push`` got.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.webhooks: dict[str, tuple[str, str]] = {}
        self.by_group = False
        self.renumbered = ""
        self.error: Exception | None = None
        self.calls: list[str] = []
        self.commits: Sequence[CommitDraft] = ()
        self.compared: list[tuple[str | None, str]] = []
        self.seen: list[str] = []

    def begin(self, call: str) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error


forge = Forge()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    features = frozenset({Feature.COMMITS, Feature.COMPARE_COMMITS, Feature.PUSH_WEBHOOKS})
    return [
        Provider(
            key="webhook_forge",
            name="Webhook Forge",
            features=features,
            requires_feature_flag=False,
            install_form=ForgeForm,
            configuration=ForgeConfiguration,
            settings=ForgeSettings,
        )
    ]


@hookimpl
def scm_install(form: ForgeForm, organization: Organization) -> InstallationDraft:
    del organization
    return InstallationDraft(name=form.group, external_id=form.group, configuration={"branch": "main"})


@hookimpl
def scm_offer_repositories() -> Sequence[Offer]:
    return ()


@hookimpl
def scm_dispatch_repository(request: AddRequest, candidate: Repository | None) -> Claim | Create:
    if candidate is None:
        return Create(name=request.identifier, external_id=request.identifier)
    return Claim(external_id=candidate.name)


@hookimpl
def scm_register_webhook(
    installation: Installation, repository: Repository, address: str, secret: str
) -> RegisteredWebhook:
    forge.begin(f"register {repository.external_id}")
    id_ = installation.external_id if forge.by_group else f"hook of {repository.external_id}{forge.renumbered}"
    forge.webhooks[id_] = (address, secret)
    return RegisteredWebhook(external_id=id_, metadata={"of": repository.name})


@hookimpl
def scm_unregister_webhook(repository: Repository, webhook: RegisteredWebhook) -> None:
    forge.begin(f"unregister {webhook.external_id} of {repository.name} ({webhook.metadata['of']})")
    forge.webhooks.pop(webhook.external_id, None)


@hookimpl
def scm_route_delivery(headers: Mapping[str, str], body: bytes, settings: ForgeSettings) -> DeliveryRoute | None:
    if headers.get("x-event") != "push":
        return None
    try:
        return DeliveryRoute.model_validate({"external_id": _read(body)["group"], "secret": settings.app_secret})
    except ValidationError as error:
        raise ProviderError("The body is no delivery.") from error


@hookimpl
def scm_read_push(
    installation: Installation, headers: Mapping[str, str], body: bytes, secret: str, repositories: Sequence[Repository]
) -> Sequence[Push]:
    if not check_signature(secret, body, headers.get("x-signature", "")):
        raise ProviderForbidden(f"not signed for {installation.name}")
    forge.seen += [repository.name for repository in repositories]
    return [Push.model_validate(push) for push in _read(body)["pushes"]]


@hookimpl
def scm_compare_commits(base: str | None, head: str) -> Sequence[CommitDraft]:
    forge.begin(f"compare {head}")
    forge.compared.append((base, head))
    return forge.commits


def delivery(secret: str, *pushes: Push, group: str = "team", event: str = "push") -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a delivery that is signed with a secret."""
    body = json.dumps({"group": group, "pushes": [push.model_dump(mode="json") for push in pushes]}).encode()
    return {"X-Event": event, "X-Signature": hmac.new(secret.encode(), body, "sha256").hexdigest()}, body


def _read(body: bytes) -> Mapping[str, list[object]]:
    try:
        read: Mapping[str, list[object]] = json.loads(body)
        return {"group": read["group"], "pushes": read.get("pushes", [])}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError("The body is no delivery.") from error
