"""A plugin with credentials: each hook does what a test sets, and records the secrets that it gets."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from scmhost.sdk import (
    Claim,
    Create,
    Existence,
    Feature,
    Installation,
    InstallationDraft,
    Location,
    Offer,
    Provider,
    RefreshedCredentials,
    Refusal,
    Repository,
    hookimpl,
)


class KeyedForm(BaseModel):
    """The form of an installation."""

    model_config = ConfigDict(extra="forbid")

    name: str
    token: SecretStr


class KeyedConfiguration(BaseModel):
    """The fields that may be changed later."""

    model_config = ConfigDict(extra="forbid")

    branch: str | None = Field(default=None, max_length=20)
    token: SecretStr | None = None


class KeyedScript:
    """What each hook does. ``reset`` restores the defaults."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.draft: Callable[[KeyedForm], InstallationDraft] = draft_of
        self.offer: Callable[[Installation], Sequence[Offer]] = lambda _installation: []
        self.refresh: Callable[[Installation], Any] = lambda _installation: None
        self.pure: list[Installation] = []
        """What pure hooks got."""


def draft_of(form: KeyedForm, **fields: Any) -> InstallationDraft:
    """Return an installation with the token of the form."""
    return InstallationDraft.model_validate(
        {"name": form.name, "external_id": form.name, "secrets": {"token": form.token}, **fields}
    )


script = KeyedScript()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [
        Provider(
            key="keyed_forge",
            name="Keyed Forge",
            features=frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK}),
            requires_feature_flag=False,
            install_form=KeyedForm,
            configuration=KeyedConfiguration,
        )
    ]


@hookimpl
def scm_install(form: KeyedForm) -> InstallationDraft:
    return script.draft(form)


@hookimpl
def scm_refresh_credentials(installation: Installation) -> RefreshedCredentials | None:
    renewed: RefreshedCredentials | None = script.refresh(installation)
    return renewed


@hookimpl
def scm_offer_repositories(installation: Installation) -> Sequence[Offer]:
    return script.offer(installation)


@hookimpl
def scm_dispatch_repository(candidate: Repository | None) -> Claim | Create | Refusal:
    return Claim() if candidate else Refusal(reason="not_found", message="There is none.")


@hookimpl
def scm_source_url(installation: Installation, location: Location) -> str:
    script.pure.append(installation)
    return f"https://forge.example/{location.path}"


@hookimpl
def scm_file_exists(installation: Installation) -> Existence:
    return Existence.YES if script.offer(installation) is not None else Existence.NO
