"""A plugin whose installations grow old: its model and its hooks are what a test sets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr

from scmhost.sdk import (
    Feature,
    Installation,
    InstallationDraft,
    Organization,
    Provider,
    Repository,
    hookimpl,
)


class OldModel(BaseModel):
    """The configuration of version 1."""

    model_config = ConfigDict(extra="forbid")

    host: str


class NewModel(BaseModel):
    """The configuration of version 2: another name, and a token of its own."""

    model_config = ConfigDict(extra="forbid")

    url: str
    token: SecretStr | None = None


def _renamed(configuration: Mapping[str, Any], _version: str) -> Mapping[str, JsonValue]:
    return {"url": f"https://{configuration['host']}"}


class Aging:
    """One version of the plugin; ``received`` has the calls of its hooks."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.received: list[str] = []
        self.uninstall: Callable[[Installation], None] = lambda _installation: None
        self._provider = Provider(
            key="aging",
            name="Aging",
            features=frozenset({Feature.STACKTRACE_LINK}),
            requires_feature_flag=False,
            configuration=model,
        )

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (self._provider,)

    @hookimpl
    def scm_install(self) -> InstallationDraft:
        return InstallationDraft(name="forge", external_id="1", configuration={"host": "forge.example"})

    @hookimpl
    def scm_source_url(self, installation: Installation, repository: Repository) -> str:
        return f"{installation.configuration['url']}/{repository.name}"

    @hookimpl
    def scm_uninstall(self, installation: Installation) -> None:
        self.received.append(f"uninstall {dict(installation.configuration)} {sorted(installation.secrets)}")
        self.uninstall(installation)

    @hookimpl
    def scm_installation_saved(self, organization: Organization, installation: Installation) -> None:
        shown = dict(installation.configuration)
        self.received.append(f"saved {installation.name} of {organization.slug}: {shown} {dict(installation.secrets)}")


class Upgrading(Aging):
    """A version that upgrades what earlier ones stored."""

    def __init__(self, model: type[BaseModel]) -> None:
        super().__init__(model)
        self.upgrade: Callable[[Mapping[str, Any], str], Any] = _renamed

    @hookimpl
    def scm_upgrade_configuration(self, configuration: Mapping[str, JsonValue], version: str) -> Any:
        self.received.append(f"upgrade {dict(configuration)} of {version!r}")
        return self.upgrade(configuration, version)


old = Aging(OldModel)
new = Upgrading(NewModel)
stubborn = Aging(NewModel)
