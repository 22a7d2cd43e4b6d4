"""Requests to an instance of GitLab, and the parts of its answers that the plugin reads."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from scmhost.sdk import HostRepository, Installation, ProviderUnauthorized, Repository, join_url, shared_client

from .forms import GitLabInstance, GitLabSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiClient

LARGEST_PAGE: Final = 100
"""The most items that GitLab sends in one page."""


class GitLabAnswer(BaseModel):
    """A part of an answer. Fields that are not declared are ignored."""

    model_config = ConfigDict(frozen=True, strict=True)


class GitLabProject(GitLabAnswer):
    """A project, which GitLab identifies by a number for ever and by a path until somebody changes it."""

    id: int
    path: Annotated[str, Field(alias="path_with_namespace", pattern=r"^[\w.-]+(/[\w.-]+)+$", max_length=1000)]
    default_branch: str | None = None
    archived: bool = False
    marked_for_deletion_on: str | None = None

    def found(self, instance: GitLabInstance) -> HostRepository:
        """Return it for the host. The URL of the answer may be on another host."""
        return HostRepository(
            external_id=str(self.id),
            name=self.path,
            url=join_url(instance.url, self.path),
            configuration={"path": self.path},
            state="archived" if self.archived or self.marked_for_deletion_on else "active",
            default_branch=self.default_branch,
        )


def rest_api(instance: GitLabInstance, secrets: Mapping[str, SecretStr]) -> "ApiClient":
    """Return the client of an instance's REST API with the secrets of an installation.

    Raises:
        ProviderUnauthorized: it has none.
    """
    known = {name: secret.get_secret_value() for name, secret in secrets.items()}
    if "access_token" in known:
        headers = {"Authorization": f"Bearer {known['access_token']}"}
    elif "token" in known:
        headers = {"PRIVATE-TOKEN": known["token"]}
    else:
        raise ProviderUnauthorized("The installation has no token for GitLab; install it again.")
    return shared_client(f"{instance.url}/api/v4", headers)


def api_of(installation: Installation, settings: GitLabSettings) -> "ApiClient":
    """Return the client of the REST API with an installation's credentials."""
    return rest_api(settings.of(installation), installation.secrets)


def project_api(installation: Installation, repository: Repository, settings: GitLabSettings) -> "ApiClient":
    """Return the client of the part of the REST API below a repository's project."""
    # GitLab has no project 0, so that it answers 404 for a repository that was never decided about.
    return api_of(installation, settings).below("projects", repository.external_id or "0")
