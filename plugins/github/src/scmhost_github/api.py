"""Requests to GitHub's REST API, and the parts of its answers that the plugin reads."""

from time import time
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from scmhost.sdk import Installation, ProviderError, ProviderUnauthorized, Repository, owner_and_name, shared_client

from .forms import GitHubApp, GitHubInstance, GitHubSettings

if TYPE_CHECKING:
    from scmhost.sdk import ApiClient

PAGE: Final = 100
"""The most items that GitHub returns at once."""

Id = Annotated[int, Field(ge=1, lt=2**63)]


def client(base_url: str, token: str) -> "ApiClient":
    """Return a client for an address that sends a token. Connections are kept for the life of the process."""
    return shared_client(base_url, {"x-github-api-version": "2022-11-28", "authorization": f"Bearer {token}"})


def is_app(installation: Installation) -> bool:
    """Return whether an installation is that of a GitHub App."""
    return installation.metadata.get("kind") == "app"


def api_of(installation: Installation, settings: GitHubSettings, *, graphql: bool = False) -> "ApiClient":
    """Return a client with the token of an installation."""
    token = installation.secrets.get("token")
    if token is None:
        raise ProviderUnauthorized("The installation has no token.")
    instance = settings.of(installation)
    return client(instance.graphql if graphql else instance.api, token.get_secret_value())


def app_of(instance: GitHubInstance) -> GitHubApp:
    """Return the App of an instance. Without one, a ``ProviderError`` asks for a token."""
    if instance.app is None:
        raise ProviderError(f"Enter a token: the operator has configured no GitHub App for {instance.url}.")
    return instance.app


def app_api(instance: GitHubInstance) -> "ApiClient":
    """Return a client that identifies itself as the App, with a JWT of its private key."""
    now, app = int(time()), app_of(instance)
    # GitHub accepts ten minutes at most, and clocks may differ by a minute.
    return client(instance.api, app.signed({"iat": now - 60, "exp": now + 480, "iss": str(app.id)}))


def external_id(instance: str, number: int) -> str:
    """Return the external id of an App's installation; each instance counts its own."""
    return f"{instance}/{number}"


def repository_api(installation: Installation, repository: Repository, settings: GitHubSettings) -> "ApiClient":
    """Return a client of a repository that the plugin has added, which asks only for what has changed."""
    return api_of(installation, settings).below("repos", *owner_and_name(repository), conditional=True)
