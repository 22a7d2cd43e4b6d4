"""The operator's settings in plugins.toml, and the forms of an installation."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from scmhost.sdk import Fields, Installation, OAuthApp, ProviderError, check_web_url

GITLAB_COM: Final = "https://gitlab.com"

_GROUP: Final = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*")
# Anything else cannot be sent in a header.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


def _group(text: str) -> str:
    path = text.strip("/")
    if path and not _GROUP.fullmatch(path):
        raise ValueError("give the path of the group as in its URL, such as acme or acme/shop")
    return path


def _token(token: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError("a token has no blanks and no other characters than those of a keyboard")
    return token


_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
GroupPath = Annotated[_Text, AfterValidator(_group)]
"""The path of a group or subgroup, or empty."""


class GitLabInstance(Fields):
    """One instance of GitLab, and the OAuth application of scmhost there."""

    url: Annotated[str, AfterValidator(check_web_url)] = Field(
        description="The address of the instance, as in the URLs of its pages; may have a path."
    )
    ssh_host: _Text = Field(default="", description="The host in clone URLs of SSH, if it is another one.")
    client_id: str = Field(default="", description="The application ID; without it, installations need a token.")
    client_secret: SecretStr | None = Field(default=None, description="The secret of a confidential application.")
    scope: str = Field(default="api", description="What the application asks for; read_api excludes webhooks.")

    @property
    def oauth(self) -> OAuthApp:
        """The OAuth application."""
        return OAuthApp(url=self.url, client_id=self.client_id, client_secret=self.client_secret, scope=self.scope)


class GitLabSettings(Fields):
    """The operator's settings, under ``[plugins.gitlab.settings]`` in plugins.toml."""

    instances: Annotated[Mapping[str, GitLabInstance], Field(min_length=1)] = Field(
        default={"gitlab.com": GitLabInstance(url=GITLAB_COM)},
        description="The instances that organizations may use, by name; the first is the default.",
    )
    first_commits: int = Field(default=20, ge=1, le=10_000, description="Commits of a release without one before it.")
    most_commits: int = Field(default=2_000, ge=1, le=20_000, description="Most commits of one release.")
    commits_with_files: int = Field(
        default=200, ge=0, le=10_000, description="The newest commits of a release whose changed files are read."
    )

    def named(self, name: str) -> GitLabInstance:
        """Return the instance that a form names; by default the first.

        Raises:
            ProviderError: there is no such instance.
        """
        found = self.instances.get(name) if name else next(iter(self.instances.values()))
        if found is None:
            raise ProviderError(f"There is no GitLab instance {name!r}; choose one of {', '.join(self.instances)}.")
        return found

    def of(self, installation: Installation) -> GitLabInstance:
        """Return the instance of an installation.

        Raises:
            ProviderError: the operator has removed it.
        """
        url = installation.metadata.get("domain_name", GITLAB_COM)
        found = next((instance for instance in self.instances.values() if instance.url == url), None)
        if found is None:
            raise ProviderError(f"{url} is not among the instances in the operator's settings any more.")
        return found


class GitLabConfiguration(Fields):
    """What may be changed later: the group to which an installation is limited."""

    group: GroupPath = Field(
        default="", description="Only the projects of this group and its subgroups; empty for all that it may see."
    )


class GitLabInstallForm(GitLabConfiguration):
    """The install form: an instance, and a token unless a person confirms the installation at GitLab."""

    name: _Text = Field(default="", description="What people call this installation; by default its group or account.")
    instance: _Text = Field(default="", description="The name of an instance in the operator's settings.")
    token: Annotated[SecretStr, AfterValidator(_token)] | None = Field(
        default=None,
        description="A personal, group or project access token with the scope api, or read_api without webhooks.",
    )
